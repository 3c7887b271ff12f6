"""The step that reads answers which people wrote, and leaves out what the exam asks."""

from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.core.files import read_json_lines, write_json_lines
from seodang.core.progress import Progress
from seodang.data.gold import GoldAnswer, leave_out, load_gold
from seodang.evaluation.exam import load_exam
from seodang.pipeline.context import RunContext

_KEPT, _LEFT_OUT = "kept.jsonl", "left_out.jsonl"


def read_gold(context: RunContext, artifact: Artifact, progress: Progress) -> dict[str, Any]:
    """Checks the recipe's gold answers and writes those that may be taught, and those that may not with the reason."""
    recipe = context.recipe
    rows = load_gold(context.resolve(recipe.gold.files if recipe.gold else ()))
    asked = load_exam(context.resolve((*recipe.evaluate.exam, *recipe.evaluate.general)))
    kept, left = leave_out(rows, [item.question for item in asked], recipe.verify.exam_similarity)
    write_json_lines(artifact.folder / _KEPT, (row.row() for row in kept))
    write_json_lines(artifact.folder / _LEFT_OUT, (row.row() for row in left))
    if not kept:
        raise InputError(
            f"none of the {len(rows)} gold answers may be taught",
            where=str(artifact.folder / _LEFT_OUT),
            hint="the file says why each was left out; write other questions than the exam's",
        )
    repeated = sum(row.exam_question is None for row in left)
    return {"input": len(rows), "kept": len(kept), "near_exam": len(left) - repeated, "repeated": repeated}


def kept_gold(context: RunContext) -> list[GoldAnswer]:
    """What the step left to be taught."""
    return [GoldAnswer(**row) for row in read_json_lines(context.artifacts["gold"].folder / _KEPT)]
