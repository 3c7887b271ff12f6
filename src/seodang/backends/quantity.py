"""A number of a device with its unit, its kind and where it comes from. Nothing claimed can pass for measured."""

import datetime
import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from seodang.core.sections import Section

Kind = Literal["claimed", "measured", "derived"]


class Quantity(Section):
    """One number. `kind` is "claimed" by its maker or another text, "measured" by a run, or "derived" from other numbers."""

    value: float = Field(description="the number, finite, in `unit`")
    unit: str = Field(min_length=1, description="SI unit without prefix: B, B/s, FLOP/s, s, W, J, 1 (a share or a count)")
    kind: Kind = Field(description="claimed, measured or derived")
    source: str = Field(min_length=1, description="an address, a file or a command; for derived numbers what they follow from")
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="the day on which the source was read or the run was made")

    @field_validator("date", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return value.isoformat() if isinstance(value, datetime.date) else value  # YAML reads a day as a date

    @field_validator("value")
    @classmethod
    def _finite(cls, value: float) -> float:
        if not math.isfinite(value):
            raise ValueError("not a finite number")
        return value

    def row(self) -> dict[str, Any]:
        """For JSON."""
        return self.model_dump()


def weakest(kinds: Mapping[str, Kind] | list[Kind]) -> Kind:
    """What may be said of a result of several numbers: measured only where all are; claimed where one is."""
    found = set(kinds.values() if isinstance(kinds, Mapping) else kinds)
    return "claimed" if "claimed" in found else "derived" if "derived" in found else "measured"
