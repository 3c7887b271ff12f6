"""What frozen blocks make of the examples: it does not depend on training, so it is computed once and kept in memory."""

from collections.abc import Sequence
from typing import Any

import torch

from seodang.distill.packing import Example, build_pack
from seodang.distill.read_pack import read_pack

_SLICE = 16  # examples that are computed together


class FrozenBlocks:
    """The states before block `first_layer`, of every example that was asked for.

    They are computed in fixed slices of all examples: rounding depends on what is computed together, and a resumed run must find the
    same states.
    """

    def __init__(self, model: Any, examples: Sequence[Example], prefix: Sequence[int], first_layer: int) -> None:
        self.model, self.prefix, self.first_layer = model, prefix, first_layer
        self._examples = list(examples)
        self._slice_of = {example.record: place - place % _SLICE for place, example in enumerate(examples)}
        self._states: dict[str, torch.Tensor] = {}
        self._prefix_states: torch.Tensor | None = None

    @torch.no_grad()
    def states(self, examples: Sequence[Example]) -> torch.Tensor:
        """The states of a pack of `examples`, (1, T, H)."""
        for first in sorted({self._slice_of[e.record] for e in examples if e.record not in self._states}):
            self._compute(self._examples[first : first + _SLICE])
        assert self._prefix_states is not None
        return torch.cat([self._prefix_states, *(self._states[example.record] for example in examples)])[None]

    def _compute(self, examples: Sequence[Example]) -> None:
        base, pack = self.model.base_model, build_pack(examples, self.prefix)
        layers, norm = base.layers, base.norm
        base.layers, base.norm = layers[: self.first_layer], torch.nn.Identity()
        try:
            states_TH = read_pack(self.model, pack.rows, pack.ids, pack.positions)[0]
        finally:
            base.layers, base.norm = layers, norm
        place = len(self.prefix)
        if self._prefix_states is None:
            self._prefix_states = states_TH[:place].clone()
        for example in examples:
            length = len(example.prompt_ids) - len(self.prefix) + len(example.answer_ids) - 1
            self._states[example.record] = states_TH[place : place + length].clone()
            place += length
