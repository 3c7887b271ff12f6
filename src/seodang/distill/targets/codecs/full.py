"""Every log-probability in float32: what the other codecs are compared with, and too large for anything but small vocabularies."""

import numpy as np
import torch

from seodang.distill.losses.target import Dense
from seodang.distill.targets.codecs.codec import Codec, Columns, Settings


def encode(logprobs_TV: torch.Tensor, settings: Settings, seed: int) -> Columns:
    """Column `values` (T, V) float32."""
    return {"values": logprobs_TV.float().numpy()}


def pack(columns: Columns) -> Columns:
    """As they are."""
    return columns


def decode(packed: Columns, settings: Settings, head: torch.Tensor | None) -> Dense:
    """Log-probabilities are logits as good as any."""
    return Dense(torch.from_numpy(np.array(packed["values"])))


codec = Codec("full", (), encode, pack, decode)
