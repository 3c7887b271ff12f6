"""Making chunks comparable: a chunk's likelihood that also says that a word ends there (outcome debiasing, Minixhofer et al. 2025, ALM,
arXiv 2503.20083).

A model writes the word "computer" as "comp" and "uter", another one as a single token. The likelihood that the first one gives to "comp"
holds every longer word, that of the other one hardly any: they differ although both may agree about the text. With the mass of the tokens
that begin another word they are of one event, "comp and no more". As in the paper, the next chunk is not divided by that mass, so matching
stays approximate; a threshold keeps chunks from ending where the teacher hardly lets a word end.
"""

from dataclasses import dataclass

import torch

from seodang.distill.align.chunks import Chunks
from seodang.distill.align.vocabulary import Vocabulary

THRESHOLD = 0.1


@dataclass(frozen=True, slots=True)
class Boundary:
    """What is known of the ends of words.

    `teacher` (T_t,) is the natural log of the teacher's mass on tokens that begin a word, at the place of each of its tokens
    (`boundary_logprobs`); `student` (V_s,) is a mask of the student's tokens that do (`boundary_tokens`).
    """

    teacher: torch.Tensor
    student: torch.Tensor


def boundary_tokens(vocabulary: Vocabulary, size: int | None = None) -> torch.Tensor:
    """Which tokens show that a word is over: those that begin with a space, a tab or a line break, and special ones. A mask (V,).

    `size` is the width of the logits where a model has more rows than its tokenizer has tokens.
    """
    pieces = vocabulary.pieces
    flags = [index in vocabulary.special or (piece is not None and piece[:1].isspace()) for index, piece in enumerate(pieces)]
    return torch.tensor(flags + [False] * ((size or len(pieces)) - len(pieces)))


def boundary_logprobs(logits_TV: torch.Tensor, tokens_V: torch.Tensor) -> torch.Tensor:
    """The natural log of the mass of the mask's tokens at each position (T,), at most 0."""
    masses_TV = torch.log_softmax(logits_TV.float(), -1).masked_fill(~tokens_V, float("-inf"))
    return torch.logsumexp(masses_TV, -1).clamp(max=0.0)  # rounding can put a mass of 1 above it


def merge_chunks(chunks: Chunks, teacher_boundary: torch.Tensor, threshold: float = THRESHOLD) -> Chunks:
    """Chunks joined so that each ends where the teacher finds it at least possible that a word does: with a mass above `threshold`.

    `teacher_boundary` (T_t,) is that of `Boundary`. A chunk that ends its text stays the end of one, and chunks between which a token
    belongs to none are not joined.
    """
    if len(chunks) == 0:
        return chunks
    places_N = torch.where(chunks.followed, chunks.teacher[:, 1], 0)
    ends_N = ~chunks.followed | (teacher_boundary[places_N].exp() > threshold)
    apart_N = (chunks.teacher[1:, 0] != chunks.teacher[:-1, 1]) | (chunks.student[1:, 0] != chunks.student[:-1, 1])
    ends_N[:-1] |= apart_N
    ends_N[-1] = True
    last_M = ends_N.nonzero()[:, 0]
    first_M = torch.cat([last_M.new_zeros(1), last_M[:-1] + 1])
    teacher_M2 = torch.stack([chunks.teacher[first_M, 0], chunks.teacher[last_M, 1]], -1)
    student_M2 = torch.stack([chunks.student[first_M, 0], chunks.student[last_M, 1]], -1)
    return Chunks(teacher_M2, student_M2, chunks.followed[last_M], chunks.num_teacher, chunks.num_student)
