"""A device in numbers, and the roofline that turns work into seconds.

Time is the longer of what the products take and what moving the weights takes (Williams, Waterman and Patterson 2009,
doi:10.1145/1498765.1498785), plus a fixed time for each block that is called.
"""

import difflib
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import Field

from seodang.core.errors import InputError, RecipeError
from seodang.core.sections import Section, load_section
from seodang.pipeline.estimate.work import Activity, Memory, Pass, StepWork

BYTES = {"float32": 4, "bfloat16": 2}


class Number(Section):
    """A number with where it comes from."""

    value: float = Field(gt=0, description="the number, in the unit of its key")
    kind: Literal["claimed", "measured", "derived"] = Field(description="claimed by its maker, measured here or elsewhere, or derived")
    source: str = Field(min_length=1, description="an address, a file, or what it was derived from")


class PeakFlops(Section):
    """The most products a second, by the type they are computed in; a multiplication and an addition count as two."""

    float32: Number = Field(description="FLOP/s in float32")
    bfloat16: Number | None = Field(default=None, description="FLOP/s in bfloat16, dense; none: the device is not fast in it")


class Efficiency(Section):
    """The share of the peak that is reached (above 0), by what is done."""

    read: Number = Field(description="reading prompts and scoring")
    decode: Number = Field(description="decoding, a token of each row at a time")
    train: Number = Field(description="forward and backward")
    train_float32: Number | None = Field(default=None, description="the same in float32; none: as `train`")

    def of(self, activity: Activity, dtype: str) -> float:
        """The share that an activity reaches in a type."""
        if activity == "train" and dtype == "float32" and self.train_float32 is not None:
            return self.train_float32.value
        return {"read": self.read, "decode": self.decode, "train": self.train}[activity].value


class Device(Section):
    """One device: what it can do, and what of it is reached."""

    name: str = Field(min_length=1, description="what it is called")
    processor: str = Field(default="", description="the processor's name as the system tells it; empty: not this kind of machine")
    cores: int | None = Field(default=None, ge=1, description="processor cores used; none: not a processor")
    memory_bytes: Number = Field(description="memory that models and training share, in bytes")
    memory_bytes_per_s: Number = Field(description="bytes that memory moves in a second")
    peak_flops: PeakFlops
    efficiency: Efficiency
    block_s: Number = Field(description="seconds that calling one block takes besides its products")
    process_bytes: Number = Field(description="bytes that a process holds beside models and what they compute")
    opening_s: Number = Field(description="seconds that opening a model takes, for each 1e9 bytes of its weights in float32")
    error_factor: Number = Field(description="true times are expected within this factor, both ways")

    def dtype(self, wanted: str) -> str:
        """The type that is computed in: "auto" is bfloat16 where the device is fast in it."""
        fast = "bfloat16" if self.peak_flops.bfloat16 is not None else "float32"
        return fast if wanted == "auto" else wanted

    def seconds(self, work: Pass) -> float:
        """How long a pass takes."""
        dtype = self.dtype(work.dtype)
        peak = (self.peak_flops.bfloat16 if dtype == "bfloat16" else None) or self.peak_flops.float32
        products = work.flops / (peak.value * self.efficiency.of(work.activity, dtype))
        moved = work.calls * work.call_values * BYTES[dtype] / self.memory_bytes_per_s.value
        besides = work.traffic_bytes / self.memory_bytes_per_s.value
        return max(products, moved) + besides + work.calls * work.num_blocks * self.block_s.value

    def held(self, step: StepWork, kept: float = 0.0) -> tuple[float, float]:
        """The most bytes that are held at once in a step, with those of the process and of what stays open; and how many the process keeps
        of what came and went, when it kept `kept` before the step."""
        most = kept
        for memory in step.held:
            most = max(most, self._bytes(memory) + kept)
            kept = max(kept, memory.passing * BYTES[self.dtype(memory.dtype)])
        return self.process_bytes.value + most + (self._bytes(step.beside) if step.beside is not None else 0.0), kept

    def _bytes(self, memory: Memory) -> float:
        return memory.values * BYTES[self.dtype(memory.dtype)] + memory.num_bytes


def bundled_devices() -> dict[str, Path]:
    """The descriptions that come with seodang, by name."""
    folder = Path(str(resources.files("seodang.pipeline.estimate") / "devices"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_device(given: str) -> Device:
    """A description by its file, or by the name of a bundled one. InputError for neither, RecipeError for what is wrong in it."""
    known = bundled_devices()
    path = known.get(given) or Path(given)
    if not path.is_file():
        siblings = [str(file) for file in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        near = difflib.get_close_matches(given, [*known, *siblings], n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"name a description's file, or one of {', '.join(known)}"
        raise InputError("no description of a device", where=given, hint=hint)
    try:
        return load_section(Device, path)
    except RecipeError as error:
        if error.hint and "seodang explain" in error.hint:
            error.hint = f"a whole description: {known[REFERENCE]}"
        raise


REFERENCE = "cpu-2-cores"  # the machine on which the numbers of benchmarks/results were measured
