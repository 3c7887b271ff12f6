"""Environments: goals work from the state they were drawn in, what is refused changes nothing, and a state is JSON that begins anew."""

import json
from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.scoring.tools.environment import ToolEnvironment
from seodang.scoring.tools.library_loans import LibraryLoans
from seodang.scoring.tools.telecom_account import PLANS, TelecomAccount

KINDS: list[type[Any]] = [TelecomAccount, LibraryLoans]
EACH = pytest.mark.parametrize("kind", KINDS)


@EACH
@given(seed=st.integers(0, 10**6))
def test_a_goals_calls_fit_their_schemas_work_and_change_the_state(kind: type[Any], seed: int) -> None:
    environment: ToolEnvironment = kind()
    draw = Random(seed)
    start = environment.draw_state(draw)
    environment.load(start)
    schemas = {row["function"]["name"]: row["function"]["parameters"] for row in environment.tools}
    goal = environment.draw_goal(draw)
    assert goal
    for call in goal:
        jsonschema.validate(call.arguments, schemas[call.name])
        assert "error" not in environment.call(call.name, call.arguments)
    assert environment.state() != start
    assert json.loads(json.dumps(environment.state())) == environment.state()
    environment.load(start)
    assert environment.state() == start == kind().draw_state(Random(seed))


@EACH
@given(
    seed=st.integers(0, 10**6),
    place=st.integers(0, 7),
    ids=st.lists(st.sampled_from(["line_1", "bill_1", "book_1", "x", "esim"]), max_size=2),
)
def test_a_refusal_changes_nothing_and_nothing_raises(kind: type[Any], seed: int, place: int, ids: list[str]) -> None:
    environment: ToolEnvironment = kind()
    environment.load(environment.draw_state(Random(seed)))
    function = environment.tools[place]["function"]
    before = environment.state()
    result = environment.call(function["name"], dict(zip(function["parameters"]["properties"], ids, strict=False)))
    if "error" in result:
        assert environment.state() == before


@EACH
def test_reading_changes_nothing_and_what_is_read_is_no_handle_on_the_state(kind: type[Any]) -> None:
    environment: ToolEnvironment = kind()
    environment.load(environment.draw_state(Random(3)))
    before = environment.state()
    for name in ("list_lines", "list_bills", "search_books", "show_account"):
        result = environment.call(name, {})
        if "error" not in result:
            result.clear()
    environment.state().clear()
    assert environment.state() == before


@EACH
def test_no_such_tool_and_other_arguments_are_answers(kind: type[Any]) -> None:
    environment: ToolEnvironment = kind()
    assert environment.call("__init__", {}) == {"error": "there is no tool __init__"}
    assert environment.call("draw_state", {"draw": 1}) == {"error": "there is no tool draw_state"}
    name = environment.tools[-1]["function"]["name"]
    assert environment.call(name, {"wrong": 1}) == {"error": f"{name} takes other arguments"}


def test_the_rules_of_a_telecom_account() -> None:
    account = TelecomAccount()
    line = {"plan": "basic", "status": "active", "sim": "usim", "roaming": False, "used_gb": 1}
    bill = {"line": "line_2", "month": "2026-01", "amount": 5000, "paid": False}
    account.load({"lines": {"line_1": line, "line_2": {**line, "status": "suspended"}}, "bills": {"bill_1": bill}})
    assert "does not include roaming" in account.call("set_roaming", {"line": "line_1", "on": True})["error"]
    assert account.call("change_plan", {"line": "line_1", "plan": "unlimited"})["price"] == PLANS["unlimited"]["price"]
    assert account.call("set_roaming", {"line": "line_1", "on": True}) == {"line": "line_1", "roaming": True}
    account.call("change_plan", {"line": "line_1", "plan": "basic"})
    assert account.state()["lines"]["line_1"]["roaming"] is False
    assert "bill_1" in account.call("resume_line", {"line": "line_2"})["error"]
    assert account.call("pay_bill", {"bill": "bill_1"})["paid"] is True
    assert "paid already" in account.call("pay_bill", {"bill": "bill_1"})["error"]
    assert account.call("resume_line", {"line": "line_2"})["status"] == "active"
    account.call("suspend_line", {"line": "line_2"})
    assert "is suspended" in account.call("set_roaming", {"line": "line_2", "on": False})["error"]
    assert account.call("replace_sim", {"line": "line_2", "kind": "usim"})["sim"] == "usim"
    assert account.state()["lines"]["line_2"]["cards_sent"] == 1


def test_the_rules_of_a_library() -> None:
    library = LibraryLoans()
    books = {f"book_{n}": {"title": "T", "on_shelf": n % 2, "others_wait": int(n == 4)} for n in range(1, 6)}
    loans = {"book_2": {"due": 97, "renewals": 1}, "book_4": {"due": 110, "renewals": 0}}
    library.load({"today": 100, "books": books, "loans": loans, "holds": [], "fine": 0})
    assert library.call("renew", {"book": "book_2"}) == {"book": "book_2", "due": 114}
    assert "cannot be renewed" in library.call("renew", {"book": "book_2"})["error"] or library.state()["loans"]["book_2"]["renewals"] == 2
    assert "cannot be renewed" in library.call("renew", {"book": "book_4"})["error"]
    assert library.call("borrow", {"book": "book_1"})["due"] == 114
    assert "three others" in library.call("borrow", {"book": "book_3"})["error"]
    library.load({"today": 100, "books": books, "loans": {"book_2": {"due": 97, "renewals": 1}}, "holds": [], "fine": 0})
    assert library.call("give_back", {"book": "book_2"}) == {"book": "book_2", "days_late": 3, "fine": 300}
    assert "fine of 300" in library.call("borrow", {"book": "book_1"})["error"]
    assert "is on the shelf" in library.call("place_hold", {"book": "book_1"})["error"]
    assert library.call("place_hold", {"book": "book_4"}) == {"holds": ["book_4"]}
    assert library.call("pay_fine", {}) == {"paid": 300}
    assert library.call("cancel_hold", {"book": "book_4"}) == {"holds": []}
