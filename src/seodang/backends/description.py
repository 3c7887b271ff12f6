"""What a device is, as data: a chip can be described before it can run. `descriptions/` holds those that come along."""

import difflib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from seodang.backends.quantity import Kind, Quantity, check_unit, in_unit, weakest
from seodang.core.errors import InputError
from seodang.core.sections import Section, load_section

Precision = Literal["float64", "float32", "tf32", "bfloat16", "float16", "float8", "int8", "float4", "int4"]
INTEGERS = ("int8", "int4")  # their peaks are in OP/s, those of the others in FLOP/s

_FOLDER = Path(str(resources.files("seodang.backends") / "descriptions"))

Bytes = Annotated[Quantity, in_unit("B")]
BytesPerS = Annotated[Quantity, in_unit("B/s")]
Seconds = Annotated[Quantity, in_unit("s")]
Share = Annotated[Quantity, in_unit("1")]


class Memory(Section):
    """One tier of memory."""

    name: str = Field(min_length=1, description="such as HBM3E or LPDDR5X")
    capacity: Bytes = Field(description="bytes; 1 GB is 1e9 of them")
    bandwidth: BytesPerS = Field(description="bytes a second, read")


class Link(Section):
    """What a device reaches other devices by."""

    name: str = Field(min_length=1, description="such as NVLink or PCIe 5 x16")
    reach: Literal["scale_up", "scale_out", "host"] = Field(description="inside a node's fast domain, between such domains, or the host")
    devices: int | None = Field(default=None, ge=2, description="devices in one domain; none: not known")
    bandwidth: BytesPerS | None = Field(default=None, description="bytes a second of one device, in one direction; none: not known")
    latency: Seconds | None = Field(default=None, description="seconds of an empty message; none: not known")


class Execution(Section):
    """How the device is programmed."""

    mode: Literal["eager", "ahead_of_time"] = Field(description="whether operators run as they are asked for or as a compiled program")
    batch_buckets: tuple[int, ...] = Field(default=(), description="the batch sizes that run, smaller ones padded; none: all do")
    max_context: int | None = Field(default=None, ge=1, description="longest sequence in tokens; none: as memory allows")
    deterministic: bool | None = Field(default=None, description="whether equal inputs give equal bits; none: not known")


class Runs(Section):
    """What seodang's own runs reach on a device and take besides. `seodang estimate` asks for it."""

    read: Share = Field(description="share of the peak that reading prompts and scoring reaches")
    decode: Share = Field(description="the same for decoding, a token of each row at a time")
    train: Share = Field(description="the same for forward and backward")
    train_float32: Share | None = Field(default=None, description="the same for training in float32; none: as `train`")
    block: Seconds = Field(description="seconds that calling one block takes besides its products")
    process: Bytes = Field(description="bytes that a process holds beside models and what they compute")
    opening: Annotated[Quantity, in_unit("s/B")] = Field(description="seconds that opening a model takes, a byte of its float32 weights")
    error_factor: Share = Field(description="true times are expected within this factor, both ways")


