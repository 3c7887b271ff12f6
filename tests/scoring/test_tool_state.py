"""Ways are compared by where they lead, and by what had to be read on them."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.core.errors import InputError
from seodang.scoring.tool_call import ToolCall
from seodang.scoring.tool_state import SHIPPED, Environment, compare, differing, open_environment, play, same

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0]) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=3),
    max_leaves=6,
)


class Counter:
    """A number that calls add to; `read` gives it, `log` gives how often anything was asked and changes nothing that is shown."""

    def load(self, state: Any) -> None:
        self.box = state

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        if name == "add":
            self.box["n"] += arguments["by"]
            return {}
        return {"n": self.box["n"]} if name == "read" else {"error": name}

    def state(self) -> Any:
        return self.box


def add(by: int) -> ToolCall:
    return ToolCall("add", {"by": by})


READ = ToolCall("read")
START = {"n": 0}


def differ(found: list[list[ToolCall]], needed: list[list[ToolCall]]) -> str:
    difference = compare(play(Counter(), START, found), play(Counter(), START, needed))
    return difference.what if difference else ""


@given(st.lists(st.integers(-3, 3), max_size=6), st.randoms())
def test_any_order_to_the_same_state_is_right(steps: list[int], order: Any) -> None:
    mixed = list(steps)
    order.shuffle(mixed)
    assert differ([[add(n) for n in mixed]], [[add(n) for n in steps]]) == ""
    assert START == {"n": 0}


def test_the_state_and_what_was_read_decide() -> None:
    assert differ([[add(2)]], [[add(1), add(1)]]) == ""
    assert differ([[add(1)]], [[add(2)]]) == "another state"
    assert differ([[add(2), add(-2), READ]], [[READ]]) == ""
    assert differ([[]], [[READ]]) == "not read"
    assert differ([[add(1), READ, add(-1)]], [[READ]]) == "not read"  # it read another number
    assert differ([[READ], []], [[], [READ]]) == ""  # read earlier
    assert differ([[], [READ]], [[READ], []]) == "not read"  # too late
    assert differ([[], [add(1)]], [[add(1)], []]) == "another state"
    assert differ([[READ]], [[READ], []]) == "number of turns"
    assert differ([[ToolCall("other")]], [[READ]]) == "not read"


@given(JSON, JSON)
def test_sameness_is_symmetric_and_of_json(value: Any, other: Any) -> None:
    assert same(value, value)
    assert same(value, other) == same(other, value)


@pytest.mark.parametrize(
    ("value", "other", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([1, 2], [2, 1], False),
        ({"a": None}, {}, False),
        ("1", 1, False),
        ([], {}, False),
        (None, False, False),
    ],
)
def test_what_is_the_same(value: Any, other: Any, equal: bool) -> None:
    assert same(value, other) is equal


def test_a_difference_is_named_by_its_place() -> None:
    assert differing({"a": [{"b": 1}]}, {"a": [{"b": 2}]}) == {"path": "$.a[0].b", "found": 1, "needed": 2}


def test_only_allowed_environments_are_loaded() -> None:
    for name in SHIPPED:
        assert isinstance(open_environment(name), Environment)
    for name in ("subprocess:Popen", "seodang.cli.main:main", "seodang.nowhere:Class"):
        with pytest.raises(InputError, match="not among those"):
            open_environment(name)
    with pytest.raises(InputError, match="cannot open"):
        open_environment("subprocess:Popen", ["subprocess:Popen"])
    with pytest.raises(InputError, match="no environment"):
        open_environment("collections:Counter", ["collections:Counter"])
    with pytest.raises(InputError, match="cannot open"):
        open_environment("seodang.nowhere:Class", ["seodang.nowhere:Class"])


def test_an_environment_that_gives_no_json_is_told() -> None:
    class Odd(Counter):
        def state(self) -> Any:
            return {1, 2}

    with pytest.raises(InputError, match="JSON cannot hold"):
        play(Odd(), START, [[]])
