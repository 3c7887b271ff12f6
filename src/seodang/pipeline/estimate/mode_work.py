"""What the modes of teaching cost beside the training itself: a teacher that is asked in each step, and answers that a student writes."""

import math
from dataclasses import replace

from seodang.distill.section import DistillSection
from seodang.pipeline.estimate.counts import Counts
from seodang.pipeline.estimate.model_size import ModelSize
from seodang.pipeline.estimate.teacher_work import targets_work
from seodang.pipeline.estimate.work import PREFIX_TOKENS, Pass, StepWork, batch_memory, decoding, opening_memory, reading
from seodang.pipeline.recipe import Recipe

_ROLLOUT_BATCH = 32  # answers that a fine-tuned student writes together (pipeline/own_answers.py)
_SPREAD = 2.2  # the longest answer of a batch, in mean ones
_OWN_ANSWER_BYTES = 220


def live_passes(distill: DistillSection, counts: Counts, teacher: ModelSize, student: ModelSize, packs: float) -> tuple[Pass, ...]:
    """Of one training in `packs` packs, at one learning rate: the teacher reads every example that is shown or watched with its passages in
    view, and in `on_policy` the student answers a share of them first."""
    shown = counts.accepted * (1 - distill.held_out) * distill.epochs
    watched = counts.accepted * distill.held_out * distill.evaluations
    own = counts.prompt_tokens + counts.view_tokens * 1.3 + counts.answer_tokens
    heads = (shown + watched) * counts.answer_tokens
    reads = reading(teacher, (shown + watched) * own, heads, own + PREFIX_TOKENS, packs * (1 + watched / max(1.0, shown)))
    if distill.mode == "live":
        return (reads,)
    longest = min(distill.rollout_tokens, _SPREAD * counts.answer_tokens)
    written = distill.on_policy_share * shown * min(distill.rollout_tokens, counts.answer_tokens)
    context = PREFIX_TOKENS + counts.prompt_tokens
    return reads, decoding(student, written, context, distill.on_policy_share * packs * longest)


def own_answers_work(
    seed: int, recipe: Recipe, counts: Counts, teacher: ModelSize | None, start: ModelSize, student: ModelSize
) -> list[StepWork]:
    """`offline_on_policy`: the fine-tuned student answers every question, and the teacher scores the answers."""
    samples, limit = recipe.distill.rollout_samples, recipe.distill.rollout_tokens
    answers = counts.accepted * samples
    written = answers * min(limit, counts.answer_tokens)
    context = PREFIX_TOKENS + counts.prompt_tokens
    together = max(1, _ROLLOUT_BATCH // samples)  # questions
    batches = math.ceil(counts.accepted / together)
    passes = (
        reading(student, counts.accepted * counts.prompt_tokens, answers, context, batches, "float32"),
        decoding(student, written, context, batches * min(limit, _SPREAD * counts.answer_tokens), "float32"),
    )
    held = opening_memory(student, "float32"), batch_memory(student, together * samples, context + limit, PREFIX_TOKENS, "float32")
    read = counts.accepted * context
    rollouts = StepWork(f"rollouts.{seed}", "student", passes, held, read, written, disk_bytes=_OWN_ANSWER_BYTES * answers)
    several = replace(counts, know=counts.know * samples, act=counts.act * samples, general=counts.general * samples)
    return [rollouts, replace(targets_work(recipe, several, teacher, start), name=f"targets.{seed}")]
