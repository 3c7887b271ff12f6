"""What exams cost: every arm answers the domain's items, and the general suite without documents in view."""

import math

from seodang.pipeline.estimate.counts import Counts
from seodang.pipeline.estimate.model_size import ModelSize
from seodang.pipeline.estimate.work import PREFIX_TOKENS, StepWork, batch_memory, decoding, opening_memory, reading
from seodang.pipeline.recipe import Recipe

EXAM_BATCH = 32  # items that are answered together (evaluation/run.py)
_EXAMPLES_TOKENS = 400  # of the worked examples with which the teacher sits the exam
_UNTAUGHT = 0.92  # of the tokens that an answer may have, those that an untaught model writes
_UNTAUGHT_GENERAL_TOKENS = 36
_OPEN_BOOK = 0.5  # length of the teacher's open-book answer, in statements
_SPREAD = 2.2  # the longest answer of a batch, in mean ones
_ANSWER_BYTES = 180


def exam_work(name: str, arm: str, recipe: Recipe, counts: Counts, size: ModelSize | None, *, taught: bool) -> StepWork:
    """One arm's exam, greedy and in float32. `size` is None for a teacher behind an endpoint."""
    limit = recipe.evaluate.max_new_tokens
    open_book = arm == "teacher_open"
    general = 0 if open_book else counts.general_items
    as_taught = min(limit, counts.answer_tokens - 1)
    each = min(limit, _OPEN_BOOK * counts.statement_tokens) if open_book else as_taught if taught else _UNTAUGHT * limit
    each_general = as_taught if taught else min(limit, _UNTAUGHT_GENERAL_TOKENS)
    written = counts.exam_items * each + general * each_general
    own = counts.prompt_tokens + (counts.view_tokens if open_book else 0)
    shared = _EXAMPLES_TOKENS if open_book else PREFIX_TOKENS
    disk = _ANSWER_BYTES * (counts.exam_items + general)
    if size is None:
        read = (counts.exam_items + general) * (own + shared)
        return StepWork(name, "exam", tokens_read=read, tokens_written=written, disk_bytes=disk, requests=counts.exam_items + general)
    batches = [(counts.exam_items, each), (general, each_general)]
    steps = sum(math.ceil(items / EXAM_BATCH) * min(limit, _SPREAD * mean) for items, mean in batches)
    num_batches = sum(math.ceil(items / EXAM_BATCH) for items, _ in batches)
    tokens = (counts.exam_items + general) * own + num_batches * shared
    passes = (
        reading(size, tokens, counts.exam_items + general, shared + own, 2 * num_batches, "float32"),
        decoding(size, written, shared + own, steps, "float32"),
    )
    held = opening_memory(size, "float32"), batch_memory(size, EXAM_BATCH, own + limit, shared, "float32")
    return StepWork(name, "exam", passes, held, tokens, written, disk_bytes=disk)
