"""The whole graph of a model on one rank, over a pool of few distinct layers: as many steps of layers, with the traffic of all of them.

That stands for the whole model only while a layer has left the caches before it is used again, which shows in times that do not depend on
how many distinct layers the pool has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seodang.backends.contract import Unsupported
from seodang.testbed.measure.pool import last_cache_bytes
from seodang.testbed.measure.slice_runner import MEMORY_LIMIT, MLPS, Asked, Runner
from seodang.testbed.measure.timing import Timing, time_each
from seodang.testbed.workloads.model_shape import MlpKind

_FLAT = 0.05  # times of pools that differ by no more are told to be flat


@dataclass(frozen=True, slots=True)
class Aliased:
    """Seconds of one step of the whole graph, without embedding and head, by the number of distinct layers in the pool."""

    asked: Asked
    device: str
    num_layers: int
    touched_bytes: int  # that one step reads
    cache_bytes: int  # of the last cache before memory
    timings: dict[int, Timing]

    @property
    def slope(self) -> float:
        """How much longer the largest pool takes than the smallest, as a share; medians of rounds taken in turns."""
        sizes = sorted(self.timings)
        return self.timings[sizes[-1]].median / self.timings[sizes[0]].median - 1

    @property
    def flat(self) -> bool:
        """Whether all pools' medians lie within 5 % of one another."""
        medians = [timing.median for timing in self.timings.values()]
        return max(medians) / min(medians) - 1 <= _FLAT

    def row(self) -> dict[str, Any]:
        pools = [{"distinct_layers": size, **timing.row()} for size, timing in self.timings.items()]
        check = {"flat_within": _FLAT, "flat": self.flat, "largest_over_smallest": self.slope}
        sizes = {"num_layers": self.num_layers, "touched_bytes": self.touched_bytes, "last_cache_bytes": self.cache_bytes}
        return {"synthetic": True, **self.asked.row(), "device": self.device, **sizes, "pools": pools, "check": check}

    def lines(self) -> list[str]:
        """For people."""
        pools = [
            f"{size} distinct layers: {timing.median:.3f} s a step, +- {100 * timing.spread:.0f} %" for size, timing in self.timings.items()
        ]
        told = f"the largest pool takes {100 * self.slope:+.1f} %: {'flat' if self.flat else 'not flat'} within {100 * _FLAT:.0f} %"
        return [f"{self.num_layers} layers of one rank, {self.touched_bytes / 1e9:.2f} GB read a step", *pools, told]


def aliased_graph(
    asked: Asked,
    device: str = "cpu",
    *,
    pools: Sequence[int] = (1, 2, 3),
    num_layers: int | None = None,
    seconds: float = 30.0,
    memory_limit: float = MEMORY_LIMIT,
) -> Aliased:
    """Times steps of the whole graph (or of its first `num_layers`) for each number of distinct layers of its most frequent kind, in
    turns. One pool is taken; smaller ones are its first layers. OutOfMemory where the largest would pass `memory_limit`."""
    kinds: list[MlpKind] = [run.mlp for run in asked.shape.layers for _ in range(run.count)]
    kinds = kinds[:num_layers]
    main = max(MLPS, key=kinds.count)
    if min(pools, default=0) < 1:
        raise Unsupported("a pool without layers", where=asked.shape.name, hint="give pools of one layer or more")
    largest: dict[MlpKind, int] = {kind: max(pools) if kind == main else 1 for kind in MLPS if kind in kinds}
    whole = Runner(asked, device, largest, memory_limit=memory_limit)
    runners = {size: whole.with_first(main, size) for size in pools}
    read = {kind: sum(whole.check_bytes(kind).read.values()) for kind in largest}
    touched = sum(read[kind] for kind in kinds)
    timings = time_each({str(size): lambda r=runner: r.step(kinds) for size, runner in runners.items()}, device, seconds=seconds)
    named = {size: timings[str(size)] for size in pools}
    return Aliased(asked, device, len(kinds), touched, last_cache_bytes(device), named)
