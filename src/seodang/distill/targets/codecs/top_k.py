"""The k best ids with float32 values, and one bucket for the rest."""

from collections.abc import Sequence

import numpy as np
import torch

from seodang.core.errors import ModelError
from seodang.distill.losses.target import Sparse
from seodang.distill.targets import columns as packing
from seodang.distill.targets.codecs.codec import Codec, Columns, Settings, offsets_of
from seodang.distill.targets.entries import pack_ids, unpack_ids

_MOST_EXCESS = 1e-3  # what a server's rounding may add to the mass of a position


def encode(logprobs_TV: torch.Tensor, settings: Settings, seed: int) -> Columns:
    """Columns `kept` (T,), `ids` and `values` (N,), best first."""
    best = logprobs_TV.topk(min(settings["top_k"], logprobs_TV.shape[-1]), -1)
    return _columns(best.indices.numpy(), best.values.numpy().astype(np.float64))


def from_lists(ids_TK: Sequence[Sequence[int]], logprobs_TK: Sequence[Sequence[float]]) -> Columns:
    """The same columns from what a teacher's `score` gives. ModelError where its probabilities sum far above 1."""
    values_TK = np.asarray(logprobs_TK, np.float64)
    most = float(np.exp(values_TK).sum(-1).max(initial=0.0))
    if most > 1 + _MOST_EXCESS:
        raise ModelError(
            f"the teacher's best tokens have a probability of {most:.4f} together at one position",
            hint="the server changes its log-probabilities (penalties, a temperature, rounding); ask for raw ones",
        )
    return _columns(np.asarray(ids_TK, np.int64), values_TK)


def _columns(ids_TK: np.ndarray, values_TK: np.ndarray) -> Columns:
    mass_T1 = np.exp(values_TK).sum(-1, keepdims=True)
    # Rounding may take the sum over 1: such a position is lowered by that and by what float32 rounds.
    values_TK = values_TK - np.where(mass_T1 > 1 - 1e-6, np.log(np.maximum(mass_T1, 1e-30)) + 1e-6, 0.0)
    length, count = ids_TK.shape
    return {
        "kept": np.full(length, count, np.int64),
        "ids": ids_TK.reshape(-1).astype(np.int64),
        "values": values_TK.reshape(-1).astype(np.float32),
    }


def pack(columns: Columns) -> Columns:
    """Ids in groups of a position, and values in their order."""
    ids, order = pack_ids(columns["ids"], columns["kept"])
    return {"kept": packing.pack(columns["kept"]), "values": columns["values"][order], **ids}


def decode(packed: Columns, settings: Settings, head: torch.Tensor | None) -> Sparse:
    """Values of a position are in the order of its ids, not best first."""
    kept_T = packing.unpack(packed["kept"])
    ids = unpack_ids(packed, kept_T)
    return Sparse(torch.from_numpy(ids), torch.from_numpy(np.array(packed["values"])), offsets_of(kept_T))


codec = Codec("top_k", ("top_k",), encode, pack, decode)
