"""A ragged head and a tail bucket: an id is kept while it lowers the divergence by more than its bytes are worth.

The rule of rate and distortion: with the k best ids kept and the rest spread evenly, KL(teacher || kept) is known for every k, and the
k with the least KL + nats_per_byte * bytes is taken. One price for all positions spends bytes where they help most: a position that is
nearly certain keeps an id or two, an open one keeps many. Values are multiples of a step in the square root of the probability, in which
an error costs the same everywhere, and the step follows from the price. The tail's mass is kept by itself, as an angle, which is exact at
both ends; decoded values share what it leaves, so that they never sum above 1.
"""

import math

import numpy as np
import torch

from seodang.distill.losses.target import Sparse
from seodang.distill.targets import columns as packing
from seodang.distill.targets.codecs.codec import Codec, Columns, Settings, offsets_of
from seodang.distill.targets.entries import pack_ids, row_starts, running_sum, unpack_ids

# Even a perfect teacher's tail keeps this: float32 values cannot tell less from none, and a tail of zero would be infinitely wrong.
_SMALLEST_TAIL = 2e-6


def _step(settings: Settings) -> float:
    """The step of the square roots. A step s costs s**2 / 6 nats an entry; here the last bit of a value is worth what it costs."""
    return min(0.25, math.sqrt(1.2 * settings["nats_per_byte"]))


def encode(logprobs_TV: torch.Tensor, settings: Settings, seed: int) -> Columns:
    """Columns `kept` and `tail` (T,), `levels` and `ids` (N,), entries of a position by rising level. Nothing is drawn."""
    length, size = logprobs_TV.shape
    price, step = settings["nats_per_byte"], _step(settings)
    negative_entropy_T = (logprobs_TV.exp() * logprobs_TV.clamp(min=-1e4)).sum(-1, dtype=torch.float64).numpy()
    found, found_ids = (part.numpy() for part in torch.nonzero(logprobs_TV > 2 * math.log(step / 2), as_tuple=True))
    values = logprobs_TV.numpy()[found, found_ids].astype(np.float64)
    order = np.lexsort((-values, found))
    found, found_ids, values = found[order], found_ids[order], values[order]

    first = np.diff(found, prepend=-1) != 0
    kept_so_far = running_sum(np.ones(len(found), np.int64), first)
    tail = np.maximum(1.0 - running_sum(np.exp(values), first), 1e-12)
    distortion = negative_entropy_T[found] - running_sum(np.exp(values) * values, first)
    distortion -= tail * np.log(tail / np.maximum(size - kept_so_far, 1))
    cost = distortion + price * (math.log2(size) - 2) / 8 * kept_so_far
    cost[kept_so_far >= size] = np.inf  # something is always left to the tail
    best_T = negative_entropy_T + math.log(size)  # of keeping nothing
    np.minimum.at(best_T, found, cost)
    kept_T = np.zeros(length, np.int64)
    at_best = np.flatnonzero(cost == best_T[found])[::-1]
    kept_T[found[at_best]] = kept_so_far[at_best]

    keep = kept_so_far <= kept_T[found]
    found, found_ids, values = found[keep], found_ids[keep], values[keep]
    levels = np.maximum(1, np.rint(np.exp(values / 2) / step)).astype(np.int64)
    tail_T = np.clip(1.0 - np.bincount(found, np.exp(values), length), 0.0, 1.0)
    angles_T = np.rint(np.arcsin(np.sqrt(tail_T)) / (step / 2)).astype(np.int64)
    order = np.lexsort((found_ids, levels, found))
    return {
        "kept": kept_T,
        "tail": np.minimum(angles_T, math.floor(math.pi / step) - 1),
        "levels": levels[order],
        "ids": found_ids[order],
    }


def pack(columns: Columns) -> Columns:
    """Entries of one position with one level are a group: `groups` (T,) counts them, `sizes` (G,) their entries, `rises` their levels."""
    kept_T, levels = columns["kept"], columns["levels"]
    rises = np.where(row_starts(kept_T), levels, np.diff(levels, prepend=0))
    starts = np.flatnonzero(rises)
    sizes = np.diff(starts, append=len(levels))
    groups_T = np.bincount(np.repeat(np.arange(len(kept_T)), kept_T)[starts], minlength=len(kept_T))
    ids, _ = pack_ids(columns["ids"], sizes)
    several = np.repeat(groups_T > 1, groups_T)  # one level alone has what the tail leaves, whatever it is
    parts = {"groups": groups_T, "tail": columns["tail"], "sizes": sizes - 1, "rises": rises[starts][several] - 1}
    return {**{name: packing.pack(part) for name, part in parts.items()}, **ids}


def decode(packed: Columns, settings: Settings, head: torch.Tensor | None) -> Sparse:
    """Kept entries of a position have the same order as their groups; their sum and the tail's mass are 1."""
    groups_T, sizes = packing.unpack(packed["groups"]), packing.unpack(packed["sizes"]) + 1
    first, several = row_starts(groups_T), np.repeat(groups_T > 1, groups_T)
    rises = np.ones(len(sizes), np.int64)
    rises[several] = packing.unpack(packed["rises"]) + 1
    levels = running_sum(rises, first)
    tail_T = np.maximum(np.sin(packing.unpack(packed["tail"]) * (_step(settings) / 2)) ** 2, _SMALLEST_TAIL)
    rows = np.repeat(np.arange(len(groups_T)), groups_T)
    squares_T = np.bincount(rows, levels**2 * sizes, len(groups_T))
    logprobs = 2 * np.log(levels) + (np.log1p(-tail_T[rows]) - np.log(squares_T[rows]))
    kept_T = np.bincount(rows, sizes, len(groups_T)).astype(np.int64)
    values = np.repeat(logprobs.astype(np.float32), sizes)
    return Sparse(torch.from_numpy(unpack_ids(packed, sizes)), torch.from_numpy(values), offsets_of(kept_T))


codec = Codec("nucleus", ("nats_per_byte",), encode, pack, decode)
