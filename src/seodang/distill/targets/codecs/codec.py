"""What a codec is, and how one is found by its file's name."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from seodang.core.registry import names_in
from seodang.distill.align.target import Likelihoods
from seodang.distill.losses.target import Target

Columns = dict[str, np.ndarray]
Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Codec:
    """Four parts: `encode` looks at one sequence, the others at many behind one another.

    - `encode(rows, settings, seed)`: columns of a sequence from its natural-log probabilities (T, V) float32; where `reads` says so, from
      hidden states (T, H), or from what the written tokens are given (T, 2; targets/written.py). Columns of many sequences are joined end
      to end.
    - `pack(columns)`: the same in few bytes, as they are written.
    - `decode(packed, settings, head)`: the target. `head` (V, H) is the teacher's, None unless `reads` is "states".
    - `settings` names the fields of the recipe's section `targets` that determine it.
    """

    name: str
    settings: tuple[str, ...]
    encode: Callable[[torch.Tensor, Settings, int], Columns]
    pack: Callable[[Columns], Columns]
    decode: Callable[[Columns, Settings, torch.Tensor | None], Target | Likelihoods]
    reads: Literal["distribution", "states", "written"] = "distribution"

    def describe(self, settings: Settings) -> dict[str, Any]:
        """The codec with its settings, as a key and a certificate name it."""
        return {"codec": self.name, **{name: settings[name] for name in self.settings}}


def open_codec(name: str) -> Codec:
    """The codec of `codecs/NAME.py`; ValueError where there is none."""
    names = [found for found in names_in("seodang.distill.targets.codecs") if found != "codec"]
    if name not in names:
        raise ValueError(f"no codec `{name}`; there are: {', '.join(names)}")
    return importlib.import_module(f"seodang.distill.targets.codecs.{name}").codec


def join(parts: Sequence[Columns]) -> Columns:
    """The columns of several sequences, end to end."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def offsets_of(kept: np.ndarray) -> torch.Tensor:
    """Where each position's entries begin and end, (T + 1,), from their numbers (T,)."""
    return torch.from_numpy(np.concatenate([np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)]))
