"""The steps that prove a student: the exam, for every arm, and the formats it is exported to."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.files import Journal, read_json_lines, write_json_lines
from seodang.core.progress import Progress
from seodang.core.records import Passage
from seodang.data.build.prompt_text import load_prompts
from seodang.evaluation.answers import View, answer_exam, bare_question
from seodang.evaluation.exam import ExamItem, check_spans, load_exam, select
from seodang.models.chat_model import ChatModel, Message, think_mode
from seodang.models.source import LocalTeacher
from seodang.models.think import ThinkMode
from seodang.pipeline.card import provenance
from seodang.pipeline.context import RunContext


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
    open_book = arm == "teacher_open"
    model = _open_arm(context, arm, seed)
    progress.total, progress.unit = len(items) + (0 if open_book else len(general)), "items"
    with closing(Journal(artifact.folder / "partial" / "answers.jsonl")) as journal:
        limit = context.recipe.evaluate.max_new_tokens
        if think_mode(model) is ThinkMode.ON:
            limit += context.recipe.evaluate.max_reasoning_tokens
        view = (
            open_book_view(context.passages, load_prompts(context.recipe.build.prompts)["exam_open_book"]) if open_book else bare_question
        )
        answers = answer_exam(model, items, journal, view=view, max_new_tokens=limit, progress=progress)
        write_json_lines(artifact.folder / "answers.jsonl", (asdict(answer) for answer in answers))
        summary: dict[str, Any] = {"right": sum(a.right for a in answers), "n": len(answers)}
        if not open_book and general:
            others = answer_exam(model, general, journal, max_new_tokens=limit, progress=progress)
            write_json_lines(artifact.folder / "general.jsonl", (asdict(answer) for answer in others))
            summary |= {"general_right": sum(a.right for a in others), "general_n": len(others)}
    return summary


def _open_arm(context: RunContext, arm: str, seed: int | None) -> ChatModel:
    teacher = context.recipe.teacher
    if arm == "base":
        return context.open_student(context.student_folder, context.student_source)
    if arm.startswith("teacher"):
        if isinstance(teacher, LocalTeacher):
            return context.open_teacher(teacher, "float32")
        return context.teacher
    return context.open_student(context.artifacts[f"train.{arm}.{seed}"].folder / "checkpoint")


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
