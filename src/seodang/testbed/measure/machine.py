"""This machine as a device: every number measured in one go. Peaks are the best that was seen, `reached` holds medians."""

import datetime
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch

from seodang import __version__
from seodang.backends.description import Description, Execution, Link, Memory, Precision
from seodang.backends.host import processor_name
from seodang.backends.quantity import Quantity
from seodang.testbed.measure.attention import Decoded, Grouped, Latent, attention_decode
from seodang.testbed.measure.collectives import Collective, measure_collectives
from seodang.testbed.measure.gemm import GroupedProduct, Product, gemm_sweep, grouped_gemm
from seodang.testbed.measure.passes import Pass, measure_passes
from seodang.testbed.measure.pool import last_cache_bytes
from seodang.testbed.measure.stream import Stream, stream
from seodang.testbed.measure.timing import check_device

_SHARES = {
    "stream": 0.15,
    "gemm": 0.2,
    "grouped": 0.1,
    "attention": 0.1,
    "passes": 0.05,
    "collectives": 0.15,
}  # of the time; gemm etc. once a type
_DTYPES: tuple[Precision, ...] = ("float32", "bfloat16")
_SPLITS = ((1,) * 8, (16,) * 8, (100, 20, 4, 2, 1, 1, 0, 0))  # rows of eight experts: few, many, skewed
_CONTEXTS, _BATCHES = (256, 1024, 4096), (1, 8)
_MANY_ROWS = 256  # of a product that stands for prefill


@dataclass(frozen=True, slots=True)
class Measured:
    """What was timed, with what else went on: `load` is the number of runnable processes before and after."""

    device: str
    stream: Stream
    products: list[Product]
    grouped: list[GroupedProduct]
    decoded: list[Decoded]
    collectives: list[Collective]
    load: tuple[float, float]
    environment: dict[str, Any]
    passes: tuple[Pass, ...] = ()

    def row(self) -> dict[str, Any]:
        lists = {"gemm": self.products, "grouped_gemm": self.grouped, "attention": self.decoded, "collectives": self.collectives}
        told = {name: [found.row() for found in rows] for name, rows in lists.items()}
        told["passes"] = [found.row() for found in self.passes]
        return {"device": self.device, "environment": self.environment, "load": list(self.load), "stream": self.stream.row(), **told}


def measure_machine(
    device: str = "cpu", *, seconds: float = 120.0, ranks: int = 2, tell: Callable[[str], None] = lambda _: None
) -> tuple[Description, Measured]:
    """Times everything in about so many `seconds`, more where single calls last longer. `tell` is given a line before each part.
    DeviceAbsent where the device is not here; OutOfMemory where the weights that are read would not fit. Collectives are left out with
    fewer than two ranks or, on accelerators, fewer devices than ranks."""
    check_device(device)
    before = os.getloadavg()[0]
    tell("memory")
    memory = stream(device, seconds=_SHARES["stream"] * seconds)
    products: list[Product] = []
    grouped: list[GroupedProduct] = []
    decoded: list[Decoded] = []
    passes: list[Pass] = []
    for dtype in _DTYPES:
        tell(f"products in {dtype}")
        products += gemm_sweep(device, dtype=dtype, seconds=_SHARES["gemm"] * seconds / 2)
        grouped += grouped_gemm(device, counts=_SPLITS, dtype=dtype, seconds=_SHARES["grouped"] * seconds / 2)
        tell(f"attention in {dtype}")
        for heads in (Latent(), Grouped()):
            budget = _SHARES["attention"] * seconds / 4
            decoded += attention_decode(device, heads=heads, contexts=_CONTEXTS, batches=_BATCHES, dtype=dtype, seconds=budget)
        tell(f"passes in {dtype}")
        passes += measure_passes(device, dtype=dtype, seconds=_SHARES["passes"] * seconds / 2)
    collectives: list[Collective] = []
    if ranks > 1 and (device == "cpu" or torch.cuda.device_count() >= ranks):
        tell(f"collectives between {ranks} processes")
        collectives = measure_collectives(device, ranks=ranks, seconds=_SHARES["collectives"] * seconds)
    load = (before, os.getloadavg()[0])
    found = Measured(device, memory, products, grouped, decoded, collectives, load, environment(device), tuple(passes))
    return describe(found), found


