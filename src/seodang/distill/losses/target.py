"""What a student is taught at each position: a whole distribution, its most probable part with one bucket for the rest, or draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch


@dataclass(frozen=True, slots=True)
class Dense:
    """Teacher logits of shape (T, V)."""

    logits: torch.Tensor

    def take(self, places: torch.Tensor) -> "Dense":
        """The target at some positions, given by their indices."""
        return Dense(self.logits[places])


@dataclass(frozen=True, slots=True)
class Hidden:
    """The teacher's last hidden states (T, H) and its head (V, H): `hidden @ head.T` are its logits, made a few positions at a time."""

    hidden: torch.Tensor
    head: torch.Tensor

    def take(self, places: torch.Tensor) -> "Hidden":
        return Hidden(self.hidden[places], self.head)


@dataclass(frozen=True, slots=True)
class Sparse:
    """A ragged head of each position's distribution; what it leaves out is the mass of one tail bucket.

    Position t keeps `ids[offsets[t]:offsets[t + 1]]` with natural-log probabilities of the full softmax at the same places:
    `ids` (N,) and `logprobs` (N,), `offsets` (T + 1,). A position's ids differ, and its kept mass is at most 1, up to rounding.
    `normalisers` gives, for a temperature other than 1, the logarithm of the sum of p ** (1 / temperature) over the whole vocabulary (T,):
    without it a head that does not keep the whole vocabulary is not known at that temperature.
    """

    ids: torch.Tensor
    logprobs: torch.Tensor
    offsets: torch.Tensor
    normalisers: Mapping[float, torch.Tensor] = field(default_factory=dict[float, torch.Tensor])

    @property
    def rows(self) -> torch.Tensor:
        """The position of each kept entry, shape (N,)."""
        return entry_rows(self.offsets)

    def take(self, places: torch.Tensor) -> "Sparse":
        entries, offsets = _take_entries(self.offsets, places)
        normalisers = {temperature: values[places] for temperature, values in self.normalisers.items()}
        return Sparse(self.ids[entries], self.logprobs[entries], offsets, normalisers)


@dataclass(frozen=True, slots=True)
class Sampled:
    """Weighted tokens whose expectation is the teacher's distribution: draws, or an exact head and draws of the rest.

    `ids`, `logprobs` (the teacher's, natural-log) and `weights` are (N,), `offsets` (T + 1,) as in `Sparse`. The weights of a position
    sum to 1 in expectation. What is linear in the teacher's distribution is unbiased on them; nothing else is.
    """

    ids: torch.Tensor
    logprobs: torch.Tensor
    weights: torch.Tensor
    offsets: torch.Tensor

    @property
    def rows(self) -> torch.Tensor:
        """The position of each entry, shape (N,)."""
        return entry_rows(self.offsets)

    def take(self, places: torch.Tensor) -> "Sampled":
        entries, offsets = _take_entries(self.offsets, places)
        return Sampled(self.ids[entries], self.logprobs[entries], self.weights[entries], offsets)


Target = Dense | Hidden | Sparse | Sampled


def entry_rows(offsets: torch.Tensor) -> torch.Tensor:
    """The position of each entry of a ragged target, shape (N,), from its offsets (T + 1,)."""
    return torch.repeat_interleave(torch.arange(len(offsets) - 1, device=offsets.device), offsets.diff())


def join_targets(targets: Sequence[Target]) -> Target:
    """Targets of one kind, and of one head, behind one another. ValueError where they are of several kinds."""
    first = targets[0]
    kinds = {type(target) for target in targets}
    if len(kinds) != 1:
        raise ValueError(f"targets of several kinds cannot be joined: {', '.join(sorted(kind.__name__ for kind in kinds))}")
    if isinstance(first, Dense):
        return Dense(_joined(targets, "logits"))
    if isinstance(first, Hidden):
        return Hidden(_joined(targets, "hidden"), first.head)
    ids, logprobs = _joined(targets, "ids"), _joined(targets, "logprobs")
    lengths = torch.cat([target.offsets.diff() for target in targets if isinstance(target, Sparse | Sampled)])
    offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    if isinstance(first, Sampled):
        return Sampled(ids, logprobs, _joined(targets, "weights"), offsets)
    heats = [set(target.normalisers) for target in targets if isinstance(target, Sparse)]
    normalisers = {
        heat: torch.cat([target.normalisers[heat] for target in targets if isinstance(target, Sparse)])
        for heat in sorted(set.intersection(*heats))
    }
    return Sparse(ids, logprobs, offsets, normalisers)


def _joined(targets: Sequence[Target], name: str) -> torch.Tensor:
    return torch.cat([getattr(target, name) for target in targets])


def _take_entries(offsets: torch.Tensor, places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = offsets.diff()[places]
    taken = torch.cat([offsets.new_zeros(1), lengths.cumsum(0)])
    shift = torch.repeat_interleave(offsets[places] - taken[:-1], lengths)
    return torch.arange(int(taken[-1]), device=offsets.device) + shift, taken


def count(mask: torch.Tensor, num_tokens: float | None) -> float:
    """What a loss is divided by; ValueError where no position counts."""
    total = float(mask.sum()) if num_tokens is None else num_tokens
    if total <= 0:
        raise ValueError("no position counts, so there is no loss")
    return total
