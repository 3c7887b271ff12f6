"""A key-value cache with room to grow, so that a new token does not copy the whole past."""

from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

_ROOM = 64  # positions allocated beyond what is needed


class GrowingLayer(DynamicLayer):
    """Keys and values of one layer, shape (B, G, S, D), as a view of a buffer with spare positions."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        past = self.keys.shape[-2] if self.keys.numel() else 0
        length = past + key_states.shape[-2]
        if self._buffers is None or self._buffers[0].shape[-2] < length:
            batch, groups, _, dim = key_states.shape
            keys = key_states.new_empty((batch, groups, length + _ROOM, dim))
            values = value_states.new_empty((batch, groups, length + _ROOM, value_states.shape[-1]))
            if past:
                keys[:, :, :past], values[:, :, :past] = self.keys, self.values
            self._buffers = keys, values
        keys, values = self._buffers
        keys[:, :, past:length], values[:, :, past:length] = key_states, value_states
        self.keys, self.values = keys[:, :, :length], values[:, :, :length]
        return self.keys, self.values

    def batch_repeat_interleave(self, repeats: int) -> None:
        super().batch_repeat_interleave(repeats)
        self._buffers = None

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        super().batch_select_indices(indices)
        self._buffers = None


class GrowingCache(Cache):
    """A cache of `GrowingLayer`s, one for each layer of the model as it is first used."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=GrowingLayer)
