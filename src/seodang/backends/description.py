"""What a device is, as data: a chip can be described before it can run. `descriptions/` holds those that come along."""

import difflib
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import Field

from seodang.backends.quantity import Quantity
from seodang.core.errors import InputError
from seodang.core.sections import Section, load_section

Precision = Literal["float64", "float32", "tf32", "bfloat16", "float16", "float8", "int8", "float4"]


class Memory(Section):
    """One tier of memory."""

    name: str = Field(min_length=1, description="such as HBM3E or LPDDR5X")
    capacity: Quantity = Field(description="bytes")
    bandwidth: Quantity = Field(description="bytes a second, read")


class Link(Section):
    """What a device reaches other devices by."""

    name: str = Field(min_length=1, description="such as NVLink or PCIe 5 x16")
    reach: Literal["scale_up", "scale_out", "host"] = Field(description="inside a node's fast domain, between such domains, or the host")
    devices: int | None = Field(default=None, ge=2, description="devices in one domain; none: not known")
    bandwidth: Quantity | None = Field(default=None, description="bytes a second of one device, in one direction; none: not known")
    latency: Quantity | None = Field(default=None, description="seconds of an empty message; none: not known")


class Execution(Section):
    """How the device is programmed."""

    mode: Literal["eager", "ahead_of_time"] = Field(description="whether operators run as they are asked for or as a compiled program")
    batch_buckets: tuple[int, ...] = Field(default=(), description="the batch sizes that run, smaller ones padded; none: all do")
    max_context: int | None = Field(default=None, ge=1, description="longest sequence in tokens; none: as memory allows")
    deterministic: bool | None = Field(default=None, description="whether equal inputs give equal bits; none: not known")


class Description(Section):
    """One device: one package, as it is sold."""

    name: str = Field(min_length=1, description="what it is called")
    vendor: str = Field(min_length=1, description="who makes it")
    kind: Literal["cpu", "gpu", "npu", "pim"] = Field(description="what sort of device")
    memory: tuple[Memory, ...] = Field(min_length=1, description="its tiers, the fastest first; models live in the first")
    peak: dict[Precision, Quantity] = Field(description="dense FLOP/s by the type computed in; for integers operations a second")
    links: tuple[Link, ...] = Field(default=(), description="how it reaches others")
    power: Quantity | None = Field(default=None, description="watts of the package at its limit; none: not known")
    price: Quantity | None = Field(default=None, description="money an hour, with the currency in the unit (USD/h); none: not known")
    reached: dict[str, Quantity] = Field(
        default_factory=dict,
        description="what is reached of a peak, by family of operators, such as gemm.bfloat16 or stream",
    )
    execution: Execution | None = Field(default=None, description="how it is programmed; none: not known")
    note: str = Field(default="", description="what a reader must know, such as where sources differ")

    @property
    def link(self) -> Link | None:
        """The link inside of the fast domain, if there is one."""
        return next((link for link in self.links if link.reach == "scale_up"), None)


def bundled() -> dict[str, Path]:
    """The descriptions that come with seodang, by name."""
    folder = Path(str(resources.files("seodang.backends") / "descriptions"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_description(given: str) -> Description:
    """By the name of a bundled description, or by its file. InputError for neither, RecipeError for what is wrong in it."""
    known = bundled()
    path = known.get(given) or Path(given)
    if not path.is_file():
        near = difflib.get_close_matches(given, known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}; or name a file that describes one"
        raise InputError("no description of such a device", where=given, hint=hint)
    return load_section(Description, path)
