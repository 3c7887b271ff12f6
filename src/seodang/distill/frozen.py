"""What frozen blocks make of the examples: it does not depend on training, so it is computed once and kept in memory."""

from collections.abc import Sequence
from typing import Any

import torch

from seodang.distill.packing import Example, build_pack
from seodang.distill.read_pack import read_pack

_SLICE = 16  # examples that are computed together
_Key = tuple[str, tuple[int, ...]]


class FrozenBlocks:
    """The states before block `first_layer`, of every example that was asked for.

    They are computed in fixed slices of all examples: rounding depends on what is computed together, and a resumed run must find the
    same states. A pack with an answer that is not among those examples' is computed alone, and not kept.
    """

    def __init__(self, model: Any, examples: Sequence[Example], prefix: Sequence[int], first_layer: int) -> None:
        self.model, self.prefix, self.first_layer = model, prefix, first_layer
        self._examples = list(examples)
        self._slice_of: dict[_Key, int] = {}
        for place, example in enumerate(examples):
            self._slice_of.setdefault(_key(example), place - place % _SLICE)
        self._states: dict[_Key, torch.Tensor] = {}
        self._prefix_states: torch.Tensor | None = None

    @torch.no_grad()
    def states(self, examples: Sequence[Example]) -> torch.Tensor:
        """The states of a pack of `examples`, (1, T, H)."""
        if not all(_key(example) in self._slice_of for example in examples):
            return self._read(examples)[None]
        if self._prefix_states is None:
            self._compute(0)  # a resumed run begins elsewhere, and has to find the prefix as it was
        for first in sorted({self._slice_of[_key(e)] for e in examples if _key(e) not in self._states}):
            self._compute(first)
        assert self._prefix_states is not None
        return torch.cat([self._prefix_states, *(self._states[_key(example)] for example in examples)])[None]

    def _read(self, examples: Sequence[Example]) -> torch.Tensor:
        base, pack = self.model.base_model, build_pack(examples, self.prefix)
        layers, norm = base.layers, base.norm
        base.layers, base.norm = layers[: self.first_layer], torch.nn.Identity()
        try:
            return read_pack(self.model, pack.rows, pack.ids, pack.positions)[0]
        finally:
            base.layers, base.norm = layers, norm

    def _compute(self, first: int) -> None:
        examples = self._examples[first : first + _SLICE]
        states_TH = self._read(examples)
        place = len(self.prefix)
        if self._prefix_states is None:
            self._prefix_states = states_TH[:place].clone()
        for example in examples:
            length = len(example.prompt_ids) - len(self.prefix) + len(example.answer_ids) - 1
            if self._slice_of[_key(example)] == first:
                self._states[_key(example)] = states_TH[place : place + length].clone()
            place += length


def _key(example: Example) -> _Key:
    """A record may have several answers: the verified one, and a student's own."""
    return example.record, example.answer_ids
