"""What a run does about its guard: nothing by default, and no export and an exit code of its own where the recipe requires it."""

from pathlib import Path

from seodang.core.errors import GuardError
from seodang.core.files import read_json
from seodang.pipeline.collect import compare_general
from seodang.pipeline.context import RunContext
from seodang.pipeline.report.guard import judge_guard


def student_is_guarded(context: RunContext) -> bool:
    """Whether the run may go on to export: its guard is not required, or its distilled student has passed it."""
    section = context.recipe.evaluate.guard
    if not section.require:
        return True
    found = judge_guard(compare_general(context, ("base", "distilled")), ["distilled"], section.margin, required=True)
    return found is not None and found["outcome"] == "passed"


def require_guard(folder: Path) -> None:
    """GuardError where a finished run's report says that a required guard was not passed."""
    guard = read_json(folder / "report.json")["guard"]
    if guard is not None and guard["required"] and guard["outcome"] != "passed":
        raise GuardError(
            guard["sentence"],
            where=str(folder / "report.html"),
            hint="nothing was exported; mix in more general questions (`build.general_questions`), ask more general items, or widen "
            "`evaluate.guard.margin`",
        )
