"""The loss of a pack: from a model's hidden states and head, or from its logits where it does more with them than its head alone."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from seodang.distill.align.alm import LikelihoodMatching
from seodang.distill.align.target import Across
from seodang.distill.align.uld import LogitDistillation
from seodang.distill.frozen import FrozenBlocks
from seodang.distill.losses import fused
from seodang.distill.losses.cross_entropy import cross_entropy
from seodang.distill.losses.divergence import Divergence, Written
from seodang.distill.packing import Example, Pack
from seodang.distill.read_pack import read_pack
from seodang.distill.section import loss_module
from seodang.models.own_logits import own_logits

Taught = Divergence | LikelihoodMatching | LogitDistillation


def named_divergence(loss: str, temperature: float, settings: Mapping[str, float]) -> Taught:
    """The divergence of the file `loss` in `distill/losses` or `distill/align`. ValueError for a setting out of its range."""
    return importlib.import_module(loss_module(loss)).divergence(temperature, **settings)


class Objective(torch.nn.Module):
    """`weight * divergence + (1 - weight) * cross-entropy` of a model on packs, in nats.

    Without a divergence, or on a pack without targets, it is cross-entropy alone. With `frozen`, the blocks below are not computed in a
    step. With `in_bfloat16`, products are computed in it while the weights keep their own precision. `by_logits` takes the model's own
    logits, all of a pack's at once (`changes_logits` says where that is needed, and a loss across tokenizers needs it always); otherwise
    those of a few positions are held at a time.
    """

    def __init__(
        self,
        model: Any,
        divergence: Taught | None,
        weight: float,
        *,
        frozen: FrozenBlocks | None = None,
        in_bfloat16: bool = False,
        by_logits: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self.divergence, self.weight = divergence, weight
        self.frozen, self.in_bfloat16 = frozen, in_bfloat16
        self.by_logits = by_logits or isinstance(divergence, LikelihoodMatching | LogitDistillation)

    def forward(self, pack: Pack, examples: Sequence[Example], num_tokens: float, apart: bool = False) -> dict[str, torch.Tensor]:
        """The pack's share of a loss over `num_tokens` answer tokens: `loss`, which is differentiable. With `apart`, and wherever it costs
        nothing, also what it is mixed of: `divergence` and `cross_entropy`. An example with a weight of its own is weighed by that."""
        masks = self._masks(pack, examples)
        states = self._states(pack, examples)
        if not apart and self._in_one_pass(masks):
            return {"loss": self._divergence(states, pack, _all_of(pack), num_tokens, Written(pack.labels, _cross_entropy_share(masks)))}
        parts: dict[str, list[torch.Tensor]] = {}
        weighed: list[torch.Tensor] = []
        for weight, mask in masks.items():
            if weight > 0:
                parts.setdefault("divergence", []).append(self._divergence(states, pack, mask, num_tokens))
                weighed.append(weight * parts["divergence"][-1])
            if weight < 1:
                parts.setdefault("cross_entropy", []).append(self._cross_entropy(states, pack, mask, num_tokens))
                weighed.append((1 - weight) * parts["cross_entropy"][-1])
        return {"loss": torch.stack(weighed).sum(), **{name: torch.stack(values).sum() for name, values in parts.items()}}

    def _masks(self, pack: Pack, examples: Sequence[Example]) -> dict[float, torch.Tensor]:
        """Which answer tokens (N,) are taught with which weight of the divergence."""
        if self.divergence is None or pack.target is None:
            return {0.0: _all_of(pack)}
        weights = [self.weight if example.weight is None else example.weight for example in examples]
        lengths = torch.tensor([len(example.answer_ids) for example in examples])
        weights_N = torch.tensor(weights, dtype=torch.float64).repeat_interleave(lengths)
        return {weight: weights_N == weight for weight in sorted(set(weights))}

    def _in_one_pass(self, masks: Mapping[float, torch.Tensor]) -> bool:
        """Whether divergence and cross-entropy are both needed, and can be computed together."""
        both = len(masks) > 1 or any(0 < weight < 1 for weight in masks)
        return both and not self.by_logits and self.divergence is not None and self.divergence.temperature == 1.0

    def _divergence(
        self, states: tuple[torch.Tensor, ...], pack: Pack, mask: torch.Tensor, num_tokens: float, written: Written | None = None
    ) -> torch.Tensor:
        assert self.divergence is not None
        assert pack.target is not None
        if not isinstance(self.divergence, Divergence):
            return self.divergence.on_logits(states[0], pack.target, mask, num_tokens)
        assert not isinstance(pack.target, Across)
        if self.by_logits:
            return self.divergence.on_logits(states[0], pack.target, mask, num_tokens)
        return fused.linear(self.divergence, states[0], states[1], pack.target, mask, num_tokens=num_tokens, written=written)

    def _cross_entropy(self, states: tuple[torch.Tensor, ...], pack: Pack, mask: torch.Tensor, num_tokens: float) -> torch.Tensor:
        if self.by_logits:
            return cross_entropy(states[0], pack.labels, mask, num_tokens=num_tokens)
        return fused.cross_entropy(states[0], states[1], pack.labels, mask, num_tokens=num_tokens)

    def _states(self, pack: Pack, examples: Sequence[Example]) -> tuple[torch.Tensor, ...]:
        """The logits that predict the answers (N, V); or their hidden states (N, H) and the head (V, H)."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.in_bfloat16):
            hidden_NH = self._read(pack, examples)[0, pack.predicting]
            if self.by_logits:
                return (own_logits(self.model, hidden_NH),)
        head_VH = self.model.get_output_embeddings().weight
        if self.in_bfloat16:
            head_VH = head_VH.to(torch.bfloat16)
        return hidden_NH.to(head_VH.dtype), head_VH

    def _read(self, pack: Pack, examples: Sequence[Example]) -> torch.Tensor:
        """The last hidden states of a pack, (1, T, H)."""
        if self.frozen is None:
            return read_pack(self.model, pack.rows, pack.ids, pack.positions)
        lower_1TH, base = self.frozen.states(examples), self.model.base_model
        layers = base.layers
        base.layers = layers[self.frozen.first_layer :]
        try:
            return read_pack(self.model, pack.rows, lower_1TH, pack.positions)
        finally:
            base.layers = layers


def _all_of(pack: Pack) -> torch.Tensor:
    return torch.ones(len(pack.labels), dtype=torch.bool)


def _cross_entropy_share(masks: Mapping[float, torch.Tensor]) -> float | torch.Tensor:
    """One share for all answer tokens, or each token's own (N,)."""
    if len(masks) == 1:
        return 1 - next(iter(masks))
    return torch.stack([(1 - weight) * mask.double() for weight, mask in masks.items()]).sum(0)
