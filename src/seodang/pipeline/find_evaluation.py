"""An evaluation by its folder, by the beginning of its name or its model's below RUNS/eval, or as the exam of a run's arm."""

import unicodedata
from pathlib import Path

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.evaluation.own_folder import told_in
from seodang.evaluation.result import Evaluation, read_evaluation
from seodang.pipeline.evaluate import FOLDER
from seodang.pipeline.workspace import RUN_FILE, Run, open_run

_SHOWN = 8
_SUITES = ("exam", "general")


def find_evaluation(name: str, root: Path) -> Evaluation:
    """The evaluation that `name` means: a folder, the beginning of a name, that of its model's name, or RUN:ARM[:SEED][/general] for what a
    recipe's arm answered. InputError, with the candidates, where there is none or more than one."""
    run, _, arm = name.partition(":")
    if (Path(run) / RUN_FILE).is_file():
        return _of_arm(open_run(Path(run)), arm)
    if Path(name).is_dir():
        return read_evaluation(Path(name))
    below = root / FOLDER
    if (below / name).is_dir():
        return read_evaluation(below / name)
    known = sorted(path.name for path in below.iterdir() if Artifact(path).done) if below.is_dir() else []
    found = [one for one in known if _begins(one, name)] or [one for one in known if _begins(_model(below / one), name)]
    if len(found) == 1:
        return read_evaluation(below / found[0])
    shown = ", ".join((found or known)[:_SHOWN]) + (", …" if len(found or known) > _SHOWN else "")
    what = f"`{name}` begins {len(found)} names" if found else f"no evaluation `{name}`"
    raise InputError(what, where=str(below), hint=f"there are: {shown}" if shown else "`seodang eval run` makes one")


def _begins(whole: str, beginning: str) -> bool:
    """Whichever way letters with marks, and Korean syllables, are composed."""
    return unicodedata.normalize("NFC", whole).startswith(unicodedata.normalize("NFC", beginning))


def _model(folder: Path) -> str:
    """The name under which the model of a finished evaluation answered; empty for what is none."""
    summary = told_in(folder).get("summary", {})
    return str(summary.get("model", "")) if isinstance(summary, dict) else ""


def _of_arm(run: Run, asked: str) -> Evaluation:
    arm, _, suite = asked.partition("/")
    suite = suite or "exam"
    steps = [row["name"] for row in run.row["steps"] if row["name"].startswith("evaluate.")]
    names = [step.removeprefix("evaluate.").replace(".", ":") for step in steps]
    found = [name for name in names if name == arm or name.startswith(f"{arm}:")] if arm else []
    if not found or suite not in _SUITES:
        raise InputError(
            f"no evaluation `{asked}` of this run" if asked else "a run: which of its arms?",
            where=str(run.folder),
            hint=f"write RUN:ARM; its arms: {', '.join(names)}; of its suites: {', '.join(_SUITES)}" if names else "it evaluates no arm",
        )
    if len(found) > 1:
        raise InputError(
            f"`{arm}` has {len(found)} seeds, and an evaluation is of one",
            where=str(run.folder),
            hint=f"write RUN:ARM:SEED: {', '.join(found)}; the mean of the seeds stands in the run's report",
        )
    return read_evaluation(run.artifact("evaluate." + found[0].replace(":", ".")).folder / suite)
