"""The roofline that turns work into seconds on a described device.

Time is the longer of what the products take and what moving the weights takes (Williams, Waterman and Patterson 2009,
doi:10.1145/1498765.1498785), plus a fixed time for each block that is called.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seodang.backends.description import Description, Runs, bundled, load_description
from seodang.core.errors import InputError
from seodang.pipeline.estimate.work import Activity, Memory, Pass, StepWork

BYTES = {"float32": 4, "bfloat16": 2}


@dataclass(frozen=True, slots=True)
class Device:
    """A description that has all that an estimate needs: a peak in float32, and what runs reach."""

    description: Description
    runs: Runs

    @property
    def memory_bytes(self) -> float:
        """What models and training share."""
        return self.description.memory[0].capacity.value

    @property
    def memory_bytes_per_s(self) -> float:
        return self.description.memory[0].bandwidth.value

    def dtype(self, wanted: str) -> Literal["float32", "bfloat16"]:
        """The type that is computed in: "auto" is bfloat16 where the device has a peak in it."""
        fast = wanted == "bfloat16" or (wanted == "auto" and "bfloat16" in self.description.peak)
        return "bfloat16" if fast else "float32"

    def peak(self, dtype: Literal["float32", "bfloat16"]) -> float:
        """FLOP/s; a type that the device is not fast in is computed as float32."""
        peak = self.description.peak
        return (peak.get(dtype) or peak["float32"]).value

    def share(self, activity: Activity, dtype: str) -> float:
        """The share of the peak that an activity reaches in a type."""
        if activity == "train" and dtype == "float32" and self.runs.train_float32 is not None:
            return self.runs.train_float32.value
        return {"read": self.runs.read, "decode": self.runs.decode, "train": self.runs.train}[activity].value

    def seconds(self, work: Pass) -> float:
        """How long a pass takes."""
        dtype = self.dtype(work.dtype)
        products = work.flops / (self.peak(dtype) * self.share(work.activity, dtype))
        moved = work.calls * work.call_values * BYTES[dtype] / self.memory_bytes_per_s
        besides = work.traffic_bytes / self.memory_bytes_per_s
        return max(products, moved) + besides + work.calls * work.num_blocks * self.runs.block.value

    def held(self, step: StepWork, kept: float = 0.0) -> tuple[float, float]:
        """The most bytes that are held at once in a step, with those of the process and of what stays open; and how many the process keeps
        of what came and went, when it kept `kept` before the step."""
        most = kept
        for memory in step.held:
            most = max(most, self._bytes(memory) + kept)
            kept = max(kept, memory.passing * BYTES[self.dtype(memory.dtype)])
        return self.runs.process.value + most + (self._bytes(step.beside) if step.beside is not None else 0.0), kept

    def _bytes(self, memory: Memory) -> float:
        return memory.values * BYTES[self.dtype(memory.dtype)] + memory.num_bytes


def bundled_devices() -> dict[str, Path]:
    """The bundled descriptions that an estimate can be made for, by name."""
    return {name: path for name, path in bundled().items() if load_description(name).runs is not None}


def load_device(given: str) -> Device:
    """A description by its file, or by the name of a bundled one. InputError for neither and for one that an estimate cannot be made for,
    RecipeError for what is wrong in it."""
    return as_device(load_description(given), given)


def as_device(description: Description, where: str) -> Device:
    """InputError where the description lacks what an estimate needs."""
    lacking = "section `runs`" if description.runs is None else "peak in float32" if "float32" not in description.peak else None
    if description.runs is None or lacking is not None:
        hint = f"it says what runs reach there; {', '.join(bundled_devices())} have all of it, and `--measure` measures this machine"
        raise InputError(f"the description has no {lacking}, so no time can be told", where=where, hint=hint)
    return Device(description, description.runs)


REFERENCE = "cpu-2-cores"  # the machine on which the numbers of benchmarks/results were measured