def environment(device: str) -> dict[str, Any]:
    """What the numbers were measured on and with."""
    here = {
        "processor": processor_name(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "last_cache_bytes": last_cache_bytes(device),
    }
    versions = {"seodang": __version__, "torch": str(torch.__version__), "numpy": numpy.__version__, "python": platform.python_version()}
    if device != "cpu":
        here["accelerator"] = torch.cuda.get_device_name(device)
        here["accelerator_memory_bytes"] = torch.cuda.get_device_properties(device).total_memory
        versions["cuda"] = str(torch.version.cuda)
    return here | {"versions": versions, "date": datetime.date.today().isoformat()}


def describe(found: Measured) -> Description:
    """The measurement as a description. Bandwidth is the best of STREAM's four kernels and of reading, a peak the best of all products of
    a type; `reached` holds medians: bytes a second, or FLOP/s, by family, type and, for few rows, their number."""
    here, cpu = found.environment, found.device == "cpu"
    source = f"seodang devices measure --device {found.device}; torch {here['versions']['torch']}, threads {here['threads']}"

    def number(value: float, unit: str, how: str) -> Quantity:
        told = f"{source}: {how}, load {found.load[0]:.1f} to {found.load[1]:.1f}"
        return Quantity(value=value if unit == "B" else float(f"{value:.4g}"), unit=unit, kind="measured", source=told, date=here["date"])

    kernel = max(found.stream.timings, key=found.stream.best)
    capacity = here["memory_bytes"] if cpu else here["accelerator_memory_bytes"]
    tier = Memory(
        name="RAM" if cpu else "device memory",
        capacity=number(capacity, "B", "as the system tells it"),
        bandwidth=number(found.stream.best(kernel), "B/s", f"best {kernel} of arrays of {found.stream.array_bytes / 1e6:.0f} MB"),
    )
    peak: dict[Precision, Quantity] = {}
    reached = {f"stream.{name}": number(found.stream.median(name), "B/s", f"median {name}") for name in found.stream.timings}
    for dtype in _DTYPES:
        best = max((one for one in found.products if one.dtype == dtype), key=lambda one: one.flops / one.timing.best)
        peak[dtype] = number(best.flops / best.timing.best, "FLOP/s", f"best of products, {best.name} with {best.num_rows} rows")
        reached |= {key: number(*told) for key, told in _rates(found, dtype).items()}
    links = tuple(measured_link(one, number) for one in found.collectives if one.kind == "all_reduce")
    return Description(
        name=f"{here['cores']} cores of {here['processor']}" if cpu else here["accelerator"],
        vendor="of this machine",
        kind="cpu" if cpu else "gpu",
        processor=here["processor"] if cpu else "",
        cores=here["cores"] if cpu else None,
        memory=(tier,),
        peak=peak,
        links=links,
        reached=reached,
        execution=Execution(mode="eager"),
        note=""
        if found.stream.rule_met
        else "memory was too short for arrays of four times the last cache, so bandwidth may be the cache's",
    )


def _rates(found: Measured, dtype: str) -> dict[str, tuple[float, str, str]]:
    """Medians over shapes of what each family reaches in a type: value, unit and how."""
    rates: dict[str, tuple[float, str, str]] = {}
    large = [one for one in found.products if one.dtype == dtype and not one.name.startswith("small")]
    for rows in sorted({one.num_rows for one in large}):
        key = f"gemm.{dtype}" if rows == _MANY_ROWS else f"gemm.{dtype}.rows{rows}"
        speeds = [one.flops / one.timing.median for one in large if one.num_rows == rows]
        rates[key] = (_middle(speeds), "FLOP/s", f"median of {len(speeds)} shapes of A.X K1 with {rows} rows")
    small = [one for one in found.products if one.dtype == dtype and one.name.startswith("small")]
    for rows in sorted({one.num_rows for one in small}):
        speeds = [one.flops / one.timing.median for one in small if one.num_rows == rows]
        rates[f"gemm_small.{dtype}.rows{rows}"] = (_middle(speeds), "FLOP/s", f"{len(speeds)} shapes of 135M parameters, {rows} rows")
    read = [one.num_bytes / one.timing.median for one in large if one.num_rows == 1]
    rates[f"gemv.{dtype}"] = (_middle(read), "B/s", "median of the shapes of A.X K1 with one row, weights read")
    even = [one for one in found.grouped if one.dtype == dtype and len(set(one.counts)) == 1]
    for one in even:
        speed = one.flops / min(one.timings["loop"].median, one.timings["grouped_mm"].median)
        rates[f"grouped_gemm.{dtype}.rows{one.counts[0]}"] = (speed, "FLOP/s", f"{len(one.counts)} experts of A.X K1, the faster way")
    for kind in ("latent", "grouped"):
        speeds = [one.num_bytes / one.timing.median for one in found.decoded if (one.kind, one.dtype) == (kind, dtype)]
        rates[f"attention_decode_{kind}.{dtype}"] = (_middle(speeds), "B/s", f"median of {len(speeds)} batches and contexts, cache read")
    for kind, name, unit in (("activation", "elementwise", "B/s"), ("attention", "attention_prefill", "FLOP/s")):
        speeds = [one.work / one.timing.median for one in found.passes if (one.kind, one.dtype) == (kind, dtype)]
        if speeds:
            rates[f"{name}.{dtype}"] = (_middle(speeds), unit, f"median of {len(speeds)} prompts, {kind}")
    return rates


def _middle(values: Sequence[float]) -> float:
    return float(numpy.median(values))


def link_between_processes(device: str, *, ranks: int = 2, seconds: float = 3.0) -> Link:
    """The link of a group that is measured now, by all-reduces. Errors as of `measure_collectives`."""
    found = measure_collectives(device, ranks=ranks, kinds=("all_reduce",), seconds=seconds)[0]
    today, load = datetime.date.today().isoformat(), os.getloadavg()[0]

    def number(value: float, unit: str, how: str) -> Quantity:
        return Quantity(value=value, unit=unit, kind="measured", source=f"measured beside, {how}, load {load:.1f}", date=today)

    return measured_link(found, number)


def measured_link(one: Collective, number: Callable[[float, str, str], Quantity]) -> Link:
    """A group's link by the fastest rounds of a collective; `number` makes a quantity of a value, its unit and how it was found."""
    line = one.line(of="best")
    how = f"all-reduces of {one.ranks} processes, fastest rounds, r2 {line.r2:.2f}"
    return Link(
        name="gloo between processes" if one.device == "cpu" else "NCCL between accelerators",
        reach="scale_up",
        devices=one.ranks,
        bandwidth=number(one.link_bytes_per_s(of="best"), "B/s", how) if line.beta_s_per_byte > 0 else None,
        latency=number(line.alpha_s, "s", how) if line.alpha_s > 0 else None,
    )
