"""Distinct layers of one rank with drawn weights, caches and routing, through which steps of decoding go in turn."""

import copy
import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seodang.backends.contract import OutOfMemory, Unsupported
from seodang.backends.description import Precision
from seodang.testbed.measure.pool import ColdPool
from seodang.testbed.measure.slice_layer import Reads, decode_layer, rules_at
from seodang.testbed.measure.slice_weights import RankLayer, check_slice, layer_numbers, synthetic_layer
from seodang.testbed.measure.timing import check_device, dtype_of
from seodang.testbed.workloads.layout import Layout
from seodang.testbed.workloads.model_shape import LayerRun, MlpKind, ModelShape
from seodang.testbed.workloads.operators import operators
from seodang.testbed.workloads.routing import UNIFORM, experts_hit

MEMORY_LIMIT = 8e9  # bytes of a process, unless the caller allows more
MLPS: tuple[MlpKind, ...] = ("dense", "moe")
DTYPES: tuple[Precision, ...] = ("float32", "bfloat16")
_DRAWS = 16  # sets of experts that steps go through in turn
_EXPERTS = ("experts_gate_up", "experts_down")


@dataclass(frozen=True, slots=True)
class Asked:
    """One decoding step: `batch` sequences a group of tp devices, each with `context` tokens, in one type throughout."""

    shape: ModelShape
    layout: Layout
    batch: int
    context: int
    dtype: Precision

    def row(self) -> dict[str, Any]:
        layout = dataclasses.asdict(self.layout)
        return {"model": self.shape.name, "layout": layout, "batch": self.batch, "context": self.context, "dtype": self.dtype}


@dataclass(frozen=True, slots=True)
class LayerBytes:
    """Bytes of weights and cache that one step of one layer read, by name, beside those of the accounting for the same experts hit.
    `expected_share` is what was read of experts over what uniform routing makes expect."""

    read: Mapping[str, int]
    accounted: Mapping[str, float]
    expected_share: float

    @property
    def equal(self) -> bool:
        """Whether both have the same names and, to a millionth, the same bytes."""
        return self.read.keys() == self.accounted.keys() and all(abs(self.read[k] - v) <= 1e-6 * v for k, v in self.accounted.items())

    def row(self) -> dict[str, Any]:
        return {
            "read": dict(self.read),
            "accounted": dict(self.accounted),
            "equal": self.equal,
            "experts_over_expected": self.expected_share,
        }


