"""Draws from the teacher's distribution: Random Sampling Knowledge Distillation (arXiv 2503.16870), with proposals at temperature 1.

An id that came c times of N weighs c / N, so the expected weight of every id is its probability. What is linear in the teacher's
distribution, as the forward divergence and its gradient are, is unbiased.
"""

import numpy as np
import torch

from seodang.distill.losses.target import Sampled
from seodang.distill.targets.codecs.codec import Codec, Columns, Settings, offsets_of
from seodang.distill.targets.draws import draw, pack_draws, unpack_draws


def encode(logprobs_TV: torch.Tensor, settings: Settings, seed: int) -> Columns:
    """The columns of `draw`."""
    return draw(logprobs_TV.double().exp(), logprobs_TV, settings["draws"], seed)


def decode(packed: Columns, settings: Settings, head: torch.Tensor | None) -> Sampled:
    """Weights are multiples of one over the number of draws."""
    drawn_T, ids, times, logprobs = unpack_draws(packed)
    weights = (times / settings["draws"]).astype(np.float32)
    return Sampled(torch.from_numpy(ids), torch.from_numpy(logprobs), torch.from_numpy(weights), offsets_of(drawn_T))


codec = Codec("sampled", ("draws",), encode, pack_draws, decode)
