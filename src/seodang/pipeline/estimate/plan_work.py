"""The steps of a recipe with their work, in the plan's order. The only place that knows which steps there are."""

from dataclasses import replace

from seodang.pipeline.arms import GOLD_ARM
from seodang.pipeline.estimate.counts import Counts
from seodang.pipeline.estimate.exam_work import exam_work
from seodang.pipeline.estimate.mode_work import own_answers_work
from seodang.pipeline.estimate.model_size import ModelSize
from seodang.pipeline.estimate.student_work import TOKENIZER_BYTES, export_work, train_work
from seodang.pipeline.estimate.teacher_work import build_work, targets_work, verify_work
from seodang.pipeline.estimate.work import Memory, StepWork
from seodang.pipeline.recipe import Recipe

_TRAINING_LIBRARIES_BYTES = 4e8  # by which a process grew when it first trained, with a model of a hundred thousand parameters
_INGEST_BYTES = 700  # of a passage, with its document and the index


def plan_work(recipe: Recipe, counts: Counts, teacher: ModelSize | None, start: ModelSize, student: ModelSize) -> list[StepWork]:
    """Every step's work. `teacher` is None behind an endpoint; `start` is the model that the `student` is made of."""
    arms, seeds, trained = recipe.evaluate.arms, recipe.evaluate.seeds, recipe.trained_arms
    modes = {recipe.distill.of_arm(arm).mode for arm in recipe.distilled_arms}
    steps = [StepWork("ingest", "other", disk_bytes=_INGEST_BYTES * counts.passages)]
    asked = [build_work(recipe, counts, teacher), verify_work(recipe, counts, teacher)]
    if recipe.student.vocabulary_size and trained:
        asked.append(StepWork("tokenizer", "other", disk_bytes=TOKENIZER_BYTES * student.vocabulary))
    if "cached" in modes:
        asked.append(targets_work(recipe, counts, teacher, start))
    later = [StepWork("gold", "other")] if GOLD_ARM in arms else []
    for seed in seeds:
        answered = False
        for arm in ("sft",) * ("offline_on_policy" in modes and "sft" not in arms) + trained:
            if arm in recipe.distilled_arms and recipe.distill.of_arm(arm).mode == "offline_on_policy" and not answered:
                later += own_answers_work(seed, recipe, counts, teacher, start, student)
                answered = True
            later.append(train_work(f"train.{arm}.{seed}", recipe, counts, start, student, teacher, arm))
    for arm in arms:
        if arm in trained:
            later += [exam_work(f"evaluate.{arm}.{seed}", arm, recipe, counts, student, taught=True) for seed in seeds]
        else:
            later.append(exam_work(f"evaluate.{arm}", arm, recipe, counts, start if arm == "base" else teacher, taught=False))
    if "distilled" in arms and recipe.export.formats:
        later.append(export_work(recipe, counts, student))
    # A run keeps its teacher open to its end, and what training has loaded.
    kept = Memory("auto", teacher.num_parameters if teacher is not None else 0, _TRAINING_LIBRARIES_BYTES if trained else 0)
    return [*steps, *asked, *(replace(step, beside=kept) for step in later)]
