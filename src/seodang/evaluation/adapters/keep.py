"""Results of another harness kept as an evaluation of ours, so that all that reads one reads them too."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.core.files import write_json_lines
from seodang.core.hashing import digest
from seodang.evaluation.result import ITEMS, RESULTS, STEP, Evaluation, Result, item_row, read_evaluation
from seodang.evaluation.task import Item


def keep_evaluation(folder: Path, items: Sequence[Item], results: Sequence[Result], told: Mapping[str, Any]) -> Evaluation:
    """Writes items and results in `folder`. `told` has the model, its identity, the task with its version and whatever else is known; the
    rest of a summary is what holds where nothing is known. InputError where the folder holds another evaluation."""
    samples = {len([result for result in results if result.item == item.id]) for item in items[:1]}
    key = digest([dict(told), [item_row(item) for item in items], [result.row() for result in results]])
    artifact = Artifact(folder)
    if artifact.done and artifact.manifest["key"] != key:
        raise InputError("another evaluation is kept here", where=str(folder), hint="name another folder with `--out`, or remove this one")
    if not artifact.done:
        write_json_lines(folder / ITEMS, (item_row(item) for item in items))
        write_json_lines(folder / RESULTS, (result.row() for result in results))
        unknown = {"thinking": "none", "title": told["task"], "family": "domain", "license": "unknown", "source": "", "chance": None}
        how = {"options": {}, "num_samples": samples.pop() if samples else 1, "temperature": None, "top_p": None, "seed": None}
        counts = {"num_items": len(items), "num_errors": sum(result.outcome == "error" for result in results)}
        artifact.finish(step=STEP, key=key, summary={**unknown, **how, **told, **counts}, measured={}, synthetic=False)
    return read_evaluation(folder)
