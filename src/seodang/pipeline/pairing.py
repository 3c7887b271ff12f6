"""A teacher and its student beside each other: whether their tokens are one, how an answer ends, and what is taught where they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seodang.core.errors import ModelError
from seodang.core.records import Record
from seodang.distill.align.compare import require_end_token, require_equal_vocabularies
from seodang.distill.align.target import Across, Aligner, Likelihoods
from seodang.distill.align.vocabulary import read_vocabulary
from seodang.distill.losses.target import Target
from seodang.models.reader import Reader
from seodang.models.source import LocalTeacher, model_folder
from seodang.pipeline.context import RunContext
from seodang.pipeline.think import taught_mode


@dataclass(frozen=True, slots=True)
class Pair:
    """How both read. `end` is the student's id for the end of an answer."""

    teacher: Reader
    student: Reader
    end: int

    def answer_ids(self, text: str, reasoning: str = "") -> tuple[int, ...]:
        """The student's tokens of an answer, after its reasoning, with the end."""
        return (*self.student.encode_text(self.student.whole_answer(text, reasoning)), self.end)


def open_pair(context: RunContext) -> Pair:
    """The readers of a run's teacher and student. A remote teacher is asked in the student's tokens, which its preflight has compared.

    ModelError where the student would not stop at the end of an answer.
    """
    student = Reader(context.student_start)
    if student.has_think_switch:
        student.thinking = taught_mode(context.recipe.distill.think_share)
    teacher = context.recipe.teacher
    if not isinstance(teacher, LocalTeacher):
        return Pair(student, student, student.encode_answer("")[-1])
    folder = model_folder(teacher, context.workspace.store, context.base)
    return pair_of(student if folder == student.folder else Reader(folder), student)


def pair_of(teacher: Reader, student: Reader) -> Pair:
    """Two readers with the end of an answer. ModelError where the student would not stop there."""
    end = teacher.encode_answer("")[-1]
    if teacher is not student:
        end = require_end_token(read_vocabulary(teacher.tokenizer), end, read_vocabulary(student.tokenizer), student.stop_ids)
    return Pair(teacher, student, end)


def refuse_other_tokens(pair: Pair, records: Sequence[Record], reasoning: Mapping[str, str]) -> None:
    """A student can learn a teacher's distributions only over the same tokens: what the ids spell is compared, not how many there are, and
    then how both cut the answers, with the reasoning that is taught before them, by a record's id. ModelError where they differ."""
    if pair.teacher is pair.student:
        return
    require_equal_vocabularies(pair.teacher.tokenizer, pair.student.tokenizer)
    for record in records:
        thought = reasoning.get(record.id, "")
        if tuple(pair.teacher.encode_answer(record.answer, thought)) != pair.answer_ids(record.answer, thought):
            raise ModelError(
                f"the teacher and the student cut the answer {record.answer[:40]!r} into other tokens",
                hint="set `distill.loss: alm` and `targets.codec: likelihoods`, which compare what is spelled, or take a student with the "
                "teacher's tokenizer",
            )


def align(
    pair: Pair, records: Sequence[Record], kept: Mapping[str, Target | Likelihoods], reasoning: Mapping[str, str]
) -> tuple[dict[str, Across], dict[str, int]]:
    """What each record's answer teaches a student with other tokens, by the record's id, and counts: chunks, and answers without any.

    `reasoning` is what is taught before an answer, by its record's id. ModelError where no answer is spelled alike by both.
    """
    aligner = Aligner(pair.teacher.tokenizer, pair.student.tokenizer)
    found: dict[str, Across] = {}
    for record in records:
        thought = reasoning.get(record.id, "")
        texts = pair.teacher.whole_answer(record.answer, thought), pair.student.whole_answer(record.answer, thought)
        ids = pair.teacher.encode_answer(record.answer, thought), pair.answer_ids(record.answer, thought)
        found[record.id] = aligner.align(texts, ids, kept[record.id])
    if aligner.num_unaligned == len(records):
        raise ModelError(
            f"none of {len(records)} answers is spelled by the tokens of both teacher and student, so that nothing can be aligned",
            where=aligner.student.name,
            hint="take a student whose tokenizer keeps every letter of a text",
        )
    counts = {"num_chunks": sum(len(target.chunks) for target in found.values()), "num_unaligned": aligner.num_unaligned}
    return found, counts
