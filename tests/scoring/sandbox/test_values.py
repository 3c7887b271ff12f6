"""What crosses between processes: builtin values, exactly, and nothing else."""

import json
from collections import Counter, OrderedDict, defaultdict
from contextlib import suppress
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.scoring.sandbox.values import MAX_DEPTH, NoPlainForm, from_text, same, to_text

hashable: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)  # NaN differs from itself, so that sets of it cannot be compared
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.complex_numbers(allow_nan=False)
    | st.fractions(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=3,
)
values: Any = st.recursive(
    hashable | st.binary().map(bytearray) | st.decimals(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(hashable, inner, max_size=4) | st.sets(hashable, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=40)
@given(values)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    text = to_text(value)
    assert text.isascii()
    back = from_text(text)
    assert type(back) is type(value)
    assert same(back, value)


@pytest.mark.parametrize("value", ["\ud800", 2**53, -(2**200), float("inf"), -0.0, range(5, 1, -2), 10**4000, True, b"\x00\xff"])
def test_values_at_the_borders_come_back(value: Any) -> None:
    assert same(from_text(to_text(value)), value)


class Answer(int):
    """An integer that is equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __pos__(self) -> int:
        return 8


class Pair(NamedTuple):
    left: int
    right: int


class Colour(IntEnum):
    RED = 3


def test_a_subclass_becomes_its_builtin_value() -> None:
    for value, builtin in (
        (Answer(7), 7), (Colour.RED, 3), (Counter("aab"), {"a": 2, "b": 1}), (OrderedDict(x=1), {"x": 1}),
        (defaultdict(int, {1: 2}), {1: 2}), (Pair(1, 2), (1, 2)),
    ):  # fmt: skip
        assert same(from_text(to_text(value)), builtin)
    assert not same(from_text(to_text(Answer(7))), 8)


def test_an_iterator_comes_back_as_one_and_an_endless_one_is_refused() -> None:
    import itertools

    back = from_text(to_text(letter for letter in "abc"))
    assert iter(back) is back
    assert list(back) == ["a", "b", "c"]
    assert sorted(from_text(to_text({"b": 1, "a": 2}.keys()))) == ["a", "b"]
    with pytest.raises(NoPlainForm):
        to_text(itertools.repeat(None))


def test_what_has_no_plain_form_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(MAX_DEPTH + 2):
        deep = [deep]
    cycle: list[Any] = []
    cycle.append(cycle)
    for value in (object(), len, int, deep, cycle, {"key": object()}, MAX_DEPTH.__add__):
        with pytest.raises(NoPlainForm):
            to_text(value)


@pytest.mark.parametrize(
    "text",
    [
        "", "[", "{}", '{"a": 1}', "[]", '["list"]', '["list", 1]', '["eval", "1"]', '["set", [["list", []]]]', '["dict", [1]]',
        '["int", "z"]', '["int", 4]', '["range", ["0x0", "0x1", "0x0"]]', '["Fraction", ["0x1", "0x0"]]', '["Decimal", "x"]',
        '["bytes", "zz"]', '["complex", []]', "[" * 100_000, '["list",[' * 150 + "]]" * 150, "1" * 5000, b"\xff\xfe",
    ],
)  # fmt: skip
def test_a_malformed_message_is_a_value_error_and_nothing_else(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        from_text(text)


@settings(max_examples=40)
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=6), lambda inner: st.lists(inner, max_size=3), max_leaves=8)
)
def test_any_json_gives_a_value_or_a_value_error(plain: Any) -> None:
    with suppress(ValueError):
        from_text(json.dumps(plain))


def test_same_looks_at_types_all_the_way_down() -> None:
    for one, other in ((1, 1.0), (1, True), ([1], (1,)), ({1: 2}, {True: 2}), ({1}, {True}), ((1, [0]), (1, [False])), ("1", 1), (b"", ""),
                       ({1}, frozenset({1})), ([1, 2], [1]), ({1: 2}, {1: 2, 3: 4}), (Decimal(1), Fraction(1))):  # fmt: skip
        assert not same(one, other)
        assert not same(other, one)
        assert same(one, one)
    assert same(float("nan"), float("nan"))
    assert same({1: [1.0]}, {1: [1.0]})


def test_a_tolerance_is_relative_above_one_and_absolute_below() -> None:
    assert same([1000.0], [1000.5], 1e-3)
    assert not same([1000.0], [1002.0], 1e-3)
    assert same(0.0, 1e-4, 1e-3)
    assert not same(1, 1.0, 1.0)
    assert not same(0.1 + 0.2, 0.3)
