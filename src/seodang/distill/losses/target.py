"""What a student is taught at each position: a whole distribution, or its most probable part and one bucket for the rest."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Dense:
    """Teacher logits of shape (T, V)."""

    logits: torch.Tensor


@dataclass(frozen=True, slots=True)
class Sparse:
    """A ragged head of each position's distribution; what it leaves out is the mass of one tail bucket.

    Position t keeps `ids[offsets[t]:offsets[t + 1]]` with natural-log probabilities of the full softmax at the same places:
    `ids` (N,) and `logprobs` (N,), `offsets` (T + 1,). A position's kept mass is at most 1, up to rounding.
    """

    ids: torch.Tensor
    logprobs: torch.Tensor
    offsets: torch.Tensor

    @property
    def rows(self) -> torch.Tensor:
        """The position of each kept entry, shape (N,)."""
        lengths = self.offsets.diff()
        return torch.repeat_interleave(torch.arange(len(lengths), device=self.offsets.device), lengths)


Target = Dense | Sparse


def count(mask: torch.Tensor, num_tokens: float | None) -> float:
    """What a loss is divided by; ValueError where no position counts."""
    total = float(mask.sum()) if num_tokens is None else num_tokens
    if total <= 0:
        raise ValueError("no position counts, so there is no loss")
    return total
