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


@dataclass(frozen=True, slots=True)
class Pair:
    """How both read. `end` is the student's id for the end of an answer."""

    teacher: Reader
    student: Reader
    end: int

    def answer_ids(self, text: str) -> tuple[int, ...]:
        """The student's tokens of an answer, with its end."""
        return (*self.student.encode_text(text), self.end)


def open_pair(context: RunContext) -> Pair:
    """The readers of a run's teacher and student. A remote teacher is asked in the student's tokens, which its preflight has compared.

    ModelError where the student would not stop at the end of an answer.
    """
    student = Reader(context.student_start)
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


def refuse_other_tokens(pair: Pair, records: Sequence[Record]) -> None:
    """A student can learn a teacher's distributions only over the same tokens: what the ids spell is compared, not how many there are, and
    then how both cut the answers. ModelError where they differ."""
    if pair.teacher is pair.student:
        return
    require_equal_vocabularies(pair.teacher.tokenizer, pair.student.tokenizer)
    for record in records:
        if tuple(pair.teacher.encode_answer(record.answer)) != pair.answer_ids(record.answer):
            raise ModelError(
                f"the teacher and the student cut the answer {record.answer[:40]!r} into other tokens",
                hint="set `distill.loss: alm` and `targets.codec: likelihoods`, which compare what is spelled, or take a student with the "
                "teacher's tokenizer",
            )


def align(pair: Pair, records: Sequence[Record], kept: Mapping[str, Target | Likelihoods]) -> tuple[dict[str, Across], dict[str, int]]:
    """What each record's answer teaches a student with other tokens, by the record's id, and counts: chunks, and answers without any.

    ModelError where no answer is spelled alike by both.
    """
    aligner = Aligner(pair.teacher.tokenizer, pair.student.tokenizer)
    found = {
        record.id: aligner.align(record.answer, pair.teacher.encode_answer(record.answer), pair.answer_ids(record.answer), kept[record.id])
        for record in records
    }
    if aligner.num_unaligned == len(records):
        raise ModelError(
            f"none of {len(records)} answers is spelled by the tokens of both teacher and student, so that nothing can be aligned",
            where=aligner.student.name,
            hint="take a student whose tokenizer keeps every letter of a text",
        )
    counts = {"num_chunks": sum(len(target.chunks) for target in found.values()), "num_unaligned": aligner.num_unaligned}
    return found, counts
