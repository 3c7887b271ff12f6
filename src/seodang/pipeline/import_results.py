"""Results of other harnesses, kept below the runs beside our own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seodang.evaluation.adapters.inspect_log import read_inspect
from seodang.evaluation.adapters.lm_eval import read_lm_eval
from seodang.evaluation.score import summarise
from seodang.pipeline.evaluate import FOLDER


def import_results(
    path: Path,
    root: Path,
    *,
    metric: str | None = None,
    filter_name: str | None = None,
    synthetic: bool = False,
    known: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """The scores of what was imported, with its folders. A folder is lm-eval's, a file inspect-ai's; InputError where it is neither.

    `synthetic`: the model has random weights, which no other harness knows of. `known`: the model's name and identity, where they are
    known better than the other harness tells them.
    """
    out = root / FOLDER
    if path.is_dir():
        found = read_lm_eval(path, out, metric=metric, filter_name=filter_name, synthetic=synthetic, known=known)
    else:
        found = [read_inspect(path, out, scorer=metric, synthetic=synthetic, known=known)]
    return [{**summarise(evaluation), "folder": str(evaluation.folder)} for evaluation in found]
