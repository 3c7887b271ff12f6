"""Draws from distributions, and the columns that keep them: an id, how often it came, and its log-probability."""

import numpy as np
import torch

from seodang.distill.targets import columns as packing
from seodang.distill.targets.codecs.codec import Columns
from seodang.distill.targets.entries import pack_ids, unpack_ids

_PARTS_OF_A_NAT = 2048


def draw(probabilities_TV: torch.Tensor, logprobs_TV: torch.Tensor, num_draws: int, seed: int) -> Columns:
    """`num_draws` draws with replacement at each position, as columns `drawn` (T,), `drawn_ids`, `times` and `falls` (N,), ids rising.

    `probabilities_TV` (T, V) need not sum to 1; a position where they are all zero is not drawn from. A fall is a log-probability from
    `logprobs_TV`, turned round, in 1/2048 nat; it takes part in a loss's value and not in its gradient.
    """
    generator = np.random.default_rng(seed)
    length = len(probabilities_TV)
    sums_TV = probabilities_TV.double().cumsum(-1).numpy()
    points_TN = generator.random((length, num_draws)) * sums_TV[:, -1:]
    rows = [
        np.unique(np.searchsorted(sums, points, side="right"), return_counts=True) for sums, points in zip(sums_TV, points_TN, strict=True)
    ]
    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64)
    rows = [row if sums[-1] > 0 else nothing for row, sums in zip(rows, sums_TV, strict=True)]
    drawn = np.array([len(ids) for ids, _ in rows], np.int64)
    ids = np.concatenate([ids for ids, _ in rows])
    values = logprobs_TV.numpy()[np.repeat(np.arange(length), drawn), ids]
    falls = np.rint(-values.astype(np.float64) * _PARTS_OF_A_NAT).astype(np.int64)
    return {"drawn": drawn, "drawn_ids": ids, "times": np.concatenate([times for _, times in rows]), "falls": np.maximum(falls, 0)}


def pack_draws(columns: Columns) -> Columns:
    """The columns of `draw`, joined or not, in few bytes."""
    drawn = columns["drawn"]
    ids, order = pack_ids(columns["drawn_ids"], drawn)
    parts = {"drawn": drawn, "times": columns["times"][order] - 1, "falls": columns["falls"][order]}
    return {**{name: packing.pack(part) for name, part in parts.items()}, **{f"drawn_{name}": part for name, part in ids.items()}}


def unpack_draws(packed: Columns) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """How many distinct ids each position has (T,); the ids, how often each came, and their log-probabilities float32, each (N,)."""
    drawn = packing.unpack(packed["drawn"])
    ids = unpack_ids({"gaps": packed["drawn_gaps"], "numbers": packed["drawn_numbers"]}, drawn)
    logprobs = (packing.unpack(packed["falls"]) / -_PARTS_OF_A_NAT).astype(np.float32)
    return drawn, ids, packing.unpack(packed["times"]) + 1, logprobs