class Runner:
    """Distinct layers of each kind on one rank, with caches and draws of experts, which steps go through in turn."""

    def __init__(self, asked: Asked, device: str, layers: Mapping[MlpKind, int], *, memory_limit: float = MEMORY_LIMIT) -> None:
        check_device(device)
        shape, layout = asked.shape, asked.layout
        check_slice(shape, layout)
        for kind in layers:
            one_layer(shape, kind)  # refuses a kind that the model does not have
        if asked.dtype not in DTYPES:
            raise Unsupported(f"products in {asked.dtype} are not timed", where=device, hint=f"there are: {', '.join(DTYPES)}")
        if layout.sends_tokens and asked.batch % layout.tp:
            raise Unsupported(f"a batch of {asked.batch} is not divided by tp = {layout.tp}", where=shape.name, hint="choose another batch")
        dtype = dtype_of(asked.dtype)
        counts = {kind: count * layer_numbers(shape, kind, layout) for kind, count in layers.items()}
        weights = sum(counts.values())
        cached = sum(layers.values()) * asked.batch * asked.context * _cache_numbers(shape, layout)
        needed = (weights + cached) * dtype.itemsize + _resident_bytes()
        if device == "cpu" and needed > memory_limit:
            layer_gb = max(layer_numbers(shape, kind, layout) for kind in layers) * dtype.itemsize / 1e9
            raise OutOfMemory(
                f"{needed / 1e9:.1f} GB, at most {memory_limit / 1e9:.1f} GB are to be used; a layer has {layer_gb:.1f} GB on a rank",
                where=shape.name,
                hint="ask for fewer layers, more ranks, a shorter context or bfloat16",
            )
        pool = ColdPool((weights + cached) * dtype.itemsize, dtype, device)
        self.asked, self.device = asked, device
        self.layers: dict[MlpKind, list[RankLayer]] = {
            kind: [synthetic_layer(pool, shape, kind, layout) for _ in range(count)] for kind, count in layers.items()
        }
        self.caches: dict[MlpKind, list[torch.Tensor]] = {
            kind: [_cache(pool, asked) for _ in range(count)] for kind, count in layers.items()
        }
        self.held_bytes = pool.num_bytes
        self.values_BD = torch.randn(asked.batch, shape.hidden, generator=torch.Generator().manual_seed(1)).to(dtype).to(device)
        width = shape.rope if shape.kv_lora_rank else shape.head_width
        self.rules = rules_at(asked.context - 1, width, device, interleaved=bool(shape.kv_lora_rank))
        self.draws = [draw_experts(shape, asked.batch * layout.dp, seed).to(device) for seed in range(_DRAWS)]
        self._turn: Counter[str] = Counter()

    def with_first(self, kind: MlpKind, count: int) -> "Runner":
        """One that shares these tensors and goes through the first `count` layers of a kind only."""
        fewer = copy.copy(self)
        fewer.layers, fewer.caches = dict(self.layers), dict(self.caches)
        fewer.layers[kind], fewer.caches[kind] = self.layers[kind][:count], self.caches[kind][:count]
        fewer._turn = Counter()
        return fewer

    @torch.inference_mode()
    def step(self, kinds: Sequence[MlpKind]) -> torch.Tensor:
        """One token of each sequence through layers of these kinds; each kind's layers and the draws are taken in turn."""
        values_BD = self.values_BD
        for kind in kinds:
            index = self._turn[kind] % len(self.layers[kind])
            drawn_MK = self.draws[self._turn["draw"] % _DRAWS]
            values_BD = self._layer(kind, index, values_BD, drawn_MK)
            self._turn[kind] += 1
            self._turn["draw"] += 1
        return values_BD

    @torch.inference_mode()
    def check_bytes(self, kind: MlpKind) -> LayerBytes:
        """What one step of a layer reads, tensor by tensor, against the accounting of the workload."""
        asked, shape = self.asked, one_layer(self.asked.shape, kind)
        reads, drawn_MK = Reads(), self.draws[0]
        self._layer(kind, 0, self.values_BD, drawn_MK, reads)
        counted = operators(
            shape,
            phase="decode",
            batch=asked.batch,
            context=asked.context,
            new_tokens=1,
            weights=asked.dtype,
            kv=asked.dtype,
            activations=asked.dtype,
            layout=dataclasses.replace(asked.layout, pp=1),
        )
        expected = experts_hit(UNIFORM, shape.routed_experts, shape.top_k, asked.batch * asked.layout.dp) if kind == "moe" else 1.0
        held = shape.routed_experts // asked.layout.ep
        hit = len(drawn_MK[drawn_MK < held].unique()) if kind == "moe" else 1
        share = hit / (expected / asked.layout.ep) if kind == "moe" else 1.0
        accounted: dict[str, float] = {}
        for one in counted:
            if one.name == "attention":
                accounted["cache"] = one.kv_bytes
            elif one.name in self.layers[kind][0].matrices:
                accounted[one.name] = one.weight_bytes * (share if one.name in _EXPERTS else 1.0)
        return LayerBytes(dict(reads), accounted, share)

    def _layer(
        self, kind: MlpKind, index: int, values_BD: torch.Tensor, drawn_MK: torch.Tensor, reads: Reads | None = None
    ) -> torch.Tensor:
        asked = self.asked
        layer, cache = self.layers[kind][index], self.caches[kind][index]
        return decode_layer(asked.shape, asked.layout, layer, values_BD, cache, self.rules, drawn_MK=drawn_MK, reads=reads)


def draw_experts(shape: ModelShape, tokens: int, seed: int) -> torch.Tensor:
    """`top_k` different experts for each token (tokens, K), every expert alike; empty where there are none."""
    if not shape.routed_experts:
        return torch.zeros(tokens, 0, dtype=torch.long)
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(tokens, shape.routed_experts, generator=draw).topk(shape.top_k)[1]


def one_layer(shape: ModelShape, kind: MlpKind) -> ModelShape:
    """The same model with a single layer, of this kind. Unsupported where it has none."""
    run = next((run for run in shape.layers if run.mlp == kind), None)
    if run is None:
        raise Unsupported(f"the model has no layer of kind `{kind}`", where=shape.name, hint="ask for the other kind: dense or moe")
    return dataclasses.replace(shape, layers=(LayerRun(1, run.attention, kind, run.window),))


def _cache_numbers(shape: ModelShape, layout: Layout) -> int:
    """Of one token in one layer on a rank."""
    if shape.kv_lora_rank:
        return shape.kv_lora_rank + shape.rope
    return 2 * shape.head_width * shape.kv_heads // min(layout.tp, shape.kv_heads)


def _cache(pool: ColdPool, asked: Asked) -> torch.Tensor:
    shape, layout = asked.shape, asked.layout
    if shape.kv_lora_rank:
        return pool.take(asked.batch, asked.context, shape.kv_lora_rank + shape.rope)
    heads = shape.kv_heads // min(layout.tp, shape.kv_heads)
    return pool.take(2, asked.batch, heads, asked.context, shape.head_width)


def _resident_bytes() -> int:
    return 4096 * int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
