"""What is taught to a student whose tokens are not the teacher's: what the teacher says of its own tokens, and which of the student's spell
the same bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from seodang.core.errors import ModelError
from seodang.distill.align.boundary import boundary_tokens
from seodang.distill.align.chunks import Chunks, find_chunks, join
from seodang.distill.align.spans import byte_spans
from seodang.distill.align.vocabulary import Vocabulary, read_vocabulary
from seodang.distill.losses.target import Dense, Hidden, Sampled, Sparse, Target, join_targets


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """Of each token that was written, natural logarithms: `logprobs` (T,), its probability, and `boundary` (T,), the mass of the tokens
    that would have begun a word in its place (`boundary_logprobs`). This is no distribution; it is all that `alm` needs of a teacher."""

    logprobs: torch.Tensor
    boundary: torch.Tensor

    def take(self, places: torch.Tensor) -> "Likelihoods":
        """Those of some tokens, given by their indices."""
        return Likelihoods(self.logprobs[places], self.boundary[places])


@dataclass(frozen=True, slots=True)
class Across:
    """One answer, or several behind one another, that teacher and student cut into other tokens.

    `teacher` is over the teacher's T_t tokens; `ids` (T_s,) are the student's, `chunks` says which of both spell the same bytes, and
    `begins` is the mask of the student's tokens that begin a word (`boundary_tokens`), as long as its tokenizer.
    """

    teacher: Likelihoods | Dense | Hidden
    chunks: Chunks
    ids: torch.Tensor
    begins: torch.Tensor


def join_across(parts: Sequence[Across]) -> Across:
    """The targets of several answers whose tokens stand one answer after the other. ValueError where the teacher's are of several kinds."""
    kinds = {type(part.teacher).__name__ for part in parts}
    if len(kinds) != 1:
        raise ValueError(f"targets of several kinds cannot be joined: {', '.join(sorted(kinds))}")
    likelihoods = [part.teacher for part in parts if isinstance(part.teacher, Likelihoods)]
    if likelihoods:
        columns = ([part.logprobs for part in likelihoods], [part.boundary for part in likelihoods])
        teacher = Likelihoods(torch.cat(columns[0]), torch.cat(columns[1]))
    else:
        teacher = join_targets([part.teacher for part in parts if not isinstance(part.teacher, Likelihoods)])
        assert isinstance(teacher, Dense | Hidden)
    return Across(teacher, join([part.chunks for part in parts]), torch.cat([part.ids for part in parts]), parts[0].begins)


def join_taught(targets: Sequence[Target | Across]) -> Target | Across:
    """Targets behind one another: all of one kind. ValueError where they are not."""
    across = [target for target in targets if isinstance(target, Across)]
    if not across:
        return join_targets([target for target in targets if not isinstance(target, Across)])
    if len(across) < len(targets):
        raise ValueError("targets over the teacher's tokens and over the student's cannot be joined")
    return join_across(across)


def chosen_chunks(chunks: Chunks, mask: torch.Tensor) -> torch.Tensor:
    """Which chunks (N,) count for a mask of the student's tokens (T_s,): those of which it has every token."""
    if bool(mask.all()):
        return torch.ones(len(chunks), dtype=torch.bool, device=mask.device)
    before = torch.cat([mask.new_zeros(1, dtype=torch.long), (~mask).long().cumsum(0)])  # tokens that do not count
    return before[chunks.student[:, 1]] == before[chunks.student[:, 0]]


class Aligner:
    """Finds the chunks of answers for one pair of tokenizers. ModelError as `read_vocabulary`."""

    def __init__(self, teacher_tokenizer: Any, student_tokenizer: Any) -> None:
        self.teacher: Vocabulary = read_vocabulary(teacher_tokenizer)
        self.student: Vocabulary = read_vocabulary(student_tokenizer)
        self.begins = boundary_tokens(self.student)
        self.num_unaligned = 0

    def align(self, texts: tuple[str, str], ids: tuple[Sequence[int], Sequence[int]], kept: Target | Likelihoods) -> Across:
        """The target of one answer, by the teacher's and the student's text and tokens of it, `kept` at the teacher's.

        Where both texts differ (their templates write reasoning in other ways), or a tokenizer does not spell one (it changes letters),
        there are no chunks, so that nothing but cross-entropy is taught, and the answer is counted in `num_unaligned`.

        ValueError for a kind of target that no loss across tokenizers takes.
        """
        if isinstance(kept, Sparse | Sampled):
            raise ValueError(f"a {type(kept).__name__.lower()} target says nothing that another tokenizer's student could be taught")
        chunks = self._chunks(texts, ids) if texts[0] == texts[1] else None
        if chunks is None:
            self.num_unaligned += 1
            none = torch.zeros((0, 2), dtype=torch.long)
            chunks = Chunks(none, none, torch.zeros(0, dtype=torch.bool), len(ids[0]), len(ids[1]))
        return Across(kept, chunks, torch.tensor(list(ids[1])), self.begins)

    def _chunks(self, texts: tuple[str, str], ids: tuple[Sequence[int], Sequence[int]]) -> Chunks | None:
        """None where a tokenizer's tokens do not spell the text."""
        try:
            return find_chunks(byte_spans(self.teacher, ids[0], texts[0]), byte_spans(self.student, ids[1], texts[1]))
        except ModelError:
            return None
