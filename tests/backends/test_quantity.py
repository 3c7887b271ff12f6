"""A number without unit, kind, source or day is refused, and nothing claimed passes for measured."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from
from pydantic import ValidationError

from seodang.backends.quantity import Kind, Quantity, check_unit, weakest

GOOD: dict[str, Any] = {"value": 1.5, "unit": "B/s", "kind": "measured", "source": "a run", "date": "2026-11-25"}
KINDS: list[Kind] = ["claimed", "measured", "derived"]


@pytest.mark.parametrize("lacking", sorted(GOOD))
def test_each_part_is_needed(lacking: str) -> None:
    with pytest.raises(ValidationError, match=lacking):
        Quantity.model_validate({key: value for key, value in GOOD.items() if key != lacking})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("value", float("nan")),
        ("value", float("inf")),
        ("kind", "estimated"),
        ("source", ""),
        ("date", "25 Nov 2026"),
        ("date", "2026-02-30"),
    ],
)
def test_what_is_no_number_kind_source_or_day_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Quantity.model_validate(GOOD | {key: value})


def test_a_row_reads_back_as_the_same_quantity() -> None:
    quantity = Quantity.model_validate(GOOD)
    assert Quantity.model_validate(quantity.row()) == quantity


def test_another_unit_and_a_number_that_is_not_above_zero_are_refused() -> None:
    quantity = Quantity.model_validate(GOOD)
    assert check_unit(quantity, "B", "B/s") is quantity
    with pytest.raises(ValueError, match=r"`B/s`, it must be `B`"):
        check_unit(quantity, "B")
    with pytest.raises(ValueError, match="above 0"):
        check_unit(quantity.model_copy(update={"value": 0.0}), "B/s")


@given(lists(sampled_from(KINDS), min_size=1))
def test_a_result_is_measured_only_where_all_of_its_numbers_are(kinds: list[Kind]) -> None:
    found = weakest(kinds)
    assert (found == "measured") == (set(kinds) == {"measured"})
    assert (found == "claimed") == ("claimed" in kinds)
    assert weakest(kinds[::-1]) == found
