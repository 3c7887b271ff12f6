"""The loss of a pack: from a model's hidden states and head, or from its logits where it does more with them than its head alone."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from seodang.distill.frozen import FrozenBlocks
from seodang.distill.losses import fused
from seodang.distill.losses.cross_entropy import cross_entropy
from seodang.distill.losses.divergence import Divergence, Written
from seodang.distill.packing import Example, Pack
from seodang.distill.read_pack import read_pack
from seodang.models.own_logits import own_logits


def named_divergence(loss: str, temperature: float, settings: Mapping[str, float]) -> Divergence:
    """The divergence of the file `loss` in `distill/losses`. ValueError for a setting out of its range."""
    return importlib.import_module(f"seodang.distill.losses.{loss}").divergence(temperature, **settings)


class Objective(torch.nn.Module):
    """`weight * divergence + (1 - weight) * cross-entropy` of a model on packs, in nats.

    Without a divergence, or on a pack without targets, it is cross-entropy alone. With `frozen`, the blocks below are not computed in a
    step. With `in_bfloat16`, products are computed in it while the weights keep their own precision. `by_logits` takes the model's own
    logits, all of a pack's at once (`changes_logits` says where that is needed); otherwise those of a few positions are held at a time.
    """

    def __init__(
        self,
        model: Any,
        divergence: Divergence | None,
        weight: float,
        *,
        frozen: FrozenBlocks | None = None,
        in_bfloat16: bool = False,
        by_logits: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self.divergence, self.weight = divergence, weight
        self.frozen, self.in_bfloat16, self.by_logits = frozen, in_bfloat16, by_logits

    def forward(self, pack: Pack, examples: Sequence[Example], num_tokens: float, apart: bool = False) -> dict[str, torch.Tensor]:
        """The pack's share of a loss over `num_tokens` answer tokens: `loss`, which is differentiable. With `apart`, and wherever it costs
        nothing, also what it is mixed of: `divergence` and `cross_entropy`."""
        weight = self.weight if self.divergence is not None and pack.target is not None else 0.0
        states = self._states(pack, examples)
        in_one_pass = 0 < weight < 1 and not self.by_logits and self.divergence is not None and self.divergence.temperature == 1.0
        if in_one_pass and not apart:
            return {"loss": self._divergence(states, pack, num_tokens, Written(pack.labels, 1 - weight))}
        parts: dict[str, torch.Tensor] = {}
        if weight > 0:
            parts["divergence"] = self._divergence(states, pack, num_tokens)
        if weight < 1:
            parts["cross_entropy"] = self._cross_entropy(states, pack, num_tokens)
        shares = {"divergence": weight, "cross_entropy": 1 - weight}
        return {"loss": torch.stack([shares[name] * value for name, value in parts.items()]).sum(), **parts}

    def _divergence(self, states: tuple[torch.Tensor, ...], pack: Pack, num_tokens: float, written: Written | None = None) -> torch.Tensor:
        assert self.divergence is not None
        assert pack.target is not None
        if self.by_logits:
            return self.divergence.on_logits(states[0], pack.target, _all_of(pack), num_tokens)
        return fused.linear(self.divergence, states[0], states[1], pack.target, _all_of(pack), num_tokens=num_tokens, written=written)

    def _cross_entropy(self, states: tuple[torch.Tensor, ...], pack: Pack, num_tokens: float) -> torch.Tensor:
        if self.by_logits:
            return cross_entropy(states[0], pack.labels, _all_of(pack), num_tokens=num_tokens)
        return fused.cross_entropy(states[0], states[1], pack.labels, _all_of(pack), num_tokens=num_tokens)

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
