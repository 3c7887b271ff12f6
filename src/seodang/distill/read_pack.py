"""The hidden states of a pack: read as one sequence, or as padded rows where a model's attention cannot be exchanged."""

from typing import Any

import torch

from seodang.distill import packed_attention
from seodang.distill.packed_attention import Rows
from seodang.models.attention import is_plain


def prepare(model: Any) -> None:
    """Gives a model the attention of packs, if its own is plain (models/attention.py); otherwise it keeps its own."""
    if is_plain(model):
        model.set_attn_implementation(packed_attention.register())


def read_pack(model: Any, rows: Rows, inputs: torch.Tensor, positions_1T: torch.Tensor) -> torch.Tensor:
    """The last hidden states (1, T, H) of a pack, given its ids (1, T), or what its tokens are embedded as (1, T, H)."""
    name = "inputs_embeds" if inputs.is_floating_point() else "input_ids"
    if model.config._attn_implementation == packed_attention.NAME:
        return model.base_model(**{name: inputs}, rows=rows, position_ids=positions_1T, use_cache=False).last_hidden_state
    return _read_rows(model, name, rows, inputs)


def _read_rows(model: Any, name: str, rows: Rows, inputs: torch.Tensor) -> torch.Tensor:
    """Each example a row behind the prefix: more tokens, the same states. Padding stands on the right, where no token looks."""
    num_prefix, (num_rows, longest) = rows.num_prefix, rows.places.shape
    prefix_places = torch.arange(num_prefix).expand(num_rows - 1, -1)
    places_BS = torch.cat([prefix_places, rows.places[1:]], 1)
    own = rows.flat[num_prefix:]  # where in the flattened rows each example's tokens stand; row 0 is the prefix
    states_BSH = model.base_model(**{name: inputs[0][places_BS]}, use_cache=False).last_hidden_state
    example, column = own // longest - 1, own % longest + num_prefix
    return torch.cat([states_BSH[0, :num_prefix], states_BSH[example, column]])[None]
