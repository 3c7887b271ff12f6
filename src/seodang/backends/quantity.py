"""A number of a device with its unit, its kind and where it comes from. Nothing claimed can pass for measured."""

import datetime
import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import AfterValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from seodang.core.sections import Section

Kind = Literal["claimed", "measured", "derived"]


class Quantity(Section):
    """One number. `kind` is "claimed" by its maker or another text, "measured" by a run, or "derived" from other numbers."""

    value: float = Field(description="the number, finite, in `unit`")
    unit: str = Field(min_length=1, description="SI unit without prefix: B, B/s, FLOP/s, OP/s, s, W, J, 1 (a share or a count)")
    kind: Kind = Field(description="claimed, measured or derived")
    source: str = Field(min_length=1, description="an address, a file or a command; for derived numbers what they follow from")
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="the day on which the source was read or the run was made")

    @field_validator("date", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return value.isoformat() if isinstance(value, datetime.date) else value  # YAML reads a day as a date

    @field_validator("date")
    @classmethod
    def _a_day(cls, value: str) -> str:
        try:
            datetime.date.fromisoformat(value)
        except ValueError as error:
            raise PydanticCustomError("day", "no such day", {"hint": "a day is written as 2026-11-25"}) from error
        return value

    @field_validator("value")
    @classmethod
    def _finite(cls, value: float) -> float:
        if not math.isfinite(value):
            raise ValueError("not a finite number")
        return value

    def row(self) -> dict[str, Any]:
        """For JSON."""
        return self.model_dump()


def check_unit(quantity: Quantity, *units: str) -> Quantity:
    """The same quantity. An error that a description's reader is told where it is in none of these units, or not above 0."""
    if quantity.unit not in units:
        wanted = " or ".join(f"`{unit}`" for unit in units)
        hint = f"write the number in {wanted}, without a prefix: 80 GB are 8.0e+10 B"
        raise PydanticCustomError(
            "unit", "the unit is `{unit}`, it must be {wanted}", {"unit": quantity.unit, "wanted": wanted, "hint": hint}
        )
    if quantity.value <= 0:
        raise PydanticCustomError("positive", "must be above 0", {"hint": "leave the key out where the number is not known"})
    return quantity


def in_unit(*units: str) -> AfterValidator:
    """For the type of a field: `Annotated[Quantity, in_unit("B/s")]`."""

    def check(quantity: Quantity) -> Quantity:
        return check_unit(quantity, *units)

    return AfterValidator(check)


def weakest(kinds: Mapping[str, Kind] | list[Kind]) -> Kind:
    """What may be said of a result of several numbers: measured only where all are; claimed where one is."""
    found = set(kinds.values() if isinstance(kinds, Mapping) else kinds)
    return "claimed" if "claimed" in found else "derived" if "derived" in found else "measured"
