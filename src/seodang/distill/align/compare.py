"""Whether teacher and student have one vocabulary, and whether the student stops where the teacher does."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from seodang.core.errors import ModelError
from seodang.distill.align.vocabulary import Vocabulary, read_vocabulary

_NUM_SHOWN = 3


@dataclass(frozen=True, slots=True)
class VocabularyComparison:
    """Two maps from ids to bytes, beside each other. An id is common if both give it the same bytes and agree
    whether it is special.

    Of the other ids, `differing_added` are added or special on one side at least, and `differing_ids` are the rest, all in order.
    """

    teacher: Vocabulary
    student: Vocabulary
    common_ids: tuple[int, ...]
    differing_ids: tuple[int, ...]
    differing_added: tuple[int, ...]

    @property
    def equal(self) -> bool:
        return not self.differing_ids and not self.differing_added

    def describe(self) -> str:
        """In one sentence, with the first ids that differ."""
        if self.equal:
            return f"all {len(self.common_ids)} ids are equal"
        total = len(self.common_ids) + len(self.differing_ids) + len(self.differing_added)
        kinds = ((self.differing_ids, "ids of the vocabulary"), (self.differing_added, "added or special ids"))
        parts = [f"{len(ids)} {what} of {total} differ: {self._first(ids)}" for ids, what in kinds if ids]
        return "; ".join(parts)

    def _first(self, ids: tuple[int, ...]) -> str:
        shown = [f"{index} (teacher {_show(self.teacher, index)}, student {_show(self.student, index)})" for index in ids[:_NUM_SHOWN]]
        return ", ".join([*shown, *(["..."] if len(ids) > _NUM_SHOWN else [])])


def compare_vocabularies(teacher_tokenizer: Any, student_tokenizer: Any) -> VocabularyComparison:
    """What two fast tokenizers' ids spell: sizes alone do not say whether a teacher's distribution is one over the student's tokens."""
    teacher, student = read_vocabulary(teacher_tokenizer), read_vocabulary(student_tokenizer)
    own, other = _map(teacher), _map(student)
    common: list[int] = []
    ordinary: list[int] = []
    added: list[int] = []
    for index in sorted(own.keys() | other.keys()):
        if own.get(index) == other.get(index):
            common.append(index)
        elif index in teacher.added or index in student.added:
            added.append(index)
        else:
            ordinary.append(index)
    return VocabularyComparison(teacher, student, tuple(common), tuple(ordinary), tuple(added))


def require_equal_vocabularies(teacher_tokenizer: Any, student_tokenizer: Any) -> VocabularyComparison:
    """ModelError where a loss that compares distributions token by token would compare different tokens."""
    found = compare_vocabularies(teacher_tokenizer, student_tokenizer)
    if not found.equal:
        raise ModelError(
            f"teacher `{found.teacher.name}` and student have different tokenizers: {found.describe()}",
            where=found.student.name,
            hint="set `distill.loss: alm` and `targets.codec: likelihoods` to teach across tokenizers, take a student with the teacher's "
            "tokenizer, or leave out the arm `distilled` (`evaluate.arms: [base, sft]`)",
        )
    return found


def require_end_token(teacher: Vocabulary, teacher_end: int, student: Vocabulary, student_stops: Collection[int]) -> int:
    """The student's id for the end of an answer, for the teacher's `teacher_end`; `student_stops` are the ids at which the student stops.

    It is the student's token of the same name, or its own end where it has none. ModelError where the student would not stop there: it
    would learn to write it and write on.
    """
    name = teacher.pieces[teacher_end] if 0 <= teacher_end < len(teacher.pieces) else None
    same = [index for index in sorted(student.special) if student.pieces[index] == name]
    end = same[0] if same else student.end
    if end is None or end not in student_stops:
        stops = ", ".join(f"{index} ({_show(student, index)})" for index in sorted(student_stops)) or "no token"
        told = "has no such token and no end" if end is None else f"would end it with id {end} ({_show(student, end)}) and write on"
        raise ModelError(
            f"the teacher ends an answer with id {teacher_end} ({_show(teacher, teacher_end)}); the student {told}; it stops at {stops}",
            where=student.name,
            hint="add the id to `eos_token_id` of the student's generation_config.json",
        )
    return end


def _map(vocabulary: Vocabulary) -> dict[int, tuple[bytes, bool]]:
    return {index: (piece, index in vocabulary.special) for index, piece in enumerate(vocabulary.pieces) if piece is not None}


def _show(vocabulary: Vocabulary, index: int) -> str:
    piece = vocabulary.pieces[index] if 0 <= index < len(vocabulary.pieces) else None
    return "none" if piece is None else f"`{piece.decode(errors='backslashreplace')}`{' special' if index in vocabulary.special else ''}"
