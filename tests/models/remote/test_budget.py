"""The token budget: never passed while estimates hold, and what was used is counted."""

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seodang.core.errors import BudgetError
from seodang.models.remote.budget import Price, TokenBudget

NEVER = threading.Event()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    limit=st.integers(1, 2000),
    requests=st.lists(st.tuples(st.integers(1, 200), st.integers(1, 100), st.floats(0, 1)), max_size=30),
)
def test_exact_requests_never_pass_the_limit(limit: int, requests: list[tuple[int, int, float]]) -> None:
    """Prompts given in tokens need no estimate, so the limit is a promise, and a request that is let through fits."""
    budget = TokenBudget(limit, "host")
    for prompt, new, share in requests:
        fits = budget.used.num_tokens + prompt + new <= limit
        try:
            asked = budget.reserve(prompt, new, NEVER)
        except BudgetError:
            assert not fits
            break
        assert fits
        budget.settle(asked, (prompt, round(new * share)))
    assert budget.used.num_tokens <= limit


def test_a_request_waits_for_those_under_way() -> None:
    """The second does not fit beside the first's reservation, and does once the first used less."""
    budget = TokenBudget(100, "host")
    first = budget.reserve(10, 50, NEVER)
    fits = threading.Event()
    second = threading.Thread(target=lambda: (budget.reserve(10, 50, NEVER), fits.set()), daemon=True)
    second.start()
    assert not fits.wait(0.05)
    budget.settle(first, (10, 5))
    assert fits.wait(5)
    second.join(5)


def test_the_error_says_what_is_used_and_what_to_do() -> None:
    budget = TokenBudget(1000, "host:80")
    budget.settle(budget.reserve(500, 400, NEVER), (500, 400))
    with pytest.raises(BudgetError) as caught:
        budget.reserve(50, 100, NEVER)
    text = caught.value.render()
    assert all(part in text for part in ["host:80", "1,000", "900", "150", "teacher.token_budget"])


def test_a_text_is_taken_for_a_token_a_byte_until_the_server_counts() -> None:
    budget = TokenBudget(None, "host")
    text = "한글 " * 50
    first = budget.reserve(text, 10, NEVER)
    assert first.num_prompt_tokens >= len(text.encode())
    budget.settle(first, (100, 10))
    second = budget.reserve(text, 10, NEVER)
    assert 100 <= second.num_prompt_tokens <= 111


def test_what_the_server_does_not_count_is_taken_for_the_most() -> None:
    budget = TokenBudget(None, "host")
    budget.settle(budget.reserve(30, 70, NEVER), None)
    assert (budget.used.num_tokens, budget.used.num_unreported) == (100, 1)


def test_a_refused_request_costs_nothing() -> None:
    budget = TokenBudget(None, "host")
    budget.settle(budget.reserve(30, 70, NEVER), (0, 0), answered=False)
    assert (budget.used.num_tokens, budget.used.num_answers) == (0, 0)


PRICE = Price(per_million_prompt_tokens=1000.0, per_million_new_tokens=4000.0)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    limit=st.floats(0.01, 4.0),
    requests=st.lists(st.tuples(st.integers(1, 200), st.integers(1, 100), st.floats(0, 1)), max_size=30),
)
def test_exact_requests_never_cost_more_than_the_money_budget(limit: float, requests: list[tuple[int, int, float]]) -> None:
    budget, paid = TokenBudget(None, "host", PRICE, limit), 0.0
    for prompt, new, share in requests:
        most = (prompt + 4 * new) / 1000
        try:
            asked = budget.reserve(prompt, new, NEVER)
        except BudgetError:
            assert paid + most > limit - 1e-9
            break
        assert paid + most <= limit + 1e-9
        budget.settle(asked, (prompt, round(new * share)))
        paid += (prompt + 4 * round(new * share)) / 1000
    assert budget.spent == pytest.approx(paid)


def test_money_that_requests_under_way_may_cost_is_held_back() -> None:
    budget = TokenBudget(None, "host", PRICE, 0.5)
    first = budget.reserve(100, 50, NEVER)
    stop = threading.Event()
    stop.set()
    with pytest.raises(BudgetError):
        budget.reserve(100, 50, stop)
    budget.settle(first, (100, 5))
    assert budget.reserve(100, 50, stop)


def test_what_earlier_runs_paid_counts_and_more_money_carries_on(tmp_path: Path) -> None:
    """A run that stops at its ceiling stops there again when it is repeated, and goes on once the ceiling is raised."""
    bill = tmp_path / "kept" / "bill.json"
    first = TokenBudget(None, "host:80", PRICE, 1.0)
    first.settle(first.reserve(100, 50, NEVER), (100, 50))
    first.carry_on(bill)
    first.settle(first.reserve(300, 50, NEVER), (300, 50))
    assert first.spent == pytest.approx(0.8)
    again = TokenBudget(None, "host:80", PRICE, 1.0)
    again.carry_on(bill)
    with pytest.raises(BudgetError) as caught:
        again.reserve(300, 50, NEVER)
    text = caught.value.render()
    assert all(part in text for part in ["host:80", "money budget of 1 ", "0.8 is paid", "earlier runs", "0.5", "teacher.money_budget"])
    more = TokenBudget(None, "host:80", PRICE, 2.0)
    more.carry_on(bill)
    more.settle(more.reserve(300, 50, NEVER), (300, 50))
    assert more.spent == pytest.approx(1.3)


def test_without_a_price_nothing_is_billed(tmp_path: Path) -> None:
    budget = TokenBudget(None, "host", None, 1.0)
    budget.carry_on(tmp_path / "bill.json")
    budget.settle(budget.reserve(10**9, 10**9, NEVER), None)
    assert budget.spent is None
    assert not list(tmp_path.iterdir())
