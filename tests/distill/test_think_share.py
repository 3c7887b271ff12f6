"""The records taught in think mode hold the asked share of the answer tokens, within one record."""

import pytest
from hypothesis import assume, given
from hypothesis.strategies import builds, floats, integers, lists, none, one_of

from seodang.core.errors import InputError
from seodang.distill.think_share import Length, choose_thought


def share_of(lengths: list[Length], chosen: frozenset[str]) -> float:
    counts = [(length.thought if length.record in chosen else length.plain, length.record in chosen) for length in lengths]
    return sum(count or 0 for count, thought in counts if thought) / sum(count or 0 for count, _ in counts)


def numbered(rows: list[tuple[int, int | None]]) -> list[Length]:
    return [Length(f"r{place}", plain, None if more is None else plain + more) for place, (plain, more) in enumerate(rows)]


ROWS = lists(builds(lambda plain, more: (plain, more), integers(1, 60), one_of(none(), integers(1, 600))), min_size=1, max_size=30)


@given(ROWS, floats(0.01, 1))
def test_the_share_is_met_within_one_record_or_refused(rows: list[tuple[int, int | None]], share: float) -> None:
    lengths = numbered(rows)
    able = frozenset(length.record for length in lengths if length.thought is not None)
    if not able or share_of(lengths, able) < share:
        with pytest.raises(InputError, match="cannot be reached"):
            choose_thought(lengths, share)
        return
    chosen = choose_thought(lengths, share)
    assert chosen <= able
    found = share_of(lengths, chosen) if chosen else 0.0
    steps = [share_of(lengths, chosen | {record}) for record in able - chosen]
    backs = [share_of(lengths, chosen - {record}) if len(chosen) > 1 else 0.0 for record in chosen]
    # No closer than a record: one more would be above the share, or the last one taken was needed.
    assert found >= share or any(step >= share for step in steps)
    assert found <= share or any(back <= share for back in backs)


@given(ROWS, floats(0, 1), floats(0, 1))
def test_a_larger_share_holds_the_records_of_a_smaller_one(rows: list[tuple[int, int | None]], a: float, b: float) -> None:
    lengths = numbered(rows)
    able = frozenset(length.record for length in lengths if length.thought is not None)
    assume(able and max(a, b) <= share_of(lengths, able))
    assert choose_thought(lengths, min(a, b)) <= choose_thought(lengths, max(a, b))


def test_measured_by_length_and_not_by_number() -> None:
    """Of ten records one thinks for as long as the nine others answer: it alone is half of the tokens."""
    lengths = [Length("long", 10, 90), *(Length(f"short{n}", 10, None) for n in range(9))]
    assert share_of(lengths, choose_thought(lengths, 0.5)) == 0.5
    assert choose_thought(lengths, 0.0) == frozenset()


def test_the_order_of_the_records_makes_no_difference() -> None:
    lengths = numbered([(10, 5 * n) for n in range(1, 20)])
    assert choose_thought(lengths, 0.4) == choose_thought(lengths[::-1], 0.4)


def test_a_share_that_cannot_be_reached_says_how_much_can() -> None:
    lengths = [Length("a", 10, 30), Length("b", 70, None)]
    with pytest.raises(InputError, match=r"1 of 2 accepted records have a reasoning .* 0\.300 of the answer tokens") as caught:
        choose_thought(lengths, 0.6)
    assert caught.value.hint is not None
    assert "set it to 0.3 or less" in caught.value.hint
    with pytest.raises(InputError, match=r"0 of 1 accepted records"):
        choose_thought([Length("b", 70, None)], 0.1)
