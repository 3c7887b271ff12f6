"""The finest pieces of a text that two tokenizers both cut out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from seodang.distill.align.spans import Spans


@dataclass(frozen=True, slots=True)
class Chunks:
    """Slices of the teacher's and of the student's tokens that spell the same bytes, in order: both (N, 2), from and up to.

    Every token that spells bytes is in exactly one chunk, and no slice is empty. The tokens that end the text are a chunk of their own; one
    that begins it is in none. `followed` (N,) says that both sides have a token after the chunk, which is at the place its slice ends.
    """

    teacher: torch.Tensor
    student: torch.Tensor
    followed: torch.Tensor
    num_teacher: int  # tokens, in chunks or not
    num_student: int

    def __len__(self) -> int:
        return len(self.teacher)

    def take(self, mask: torch.Tensor) -> "Chunks":
        """The chunks of a mask (N,), of the same tokens."""
        return Chunks(self.teacher[mask], self.student[mask], self.followed[mask], self.num_teacher, self.num_student)


def find_chunks(teacher: Spans, student: Spans) -> Chunks:
    """The chunks of one text in two tokenizations; ValueError where they are of different texts."""
    if teacher.text != student.text:
        raise ValueError(f"teacher and student have different texts: {teacher.text[:60]!r} and {student.text[:60]!r}")
    cuts = _common_cuts(teacher, student)
    slices_t = [(start, stop) for (start, _), (stop, _) in pairwise(cuts)]
    slices_s = [(start, stop) for (_, start), (_, stop) in pairwise(cuts)]
    if teacher.end is not None and student.end is not None:
        slices_t.append((teacher.end, teacher.end + 1))
        slices_s.append((student.end, student.end + 1))
    num_teacher, num_student = len(teacher.ids), len(student.ids)
    slices_t_N2 = torch.tensor(slices_t, dtype=torch.long).reshape(-1, 2)
    slices_s_N2 = torch.tensor(slices_s, dtype=torch.long).reshape(-1, 2)
    followed_N = (slices_t_N2[:, 1] < num_teacher) & (slices_s_N2[:, 1] < num_student)
    return Chunks(slices_t_N2, slices_s_N2, followed_N, num_teacher, num_student)


def join(parts: Sequence[Chunks]) -> Chunks:
    """The chunks of several texts whose tokens stand one text after the other, on both sides."""
    teacher: list[torch.Tensor] = []
    student: list[torch.Tensor] = []
    num_teacher = num_student = 0
    for part in parts:
        teacher.append(part.teacher + num_teacher)
        student.append(part.student + num_student)
        num_teacher, num_student = num_teacher + part.num_teacher, num_student + part.num_student
    return Chunks(torch.cat(teacher), torch.cat(student), torch.cat([part.followed for part in parts]), num_teacher, num_student)


def members(slices_N2: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The tokens of the slices, one slice after the other, and which slice each belongs to: both (M,)."""
    lengths_N = slices_N2[:, 1] - slices_N2[:, 0]
    chunk_M = torch.repeat_interleave(torch.arange(len(slices_N2), device=slices_N2.device), lengths_N)
    shift_N = slices_N2[:, 0] - (lengths_N.cumsum(0) - lengths_N)
    return torch.arange(len(chunk_M), device=slices_N2.device) + shift_N[chunk_M], chunk_M


def chunk_sums(values_T: torch.Tensor, slices_N2: torch.Tensor) -> torch.Tensor:
    """The sum of the tokens' values in each slice (N,): of log-probabilities, the chunks' log-likelihoods."""
    token_M, chunk_M = members(slices_N2)
    return values_T.new_zeros(len(slices_N2)).index_add(0, chunk_M, values_T[token_M])


def _common_cuts(teacher: Spans, student: Spans) -> list[tuple[int, int]]:
    """Places between tokens, on both sides, at which both have spelled the same bytes.

    Tokens without bytes make several cuts at one byte. They are paired where both sides have equally many there; otherwise they belong to
    the chunk that follows.
    """
    own, other = _cuts(teacher), _cuts(student)
    common: list[tuple[int, int]] = []
    for byte in sorted(own.keys() & other.keys()):
        if len(own[byte]) == len(other[byte]):
            common += zip(own[byte], other[byte], strict=True)
        else:
            common.append((own[byte][0], other[byte][0]))
    return common


def _cuts(spans: Spans) -> dict[int, list[int]]:
    """The places between the text's tokens by the number of bytes before them."""
    cuts = {0: [spans.first]}
    for index in range(spans.first, spans.stop):
        cuts.setdefault(spans.ends[index], []).append(index + 1)
    return cuts
