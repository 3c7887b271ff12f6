"""The log-probability of the written token, and of a word that begins in its place: all that is taught across tokenizers by `alm`."""

import numpy as np
import torch

from seodang.distill.align.target import Likelihoods
from seodang.distill.targets.codecs.codec import Codec, Columns, Settings


def encode(logprobs_T2: torch.Tensor, settings: Settings, seed: int) -> Columns:
    """Columns `logprobs` and `boundary` (T,) float32, from both natural logarithms at each place (T, 2)."""
    logprobs, boundary = logprobs_T2.float().numpy().T
    return {"logprobs": np.ascontiguousarray(logprobs), "boundary": np.ascontiguousarray(boundary)}


def pack(columns: Columns) -> Columns:
    """As they are: 8 bytes a token."""
    return columns


def decode(packed: Columns, settings: Settings, head: torch.Tensor | None) -> Likelihoods:
    """The columns as they were encoded."""
    return Likelihoods(torch.from_numpy(np.array(packed["logprobs"])), torch.from_numpy(np.array(packed["boundary"])))


codec = Codec("likelihoods", (), encode, pack, decode, reads="written")
