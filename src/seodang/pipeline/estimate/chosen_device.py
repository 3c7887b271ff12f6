"""Which device an estimate is for: a described one, this machine as it was measured, or the reference machine in its place."""

import datetime
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from seodang.backends.description import Description
from seodang.backends.quantity import Quantity
from seodang.core.files import write_atomically
from seodang.core.hashing import digest
from seodang.core.sections import load_section
from seodang.pipeline.collect import machine
from seodang.pipeline.estimate.device import REFERENCE, Device, as_device, load_device
from seodang.pipeline.estimate.model_size import ModelSize

MEASUREMENTS = "devices"  # in the store: one file for a machine and a model
_FORMAT = 2  # of a stored measurement; one of another format is not looked at
_ELSEWHERE = 3.0  # the error factor of rates that were measured on another machine


@dataclass(frozen=True, slots=True)
class ChosenDevice:
    """A device with where its numbers come from: "described", "measured" or "reference", and that in words."""

    device: Device
    origin: str
    note: str


def choose_device(given: str | None, store: Path, size: ModelSize) -> ChosenDevice:
    """The device that is named; without a name the stored measurement of this machine with this model, or else the reference machine."""
    if given is not None:
        device = load_device(given)
        name = device.description.name
        return ChosenDevice(device, "described", f"rates of {name}, as described; a run itself uses this machine's processor")
    path = measurement_path(store, size)
    if path.is_file():
        device = as_device(load_section(Description, path), str(path))
        doubt = "" if device.runs.error_factor.value < _ELSEWHERE else f"; {device.runs.error_factor.source}"
        return ChosenDevice(device, "measured", f"rates measured on this machine with this model{doubt}")
    device = load_device(REFERENCE)
    here = machine()
    if (here["cpu"], here["cores"]) == (device.description.processor, device.description.cores):
        return ChosenDevice(
            device, "reference", f"rates of {device.description.name}, a machine like this one; `--measure` measures it with this model"
        )
    today = datetime.date.today().isoformat()
    unlike = Quantity(value=_ELSEWHERE, unit="1", kind="derived", source="the rates were measured on another machine", date=today)
    note = f"rates of another machine ({device.description.name}), not of this one; `--measure` measures it"
    elsewhere = Device(device.description, device.runs.model_copy(update={"error_factor": unlike}))
    return ChosenDevice(elsewhere, "reference", note)


def measurement_path(store: Path, size: ModelSize) -> Path:
    """Where a measurement of this machine with a model of this size is kept."""
    here = machine()
    model = {key: value for key, value in asdict(size).items() if key not in ("name", "source")}
    return store / MEASUREMENTS / f"{digest([_FORMAT, here['cpu'], here['cores'], model])[:16]}.yaml"


def keep_measurement(device: Description, store: Path, size: ModelSize) -> Path:
    """Stores a measurement, from which estimates for this machine and model are made from then on."""
    path = measurement_path(store, size)
    write_atomically(path, yaml.safe_dump(device.model_dump(exclude_none=True), sort_keys=False))
    return path
