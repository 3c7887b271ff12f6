"""The teacher's last hidden states, which its head turns into logits: exact in bfloat16 for a teacher that computes in it."""

import numpy as np
import torch

from seodang.distill.losses.target import Hidden
from seodang.distill.targets.codecs.codec import Codec, Columns, Settings


def encode(hidden_TH: torch.Tensor, settings: Settings, seed: int) -> Columns:
    """Column `states` (T, H): float32, or the bits of bfloat16 as uint16."""
    if settings["precision"] == "float32":
        return {"states": hidden_TH.float().numpy()}
    return {"states": hidden_TH.to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)}


def pack(columns: Columns) -> Columns:
    """As they are: the bits of states look random."""
    return columns


def decode(packed: Columns, settings: Settings, head: torch.Tensor | None) -> Hidden:
    """ValueError without the teacher's head."""
    if head is None:
        raise ValueError("hidden states are a target only together with the teacher's head")
    states = np.array(packed["states"])
    hidden_TH = torch.from_numpy(states) if states.dtype == np.float32 else torch.from_numpy(states.view(np.int16)).view(torch.bfloat16)
    return Hidden(hidden_TH, head.to(hidden_TH.dtype))


codec = Codec("hidden", ("precision",), encode, pack, decode, reads="states")
