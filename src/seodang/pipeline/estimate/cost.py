"""Hours, bytes and memory of a plan on a device, each with the range in which it should lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seodang.pipeline.estimate.device import Device
from seodang.pipeline.estimate.work import StepWork

STEP_WIDER = 1.4  # a single step strays further than their sum
# Factors within which the actual numbers are expected, both ways: seen between estimates and runs (design/teaching.md).
CACHE_ERROR, DISK_ERROR, MEMORY_ERROR = 1.5, 1.2, 1.8
INGEST_S = 0.5  # of documents of a few hundred kilobytes
_STEP_S = 0.3  # of a step beside what is counted: its files, and libraries that are loaded


@dataclass(frozen=True, slots=True)
class StepCost:
    """A step's work with what it takes. `seconds` is None for work that an endpoint does in a time that nobody has told."""

    work: StepWork
    seconds: float | None
    memory_bytes: float


def step_costs(steps: Sequence[StepWork], device: Device, *, weight_bytes: float, requests_per_minute: int | None) -> list[StepCost]:
    """The cost of each step. `weight_bytes` are those of the model in float32 that a step opens; a limit on requests gives an endpoint's
    steps the least time that they can take."""
    found: list[StepCost] = []
    kept = 0.0
    for work in steps:
        seconds: float | None = INGEST_S if work.name == "ingest" else _STEP_S
        if work.passes:
            seconds = sum(device.seconds(part) for part in work.passes) + device.runs.opening.value * weight_bytes + _STEP_S
        elif work.remote:
            seconds = 60 * work.requests / requests_per_minute if requests_per_minute else None
        held, kept = device.held(work, kept)
        found.append(StepCost(work, seconds, held))
    return found


def hours(costs: Sequence[StepCost], part: str | None = None) -> float | None:
    """Hours of the steps of a part, or of all of them; None where one of them is not known."""
    chosen = [cost.seconds for cost in costs if part in (None, cost.work.part)]
    known = [seconds for seconds in chosen if seconds is not None]
    return sum(known) / 3600 if len(known) == len(chosen) else None


def spread(value: float | None, factor: float) -> list[float] | None:
    """The range from `value / factor` to `value * factor`."""
    return None if value is None else [value / factor, value * factor]


def step_row(cost: StepCost, device: Device) -> dict[str, Any]:
    """A step for the estimate's JSON: whole tokens and bytes, seconds to a hundredth."""
    work = cost.work
    factor = STEP_WIDER * device.runs.error_factor.value
    seconds = cost.seconds
    limits = spread(seconds, factor)
    return {
        "name": work.name,
        "part": work.part,
        "seconds": None if seconds is None else round(seconds, 2),
        "seconds_range": None if limits is None else [round(limit, 2) for limit in limits],
        "tokens_read": round(work.tokens_read),
        "tokens_written": round(work.tokens_written),
        "tokens_trained": round(work.tokens_trained),
        "requests": round(work.requests),
        "flops": round(work.flops),
        "cache_bytes": round(work.cache_bytes),
        "disk_bytes": round(work.disk_bytes),
        "peak_memory_bytes": round(cost.memory_bytes),
    }
