"""The probable ids exactly, and draws from the rest, each weighted by the rest's mass over the number of draws.

A stratified estimate: still unbiased, and without the variance of what is kept exactly. A position's weights sum to 1, not only in
expectation.
"""

import math

import numpy as np
import torch

from seodang.distill.losses.target import Sampled
from seodang.distill.targets import columns as packing
from seodang.distill.targets.codecs.codec import Codec, Columns, Settings, offsets_of
from seodang.distill.targets.draws import draw, pack_draws, unpack_draws
from seodang.distill.targets.entries import pack_ids, unpack_ids


def encode(logprobs_TV: torch.Tensor, settings: Settings, seed: int) -> Columns:
    """The columns of `draw` for the rest, and `kept` (T,), `ids` and `values` (N,) of the head, ids rising."""
    is_head_TV = logprobs_TV >= math.log(settings["head_probability"])
    rows, ids = (part.numpy() for part in torch.nonzero(is_head_TV, as_tuple=True))
    rest_TV = logprobs_TV.double().exp().masked_fill(is_head_TV, 0.0)
    return {
        "kept": np.bincount(rows, minlength=len(logprobs_TV)),
        "ids": ids,
        "values": logprobs_TV.numpy()[rows, ids],
        **draw(rest_TV, logprobs_TV, settings["draws"], seed),
    }


def pack(columns: Columns) -> Columns:
    """The head as `top_k` packs it, and the draws."""
    kept_T = columns["kept"]
    ids, order = pack_ids(columns["ids"], kept_T)
    return {"kept": packing.pack(kept_T), "values": columns["values"][order], **ids, **pack_draws(columns)}


def decode(packed: Columns, settings: Settings, head: torch.Tensor | None) -> Sampled:
    """A position's head, then what was drawn; the rest's mass is what the head leaves."""
    kept_T, values = packing.unpack(packed["kept"]), np.array(packed["values"])
    ids = unpack_ids(packed, kept_T)
    drawn_T, drawn_ids, times, drawn_values = unpack_draws(packed)
    rows, drawn_rows = (np.repeat(np.arange(len(kept_T)), counts) for counts in (kept_T, drawn_T))
    rest_T = np.maximum(1.0 - np.bincount(rows, np.exp(values.astype(np.float64)), len(kept_T)), 0.0)
    weights = np.concatenate([np.exp(values.astype(np.float64)), rest_T[drawn_rows] * times / settings["draws"]])
    order = np.argsort(np.concatenate([rows, drawn_rows]), kind="stable")
    return Sampled(
        torch.from_numpy(np.concatenate([ids, drawn_ids])[order]),
        torch.from_numpy(np.concatenate([values, drawn_values])[order]),
        torch.from_numpy(weights.astype(np.float32)[order]),
        offsets_of(kept_T + drawn_T),
    )


codec = Codec("head_and_sampled", ("head_probability", "draws"), encode, pack, decode)
