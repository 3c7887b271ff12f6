"""An evaluation by its folder, by the beginning of its name below RUNS/eval, or as the exam of a run's arm."""

from pathlib import Path

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.evaluation.result import Evaluation, read_evaluation
from seodang.pipeline.evaluate import FOLDER
from seodang.pipeline.workspace import RUN_FILE, Run, open_run

_SHOWN = 8


def find_evaluation(name: str, root: Path) -> Evaluation:
    """The evaluation that `name` means: a folder, the beginning of a name, or RUN:ARM[:SEED][/general] for what a recipe's arm answered.
    InputError, with the candidates, where there is none or more than one."""
    if Path(name).is_dir():
        return read_evaluation(Path(name))
    run, _, arm = name.partition(":")
    if arm and (Path(run) / RUN_FILE).is_file():
        return _of_arm(open_run(Path(run)), arm)
    below = root / FOLDER
    if (below / name).is_dir():
        return read_evaluation(below / name)
    known = sorted(path.name for path in below.iterdir() if Artifact(path).done) if below.is_dir() else []
    found = [one for one in known if one.startswith(name)]
    if len(found) == 1:
        return read_evaluation(below / found[0])
    shown = ", ".join((found or known)[:_SHOWN]) + (", …" if len(found or known) > _SHOWN else "")
    what = f"`{name}` begins {len(found)} names" if found else f"no evaluation `{name}`"
    raise InputError(what, where=str(below), hint=f"there are: {shown}" if shown else "`seodang eval run` makes one")


def _of_arm(run: Run, asked: str) -> Evaluation:
    arm, _, suite = asked.partition("/")
    suites = ("exam", "general")
    steps = [row["name"] for row in run.row["steps"] if row["name"].startswith("evaluate.")]
    names = [step.removeprefix("evaluate.").replace(".", ":") for step in steps]
    found = [name for name in names if name == arm or name.startswith(f"{arm}:")]
    if not found or (suite or "exam") not in suites:
        raise InputError(
            f"no evaluation `{asked}` of this run",
            where=str(run.folder),
            hint=f"its arms: {', '.join(names)}; of its suites: {', '.join(suites)}",
        )
    return read_evaluation(run.artifact("evaluate." + found[0].replace(":", ".")).folder / (suite or "exam"))
