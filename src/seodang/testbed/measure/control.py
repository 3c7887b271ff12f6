"""The control of slices: whether drawn weights and drawn routing take as long as those of a real model of experts.

Three ways of one model's layers are timed in turns: its weights with its own routing; drawn weights with the routing that it chose; drawn
weights with drawn routing, as slices have it. The second over the first says what values matter, the third over the second what routing
does.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seodang.backends.contract import Unsupported
from seodang.backends.description import Precision
from seodang.backends.weights import FolderWeights
from seodang.testbed.measure.slice_layer import decode_layer, rules_at
from seodang.testbed.measure.slice_runner import MLPS, Asked, Runner, draw_experts
from seodang.testbed.measure.slice_weights import RankLayer, real_layer
from seodang.testbed.measure.timing import Timing, check_device, dtype_of, time_each
from seodang.testbed.workloads.layout import ONE_DEVICE
from seodang.testbed.workloads.model_shape import MlpKind
from seodang.testbed.workloads.shape import read_shape

Choices = Sequence[torch.Tensor]  # experts by layer, (B, K)
_AGREES = 0.03
_SETS = 8  # of tokens that steps go through in turn
REAL, WEIGHTS, BOTH = "real", "drawn_weights", "drawn_weights_and_routing"


@dataclass(frozen=True, slots=True)
class Control:
    """Seconds of one step through all layers, and the distinct experts that a layer of it reads in the mean, by way."""

    asked: Asked
    device: str
    timings: dict[str, Timing]
    experts_hit: dict[str, float]

    def ratio(self, way: str, over: str) -> float:
        """The median over rounds of one way's time over the other's in the same round, which what else runs meets alike."""
        pairs = zip(self.timings[way].seconds, self.timings[over].seconds, strict=True)
        return float(torch.tensor([a / b for a, b in pairs]).median())

    @property
    def agrees(self) -> bool:
        """Whether drawn weights take as long as real ones with the same routing, to 3 %."""
        return abs(self.ratio(WEIGHTS, REAL) - 1) <= _AGREES

    def row(self) -> dict[str, Any]:
        ratios = {"weights": self.ratio(WEIGHTS, REAL), "weights_and_routing": self.ratio(BOTH, REAL), "routing": self.ratio(BOTH, WEIGHTS)}
        ways = {name: {**timing.row(), "experts_hit": self.experts_hit[name]} for name, timing in self.timings.items()}
        check = {"within": _AGREES, "agrees": self.agrees, "ratios": ratios}
        return {"synthetic": True, **self.asked.row(), "device": self.device, "ways": ways, "check": check}


def control(
    folder: Path, device: str = "cpu", *, batch: int = 4, context: int = 256, dtype: Precision = "float32", seconds: float = 20.0
) -> Control:
    """Times the model of experts in a Hugging Face folder, of DeepSeek-V3's kind. Its input are its embeddings of tokens that are drawn,
    its cache is drawn in every way. Unsupported for a model without experts or of another kind."""
    check_device(device)
    shape = read_shape(folder)
    if not shape.num_moe_layers:
        raise Unsupported("no experts", where=str(folder), hint="the control needs a model of experts")
    weights, kind = FolderWeights(folder), dtype_of(dtype)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kinds: list[MlpKind] = [run.mlp for run in shape.layers for _ in range(run.count)]
    names = frozenset(weights)

    def read(name: str) -> torch.Tensor:
        return torch.from_numpy(weights[name]).to(kind).to(device)

    layers = [real_layer(read, names, shape, mlp, index) for index, mlp in enumerate(kinds)]
    asked = Asked(shape, ONE_DEVICE, batch, context, dtype)
    counts: dict[MlpKind, int] = {mlp: kinds.count(mlp) for mlp in MLPS if mlp in kinds}
    drawn = Runner(asked, device, counts)
    shadows = _in_order(drawn.layers, kinds)
    caches = _in_order(drawn.caches, kinds)
    rules = rules_at(context - 1, shape.rope, device, scaling=float(config.get("routed_scaling_factor", 1.0)))
    table_VD, draw = read("model.embed_tokens.weight"), torch.Generator().manual_seed(0)
    inputs = [table_VD[torch.randint(0, shape.vocabulary, (batch,), generator=draw)] for _ in range(_SETS)]
    own: list[Choices] = []

    @torch.inference_mode()
    def step(stack: Sequence[RankLayer], turn: int, choices: Choices | None, record: list[torch.Tensor] | None = None) -> None:
        values_BD = inputs[turn]
        for index, layer in enumerate(stack):
            given = None if choices is None or layer.mlp == "dense" else choices[index]
            values_BD = decode_layer(shape, ONE_DEVICE, layer, values_BD, caches[index], rules, drawn_MK=given, record=record)

    for turn in range(_SETS):
        found: list[torch.Tensor] = []
        step(layers, turn, None, found)
        own.append(_padded(found, kinds))
    even = [[draw_experts(shape, batch, 1000 * turn + index) for index in range(len(kinds))] for turn in range(_SETS)]
    turns: dict[str, int] = dict.fromkeys((REAL, WEIGHTS, BOTH), 0)

    def next_step(way: str) -> None:
        turn = turns[way] = (turns[way] + 1) % _SETS
        step(layers if way == REAL else shadows, turn, {REAL: None, WEIGHTS: own[turn], BOTH: even[turn]}[way])

    timings = time_each({way: lambda way=way: next_step(way) for way in turns}, device, seconds=seconds, rounds=400)
    hit = {REAL: _hit(own, kinds), WEIGHTS: _hit(own, kinds), BOTH: _hit(even, kinds)}
    return Control(asked, device, timings, hit)


def _in_order(by_kind: dict[MlpKind, list[Any]], kinds: Sequence[MlpKind]) -> list[Any]:
    """One of its kind for each layer."""
    left = {kind: iter(found) for kind, found in by_kind.items()}
    return [next(left[kind]) for kind in kinds]


def _padded(found: list[torch.Tensor], kinds: Sequence[MlpKind]) -> list[torch.Tensor]:
    """Choices by layer; an empty one for a dense layer."""
    left = iter(found)
    return [next(left) if kind == "moe" else torch.zeros(0, 0, dtype=torch.long) for kind in kinds]


def _hit(sets: Sequence[Sequence[torch.Tensor]], kinds: Sequence[MlpKind]) -> float:
    """Distinct experts of a layer of experts, in the mean over sets and layers."""
    counts = [len(choice.unique()) for choices in sets for choice, kind in zip(choices, kinds, strict=True) if kind == "moe"]
    return sum(counts) / len(counts)
