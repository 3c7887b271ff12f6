"""The steps that prove a student: the exam, for every arm, and the formats it is exported to."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.files import read_json_lines
from seodang.core.progress import Progress
from seodang.core.records import Passage
from seodang.data.build.prompt_text import load_prompts
from seodang.evaluation import run, task
from seodang.evaluation.exam import ExamItem, check_spans, load_exam, select
from seodang.evaluation.tasks import exam
from seodang.models.chat_model import ChatModel, Message
from seodang.models.source import LocalTeacher
from seodang.pipeline.card import provenance
from seodang.pipeline.context import RunContext

EXAM, GENERAL = "exam", "general"  # folders of an arm's evaluations
ASKED_AS = (run.VERSION, exam.task.version)  # versions of how items are put and judged

View = Callable[[ExamItem], Sequence[Message]]  # the conversation in which an item is asked


def exam_items(context: RunContext) -> list[ExamItem]:
    """The exam's items about the documents of this run, up to the recipe's number."""
    section = context.recipe.evaluate
    texts = {row["name"]: row["text"] for row in read_json_lines(context.artifacts["ingest"].folder / "documents.jsonl")}
    items = select(load_exam(context.resolve(section.exam)), documents=set(texts), max_items=section.max_items)
    check_spans(items, texts)
    return items


def general_items(context: RunContext) -> list[ExamItem]:
    """The items of the general suite, up to the recipe's number; none where the recipe names no suite."""
    section = context.recipe.evaluate
    return select(load_exam(context.resolve(section.general)), max_items=section.max_general) if section.general else []


def open_book_view(passages: Sequence[Passage], text: Mapping[str, Any]) -> View:
    """Asks an item with three worked examples and the statements that overlap its supporting span in view."""

    def view(item: ExamItem) -> list[Message]:
        start, end = item.span or (0, 0)
        found = [p.view for p in passages if p.document == item.document and p.start < end and start < p.end] or [item.quote or ""]
        *examples, last = text["act" if item.part == "act" else "know"]
        turns = [Message(role, words) for example in examples for role, words in zip(("user", "assistant"), example, strict=True)]
        return [*turns, Message("user", last.format(passages=" ".join(found[:4]), question=item.question))]

    return view


def evaluate(context: RunContext, artifact: Artifact, progress: Progress, *, arm: str, seed: int | None) -> dict[str, Any]:
    """One arm sits the exam, and the general suite closed book. Weights are float32, so that answers do not hang on the batch."""
    items, general = exam_items(context), general_items(context)
    languages = {passage.document: passage.language for passage in context.passages}
    asked_as, views = exam.task, [()] * len(items)
    if arm == "teacher_open":
        view = open_book_view(context.passages, load_prompts(context.recipe.build.prompts)["exam_open_book"])
        asked_as, views, general = exam.open_book, [view(item) for item in items], []
    asked = [exam.to_item(item, languages.get(item.document or "", "en"), seen) for item, seen in zip(items, views, strict=True)]
    model = _open_arm(context, arm, seed)
    progress.total, progress.unit = len(items) + len(general), "items"
    summary = _ask(context, model, asked_as, asked, artifact.folder / EXAM, progress)
    if general:
        others = [exam.to_item(item, "en") for item in general]
        told = _ask(context, model, exam.general, others, artifact.folder / GENERAL, progress)
        summary |= {f"general_{name}": number for name, number in told.items()}
    return summary


def _ask(
    context: RunContext, model: ChatModel, asked_as: task.Task, items: Sequence[task.Item], folder: Path, progress: Progress
) -> dict[str, Any]:
    section = context.recipe.evaluate
    settings = run.Settings(max_reasoning_tokens=section.max_reasoning_tokens)
    options = exam.ExamOptions(max_new_tokens=section.max_new_tokens)
    found = run.run_task(model, asked_as, options, settings, items, folder, progress)
    results = [result for samples in found.results.values() for result in samples]
    return {
        "right": sum(result.score == 1 for result in results),
        "n": len(results),
        "errors": sum(result.outcome == "error" for result in results),
    }


def _open_arm(context: RunContext, arm: str, seed: int | None) -> ChatModel:
    teacher = context.recipe.teacher
    if arm == "base":
        return context.open_student(context.student_folder, context.student_source)
    if arm.startswith("teacher"):
        if isinstance(teacher, LocalTeacher):
            return context.open_teacher(teacher, "float32")
        return context.teacher
    return context.open_student(context.artifacts[f"train.{arm}.{seed}"].folder / "checkpoint", name=f"{arm}:{seed}")


def export(context: RunContext, artifact: Artifact, progress: Progress, *, seed: int) -> dict[str, Any]:
    """GGUF files of the distilled student, each compared with its checkpoint."""
    from seodang.export.gguf import write_gguf
    from seodang.export.parity import compare, predict

    checkpoint = context.artifacts[f"train.distilled.{seed}"].folder / "checkpoint"
    recipe = context.recipe
    questions = [
        [Message("user", item.question)]
        for item in exam_items(context)[:: max(1, len(exam_items(context)) // recipe.export.parity_prompts)]
    ]
    progress.total, progress.unit = 2 * len(recipe.export.formats), "parts"
    references = predict(checkpoint, questions[: recipe.export.parity_prompts])
    rows: dict[str, Any] = {}
    for file_type in recipe.export.formats:
        path = artifact.folder / f"{recipe.name}-{file_type}.gguf"
        write_gguf(checkpoint, path, file_type, provenance(context, context.artifacts["ingest"].manifest["summary"]["documents"]))
        progress.advance(1, f"{file_type} written")
        rows[file_type] = compare(references, path)
        progress.advance(1, f"{file_type} compared")
    return {"formats": rows, "checkpoint_bytes": _folder_bytes(checkpoint)}


def _folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))