class Description(Section):
    """One device: one package, as it is sold."""

    kind_of_file: ClassVar[str] = "a description"
    example: ClassVar[str] = str(_FOLDER / "h100_sxm.yaml")
    guide: ClassVar[str] = example

    name: str = Field(min_length=1, description="what it is called")
    vendor: str = Field(min_length=1, description="who makes it")
    kind: Literal["cpu", "gpu", "npu", "pim"] = Field(description="what sort of device")
    processor: str = Field(default="", description="of a processor: its name as the system tells it; empty: it is none")
    cores: int | None = Field(default=None, ge=1, description="of a processor: cores used; none: it is none")
    memory: tuple[Memory, ...] = Field(min_length=1, description="its tiers, the fastest first; models live in the first")
    peak: dict[Precision, Quantity] = Field(
        min_length=1, description="dense FLOP/s by the type computed in, a multiplication and an addition are two; for integers OP/s"
    )
    links: tuple[Link, ...] = Field(default=(), description="how it reaches others")
    power: Annotated[Quantity, in_unit("W")] | None = Field(default=None, description="watts of the package at its limit; none: not known")
    price: Annotated[Quantity, in_unit("USD/h", "KRW/h", "EUR/h")] | None = Field(
        default=None, description="money an hour; none: not known"
    )
    reached: dict[str, Quantity] = Field(
        default_factory=dict,
        description="what is reached: B/s (stream, attention_decode, link.scale_up), FLOP/s (gemm.bfloat16), s, or a share of the peak",
    )
    execution: Execution | None = Field(default=None, description="how it is programmed; none: not known")
    runs: Runs | None = Field(default=None, description="what `seodang estimate` needs beside; none: it refuses the device")
    note: str = Field(default="", description="what a reader must know, such as where sources differ")

    @field_validator("peak")
    @classmethod
    def _peaks(cls, value: dict[Precision, Quantity]) -> dict[Precision, Quantity]:
        for precision, quantity in value.items():
            check_unit(quantity, "OP/s" if precision in INTEGERS else "FLOP/s")
        return value

    @field_validator("reached")
    @classmethod
    def _rates(cls, value: dict[str, Quantity]) -> dict[str, Quantity]:
        for quantity in value.values():
            check_unit(quantity, "B/s", "FLOP/s", "OP/s", "s", "1")
        return value

    @field_validator("links")
    @classmethod
    def _one_of_a_kind(cls, value: tuple[Link, ...]) -> tuple[Link, ...]:
        reaches = [link.reach for link in value]
        if len(set(reaches)) < len(reaches):
            hint = "add up what goes the same way: bandwidth is that of the device"
            raise PydanticCustomError("links", "two links of the same reach", {"hint": hint})
        return value

    @property
    def link(self) -> Link | None:
        """The link inside of the fast domain, if there is one."""
        return next((link for link in self.links if link.reach == "scale_up"), None)

    def quantities(self) -> Iterator[tuple[str, Quantity]]:
        """Every number with its place, such as `memory.0.capacity`."""
        return _quantities(self, "")

    @property
    def said(self) -> Kind:
        """What may be said of the device as a whole: the weakest kind of memory, bandwidth and peaks."""
        return weakest(
            [*(kind for tier in self.memory for kind in (tier.capacity.kind, tier.bandwidth.kind)), *(p.kind for p in self.peak.values())]
        )


def _quantities(value: object, place: str) -> Iterator[tuple[str, Quantity]]:
    if isinstance(value, Quantity):
        yield place, value
    elif isinstance(value, Section):
        for name in type(value).model_fields:
            yield from _quantities(getattr(value, name), f"{place}.{name}".lstrip("."))
    elif isinstance(value, dict):
        for name, child in value.items():
            yield from _quantities(child, f"{place}.{name}")
    elif isinstance(value, tuple):
        for index, child in enumerate(value):
            yield from _quantities(child, f"{place}.{index}")


def bundled() -> dict[str, Path]:
    """The descriptions that come with seodang, by name."""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.yaml"))}


def load_description(given: str) -> Description:
    """By the name of a bundled description (`h100_sxm`), by the part before its first `_` where it is the only one (`h100`), or by its
    file. InputError for neither, RecipeError for what is wrong in it."""
    return load_section(Description, description_path(given))


def description_path(given: str) -> Path:
    """The file of a description, found as `load_description` says. InputError where there is none."""
    known = bundled()
    families: dict[str, list[str]] = {}
    for name in known:
        families.setdefault(name.partition("_")[0], []).append(name)
    begun = families.get(given, [])
    path = known.get(given) or (known[begun[0]] if len(begun) == 1 else Path(given))
    if path.is_file():
        return path
    siblings = [str(file) for file in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    near = begun or difflib.get_close_matches(given, [*families, *known, *siblings], n=1)
    hint = f"did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else f"there are: {', '.join(known)}; or name a file"
    raise InputError("no description of a device", where=given, hint=hint)
