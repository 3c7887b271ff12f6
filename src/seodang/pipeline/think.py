"""One think mode from label to exam: in which mode the teacher writes, the student is taught, and everybody is asked.

The teacher's is `teacher.thinking`. The student's follows from `distill.think_share`: the mode in which most of its answer tokens are
taught, where its template has a switch; "none" where it has none. Exam, `seodang chat`, `generate` and `serve` ask it in that mode.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seodang.core.errors import ModelError
from seodang.core.files import storage_errors
from seodang.core.records import Record
from seodang.models.think import ThinkMode, has_switch, thought_answer, with_default

if TYPE_CHECKING:
    from seodang.models.local import LocalModel
    from seodang.models.reader import Reader
    from seodang.pipeline.context import RunContext
    from seodang.pipeline.workspace import Run


def taught_mode(think_share: float) -> ThinkMode:
    """The mode of a student whose template has a switch."""
    return ThinkMode.ON if think_share >= 0.5 else ThinkMode.OFF


def open_student(folder: Path, think_share: float, **options: Any) -> "LocalModel":
    """A student, or the weights that it starts from, in its think mode. `options` are those of `LocalModel`."""
    from seodang.models.local import LocalModel

    model = LocalModel(folder, **options)
    model.thinking = taught_mode(think_share) if model.has_think_switch else ThinkMode.NONE
    return model


def open_teacher(folder: Path, thinking: ThinkMode, **options: Any) -> "LocalModel":
    """A local teacher in its think mode. ModelError where its template has a switch, and the recipe does not say how it is set."""
    from seodang.models.local import LocalModel

    model = LocalModel(folder, thinking=thinking, **options)
    if thinking is ThinkMode.NONE and model.has_think_switch:
        raise ModelError(
            f"the chat template of `{model.name}` has a switch for thinking (`enable_thinking`), and the recipe does not say how it is set",
            where=str(folder),
            hint="set `teacher.thinking` to `off`, or to `on` for a teacher that reasons before it answers",
        )
    return model


def keep_mode(checkpoint: Path, think_share: float) -> None:
    """Makes the student's mode the default of its template, so that a file exported from it, or another program, asks it as it was taught.
    A template without a switch stays as it is."""
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True)
    if has_switch(tokenizer):
        tokenizer.chat_template = with_default(tokenizer.chat_template, taught_mode(think_share))
        with storage_errors(checkpoint):
            tokenizer.save_pretrained(checkpoint)


def room_to_think(model: "LocalModel", run: "Run") -> int:
    """How many tokens more than its answer may have a run's student is given, so that it can think first; 0 where it does not think."""
    if model.thinking is not ThinkMode.ON:
        return 0
    return run.row["recipe"]["evaluate"]["max_reasoning_tokens"]


def refuse_thinking_student(context: "RunContext") -> None:
    """ModelError, before the teacher is asked, where reasoning is to be taught to a student whose template cannot ask for it."""
    share = context.recipe.distill.think_share
    if share > 0 and not has_switch(_tokenizer(context.student_folder)):
        raise ModelError(
            f"`distill.think_share` is {share:g}, and the student's chat template has no switch for thinking (`enable_thinking`)",
            where=context.student_source.name,
            hint="set it to 0, or take a student whose template has the switch",
        )


def thought_records(context: "RunContext") -> frozenset[str]:
    """The ids of the accepted records that are taught in think mode, chosen by their measured length in the student's tokens."""
    from seodang.distill.think_share import Length, choose_thought

    share = context.recipe.distill.think_share
    if share == 0:
        return frozenset()
    tokenizer = _tokenizer(context.student_start)

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"]) + 1  # and the token that ends it

    lengths = [
        Length(
            record.id,
            count(record.answer),
            count(thought_answer(tokenizer, record.reasoning, record.answer)) if record.reasoning else None,
        )
        for record in context.accepted
    ]
    return choose_thought(lengths, share)


def asked_in(student: "Reader", record: Record | None, thought: Collection[str]) -> ThinkMode:
    """The mode in which a student is asked a record's question while it is taught: `thought` are those that it reasons about. A question
    that is no record's is asked without thinking."""
    if not student.has_think_switch:
        return ThinkMode.NONE
    return ThinkMode.ON if record is not None and record.id in thought else ThinkMode.OFF


def taught_lengths(reader: "Reader", records: Sequence[Record], thought: Collection[str]) -> dict[str, Any]:
    """The student's mode, and what it is taught in think mode: records, share of the answer tokens, and mean tokens of reasoning (its marks
    included; over the records with one) and of answers (their end included; over all)."""
    plain = {record.id: len(reader.encode_answer(record.answer)) for record in records}
    whole = {record.id: len(reader.encode_answer(record.answer, record.reasoning)) for record in records if record.id in thought}
    total = sum(whole.get(name, count) for name, count in plain.items())
    return {
        "mode": str(reader.thinking),
        "num_thought": len(whole),
        "share": round(sum(whole.values()) / total, 6),
        "mean_reasoning_tokens": round(sum(whole[name] - plain[name] for name in whole) / len(whole), 2) if whole else 0.0,
        "mean_answer_tokens": round(sum(plain.values()) / len(plain), 2),
    }


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)
