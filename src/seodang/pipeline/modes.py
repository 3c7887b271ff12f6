"""What the modes of teaching ask of a run: a live teacher, and a number of processes that can do it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seodang.core.errors import ModelError
from seodang.data.build.prompt_text import load_prompts
from seodang.distill.section import LIVE_MODES
from seodang.distill.students.section import StudentSection
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.pipeline.context import RunContext

if TYPE_CHECKING:
    from seodang.distill.modes.lessons import Lessons
    from seodang.distill.packing import Example
    from seodang.models.local import LocalModel


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
    recipe, mode = context.recipe, context.recipe.distill.mode
    if "distilled" not in recipe.evaluate.arms or mode not in LIVE_MODES:
        return
    if isinstance(recipe.teacher, OpenAIHTTPTeacher):
        raise ModelError(
            f"a remote teacher gives its best tokens only, and `distill.mode: {mode}` needs whole distributions",
            hint="set `distill.mode` to `cached` or `offline_on_policy`, with `targets: {codec: top_k, top_k: N}`, or use a local teacher",
        )
    if mode == "on_policy":
        context.team.require_alone(mode)


def by_live_teacher(context: RunContext, reader: "LocalModel", examples: "list[Example]", seed: int) -> Taught:
    """The modes `live` and `on_policy`: the teacher reads its prompts with the passages in view, and is asked in each step.

    `reader` is the student before teaching. ModelError where the teacher's distributions do not fit the student.
    """
    from seodang.distill.modes.live import Live, LiveTeacher
    from seodang.distill.modes.on_policy import OnPolicy
    from seodang.distill.targets.capture import open_book
    from seodang.models.chat_model import Scores, require

    recipe = context.recipe
    scorer, template = require(context.teacher, Scores, "teaching live"), load_prompts(recipe.build.prompts)["open_book"]
    prompts = {record.id: scorer.encode_chat(open_book(record, context.passages_by_id, template)) for record in context.accepted}
    teacher = LiveTeacher(context.teacher, prompts)
    teacher.refuse_unfit(examples, reader.model.get_output_embeddings().weight.shape[0])
    end, stop_ids = reader.encode_answer("")[-1], reader.stop_ids

    def lessons() -> Live:
        if recipe.distill.mode == "live":
            return Live(teacher)
        return OnPolicy(teacher, recipe.distill, seed=seed, end=end, stop_ids=stop_ids)

    return Taught(context.student_folder, recipe.student, examples, lessons)
