"""Evaluations whose every answer is laid down: folders as `seodang eval run` writes them, without a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.files import write_json_lines
from seodang.evaluation.result import ITEMS, RESULTS, STEP, Evaluation, Result, item_row, read_evaluation
from seodang.evaluation.task import Item

FAILED = None  # an answer that ended in an error


def make_items(num: int, *, parts: int = 1, per_group: int = 1) -> list[Item]:
    """Items i0, i1, … in turn of parts p0, p1, …; `per_group` neighbours share a group."""
    groups = [f"g{index // per_group}" if per_group > 1 else "" for index in range(num)]
    return [Item(f"i{index}", f"p{index % parts}", f"Question number {index}?", group=groups[index]) for index in range(num)]


def evaluated(
    folder: Path,
    items: Sequence[Item],
    scores: Sequence[Sequence[float | None] | float | None],
    *,
    tokens: Sequence[int] | int = 10,
    **told: Any,
) -> Evaluation:
    """The evaluation with these scores, one or several samples an item; None is an error. `told` goes into the summary."""
    samples = [list(one) if isinstance(one, Sequence) else [one] for one in scores]
    write_json_lines(folder / ITEMS, (item_row(item) for item in items))
    rows: list[Mapping[str, Any]] = []
    for place, (item, row) in enumerate(zip(items, samples, strict=True)):
        count = tokens if isinstance(tokens, int) else tokens[place]
        rows += [
            Result(
                item.id,
                sample,
                "error" if score is None else "judged",
                score or 0.0,
                error="refused" if score is None else "",
                num_new_tokens=count,
            ).row()
            for sample, score in enumerate(row)
        ]
    write_json_lines(folder / RESULTS, rows)
    summary = {
        "model": folder.name,
        "identity": {"kind": "made up", "name": folder.name},
        "thinking": "none",
        "task": "laid_down",
        "title": "Laid down",
        "family": "knowledge",
        "task_version": 1,
        "license": "Apache-2.0",
        "source": "",
        "chance": None,
        "options": {},
        "num_samples": len(samples[0]),
        "temperature": 0.0,
        "num_items": len(items),
        "num_errors": sum(score is None for row in samples for score in row),
        **told,
    }
    Artifact(folder).finish(step=STEP, key=folder.name, summary=summary, measured={}, synthetic=False)
    return read_evaluation(folder)
