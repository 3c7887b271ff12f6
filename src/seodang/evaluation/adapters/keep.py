"""Results of another harness kept as an evaluation of ours, so that all that reads one reads them too."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.core.files import write_json_lines
from seodang.core.hashing import digest
from seodang.evaluation.result import ITEMS, RESULTS, STEP, Evaluation, Result, item_row, read_evaluation
from seodang.evaluation.task import Item


def keep_evaluation(
    root: Path, items: Sequence[Item], results: Sequence[Result], told: Mapping[str, Any], *, num_samples: int = 1, synthetic: bool = False
) -> Evaluation:
    """Writes items and results in a folder of their own below `root`, where the same ones are written once.

    `told` has the model, its identity, the task with its version and whatever else is known; the rest of a summary is what holds where
    nothing is known. `synthetic`: the model has random weights. A number that is not finite is kept as null.
    """
    told = _finite(dict(told))
    asked, found = [_finite(item_row(item)) for item in items], [_finite(result.row()) for result in results]
    key = digest([told, asked, found, synthetic])
    artifact = Artifact(root / f"{_plain(told['model'])}__{_plain(told['task'])}__{key[:8]}")
    if not artifact.done:
        with artifact.locked():
            write_json_lines(artifact.folder / ITEMS, asked)
            write_json_lines(artifact.folder / RESULTS, found)
            unknown = {"thinking": "none", "title": told["task"], "family": "domain", "license": "unknown", "source": "", "chance": None}
            how = {"options": {}, "num_samples": num_samples, "temperature": None, "top_p": None, "seed": None}
            counts = {"num_items": len(items), "num_errors": sum(result.outcome == "error" for result in results)}
            artifact.finish(step=STEP, key=key, summary={**unknown, **how, **told, **counts}, measured={}, synthetic=synthetic)
    return read_evaluation(artifact.folder)


def as_score(value: Any, name: str, where: str) -> float:
    """A metric's or scorer's value of one item, from 0 to 1; of truths, such as one for each instruction, their mean. InputError for any
    other value."""
    if isinstance(value, list) and value and all(isinstance(one, bool) for one in value):
        return sum(value) / len(value)
    if isinstance(value, bool | int | float) and 0 <= value <= 1:
        return float(value)
    raise InputError(
        f"`{name}` of an item is {str(value)[:60]}, no score from 0 to 1", where=where, hint="name another one that is, with `--metric`"
    )


def _finite(value: Any) -> Any:
    """JSON without NaN and infinities, which Python's own JSON writes and no other reads: null in their place."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "unnamed"
