"""An evaluation by its folder, or by the beginning of its name below RUNS/eval."""

from pathlib import Path

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.evaluation.result import Evaluation, read_evaluation
from seodang.pipeline.evaluate import FOLDER

_SHOWN = 8


def find_evaluation(name: str, root: Path) -> Evaluation:
    """The evaluation that `name` means. InputError, with the candidates, where there is none or more than one."""
    if Path(name).is_dir():
        return read_evaluation(Path(name))
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
