"""How far stored targets are from the teacher's whole distributions, measured on a slice that was held out at capture."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from seodang.core.hashing import digest
from seodang.distill.align.target import Likelihoods
from seodang.distill.losses.target import Dense, Hidden, Sampled, Target
from seodang.distill.targets.cache import TargetCache, held_states
from seodang.models.chat_model import Distributions

_MOST_POSITIONS = 256  # of a codec in a cache; an inner product of gradients takes their square
_FEWEST_SEQUENCES = 8
_ONE_IN = 32
_POSITIONS_A_SEQUENCE = 32
_STUDENT_TEMPERATURE = 1.5


def choose_held_out(lengths: Mapping[str, int], num_sequences: int, num_positions: int) -> dict[str, np.ndarray]:
    """Which positions of which sequences (a key each) are held out, given how many a cache has already: 1 sequence in 32, 8 at the least
    while there are any, 32 positions of each, 256 in all. Keys are digests, so the lowest of them are a random choice that any run repeats.
    """
    if num_positions >= _MOST_POSITIONS:
        return {}
    count = max(_FEWEST_SEQUENCES - num_sequences, len(lengths) // _ONE_IN)
    chosen: dict[str, np.ndarray] = {}
    for key in sorted(lengths, key=lambda key: digest(["held out", key]))[:count]:
        draw = np.random.default_rng(int(key[:12], 16))
        chosen[key] = np.sort(draw.permutation(lengths[key])[:_POSITIONS_A_SEQUENCE])
    return chosen


def certify(cache: TargetCache, codec: Mapping[str, Any], teacher: Distributions) -> dict[str, Any] | None:
    """The certificate of a codec's entries in a cache, None where nothing was held out.

    Means over the held-out positions, stored targets with their tail spread evenly:

    - `kl`: KL(full || stored) in nats; None for draws, which are a distribution in expectation only.
    - `total_variation`: half the sum of absolute differences.
    - `gradient_cosine`: between the forward divergence's gradients by a student's head, summed over the positions, under full and under
      stored targets. The student has the teacher's hidden states, and its head divided by 1.5.
    - `bytes_per_token`: of all entries of the codec.
    """
    slices = cache.held_out(codec)
    if not slices:
        return None
    states_TH = torch.cat([held_states(held) for held in slices])[:_MOST_POSITIONS]
    targets = [cache.get(held.key, teacher.plain_head).take(torch.from_numpy(held.positions)) for held in slices]
    full_TV = teacher.distribution(states_TH).exp()
    stored_TV = torch.cat([dense(target, full_TV.shape[-1]).float() for target in targets])[:_MOST_POSITIONS]
    difference_TV = torch.special.xlogy(full_TV, full_TV) - torch.special.xlogy(full_TV, stored_TV)
    shards = [told for told in cache.shards() if told["codec"] == codec]
    num_tokens = sum(sum(told["lengths"]) for told in shards)
    return {
        "codec": dict(codec),
        "num_sequences": len(slices),
        "num_positions": len(states_TH),
        "bytes_per_token": round(sum(told["bytes"] for told in shards) / num_tokens, 2),
        "kl": None if isinstance(targets[0], Sampled) else round(float(difference_TV.sum(-1, dtype=torch.float64).mean()), 8),
        "total_variation": round(0.5 * float((full_TV - stored_TV).abs().sum(-1).mean()), 8),
        "gradient_cosine": round(_gradient_cosine(states_TH.float(), full_TV, stored_TV), 6),
    }


def dense(target: Target | Likelihoods, size: int) -> torch.Tensor:
    """The probabilities (T, V) float64 of a stored target: a tail is spread evenly over what is not kept. ValueError for likelihoods."""
    if isinstance(target, Likelihoods):
        raise ValueError("likelihoods are no distribution")
    if isinstance(target, Dense):
        return torch.softmax(target.logits.double(), -1)
    if isinstance(target, Hidden):
        return torch.softmax((target.hidden @ target.head.T).double(), -1)
    rows, length = target.rows, len(target.offsets) - 1
    probabilities_TV = torch.zeros(length, size, dtype=torch.float64)
    if isinstance(target, Sampled):
        return probabilities_TV.index_put_((rows, target.ids), target.weights.double(), accumulate=True)
    kept_N, num_kept_T = target.logprobs.double().exp(), target.offsets.diff()
    tail_T = 1.0 - torch.zeros(length, dtype=torch.float64).index_add(0, rows, kept_N)
    probabilities_TV += torch.where(num_kept_T < size, tail_T / (size - num_kept_T).clamp(min=1), 0.0)[:, None]
    return probabilities_TV.index_put_((rows, target.ids), kept_N)


def _gradient_cosine(states_TH: torch.Tensor, full_TV: torch.Tensor, stored_TV: torch.Tensor) -> float:
    """With d = student - target, a gradient by the head is the sum of d h^T over positions. Inner products of two such sums need the
    products of the d's and of the h's only, never a matrix of the head's size."""
    student_TV = torch.softmax(full_TV.clamp(min=1e-30).log() / _STUDENT_TEMPERATURE, -1)
    products_TT = states_TH @ states_TH.T
    by_full_TV, by_stored_TV = student_TV - full_TV, student_TV - stored_TV

    def inner(one_TV: torch.Tensor, other_TV: torch.Tensor) -> float:
        return float((products_TT * (one_TV @ other_TV.T)).sum(dtype=torch.float64))

    return inner(by_full_TV, by_stored_TV) / max(1e-30, (inner(by_full_TV, by_full_TV) * inner(by_stored_TV, by_stored_TV)) ** 0.5)
