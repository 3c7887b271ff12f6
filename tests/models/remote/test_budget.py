"""The token budget: never passed while estimates hold, and what was used is counted."""

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seodang.core.errors import BudgetError
from seodang.models.remote.budget import TokenBudget

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
