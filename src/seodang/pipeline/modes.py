"""What the modes of teaching ask of a run: a live teacher, and a number of processes that can do it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seodang.core.errors import ModelError
from seodang.data.build.prompt_text import load_prompts
from seodang.distill.section import LIVE_MODES, DistillSection
from seodang.distill.students.section import StudentSection
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.pipeline.context import RunContext

if TYPE_CHECKING:
    from seodang.distill.modes.lessons import Lessons
    from seodang.distill.packing import Example
    from seodang.pipeline.pairing import Pair


@dataclass(frozen=True, slots=True)
class Taught:
    """How a student is taught: from which weights, as which student, on what, by which lessons, and in how many steps (None: the
    recipe's epochs)."""

    start: Path
    student: StudentSection
    examples: "list[Example]"
    lessons: "Callable[[], Lessons]"
    num_steps: int | None = None


def refuse_mode(context: RunContext) -> None:
    """Told before any work: a mode that the recipe's teacher, or the number of processes, does not allow."""
    recipe = context.recipe
    for mode in sorted({recipe.distill.of_arm(arm).mode for arm in recipe.distilled_arms} & set(LIVE_MODES)):
        _refuse_mode(context, mode)


def _refuse_mode(context: RunContext, mode: str) -> None:
    if isinstance(context.recipe.teacher, OpenAIHTTPTeacher):
        raise ModelError(
            f"a remote teacher gives its best tokens only, and `distill.mode: {mode}` needs whole distributions",
            hint="set `distill.mode` to `cached` or `offline_on_policy`, with `targets: {codec: top_k, top_k: N}`, or use a local teacher",
        )
    if mode == "on_policy":
        context.team.require_alone(mode)


def by_live_teacher(
    context: RunContext, distill: DistillSection, pair: "Pair", examples: "list[Example]", thought: Collection[str], seed: int
) -> Taught:
    """The modes `live` and `on_policy`: the teacher reads its prompts with the passages in view, and is asked in each step.

    `distill` is how the arm is taught, `pair` teacher and student before teaching, `thought` the records that are taught in think mode.
    ModelError where the teacher's distributions do not fit the student.
    """
    from transformers import AutoConfig

    from seodang.distill.modes.live import Live, LiveTeacher
    from seodang.distill.modes.on_policy import OnPolicy
    from seodang.distill.targets.capture import lessons as read_lessons

    recipe, template = context.recipe, load_prompts(context.recipe.build.prompts)["open_book"]
    plan = read_lessons(context.teacher, context.accepted, context.passages_by_id, template, recipe.targets, thought)
    prompts = {lesson.record: lesson.teacher_prompt for lesson in plan}
    teacher = LiveTeacher(context.teacher, prompts)
    teacher.refuse_unfit(examples, AutoConfig.from_pretrained(context.student_folder, local_files_only=True).get_text_config().vocab_size)

    def lessons() -> Live:
        if distill.mode == "live":
            return Live(teacher)
        return OnPolicy(teacher, distill, seed=seed, end=pair.end, stop_ids=pair.student.stop_ids)

    return Taught(context.student_folder, recipe.student, examples, lessons)
