"""Continuous batching as a steady state."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.testbed.predict.serving import most_per_rank, prompts_a_second, prompts_in_a_step, steady_state


def decode(batch: float, context: float) -> float:
    return 0.005 + 1e-4 * batch + 1e-8 * batch * context


def prefill(fullest: float, tokens: float, mean: float) -> float:
    return 0.01 + 1e-5 * (fullest + mean) * tokens


@given(st.floats(1, 200), st.floats(1.1, 3), st.floats(64, 8192), st.floats(64, 8192))
def test_more_clients_and_longer_prompts_are_slower(clients: float, more: float, tokens_in: float, tokens_out: float) -> None:
    base = steady_state(clients, tokens_in, tokens_out, decode, prefill)
    assert steady_state(clients * more, tokens_in, tokens_out, decode, prefill).tpot_s >= base.tpot_s
    assert steady_state(clients, tokens_in * more, tokens_out, decode, prefill).tpot_s >= base.tpot_s
    assert base.ttft_s >= base.unloaded_ttft_s == prefill(1, tokens_in, 1)


def test_one_client_waits_for_nobody() -> None:
    alone = steady_state(1, 1000, 500, decode, prefill)
    assert alone.tpot_s == pytest.approx(decode(1, 1250))
    assert alone.ttft_s == prefill(1, 1000, 1)


@given(st.floats(1, 100), st.floats(100, 4000), st.floats(100, 4000))
def test_times_add_up_to_the_request_and_to_the_batch(clients: float, tokens_in: float, tokens_out: float) -> None:
    """Little 1961: the mean number in decoding is the rate of requests times the time in it."""
    found = steady_state(clients, tokens_in, tokens_out, decode, prefill)
    assert found.request_s == pytest.approx(found.ttft_s + tokens_out * found.tpot_s)
    assert found.running == pytest.approx(max(1.0, clients / found.request_s * tokens_out * found.tpot_s), rel=0.02)


def test_each_other_client_stops_decoding_once_for_its_prompt() -> None:
    """With decoding of no cost, what is left of the time per token are the prompts of others."""
    found = steady_state(33, 1000, 1e6, lambda batch, context: 1e-3, prefill)
    assert found.tpot_s - 1e-3 == pytest.approx(32 * prefill(1, 1000, 1) / 1e6, rel=1e-2)


def test_prompts_that_arrive_within_one_step_are_read_together() -> None:
    one_by_one = steady_state(400, 100, 100, lambda batch, context: 0.1, lambda fullest, tokens, mean: 0.02 * fullest)
    together = steady_state(400, 100, 100, lambda batch, context: 0.1, lambda fullest, tokens, mean: 0.02)
    assert together.tpot_s < one_by_one.tpot_s


def test_the_fullest_load_within_a_limit() -> None:
    found = most_per_rank(0.02, 1000, lambda clients: decode(clients, 0))
    assert found == pytest.approx(150, rel=0.02)
    assert most_per_rank(0.001, 1000, lambda clients: decode(clients, 0)) == 0
    assert most_per_rank(9.0, 1000, lambda clients: decode(clients, 0)) == 1000


@given(st.floats(0.01, 2), st.floats(0.1, 20))
def test_prompts_wait_longer_than_allowed_as_seldom_as_asked(each: float, wait: float) -> None:
    rate = prompts_a_second(each, wait)
    load = rate * each
    assert 0 < load < 1
    assert load * math.exp(-2 * (1 - load) * wait / each) == pytest.approx(0.01, rel=1e-3)
    assert prompts_a_second(each, 0) == 0
    assert prompts_a_second(each, 2 * wait) > rate


@given(st.floats(0.001, 3), st.sampled_from([1, 2, 8, 32]))
def test_prompts_of_a_step_add_up(each: float, ranks: int) -> None:
    share, fullest, mean = prompts_in_a_step(each, ranks)
    assert share * mean == pytest.approx(each)
    assert 0 < share <= 1 <= fullest
    assert mean <= fullest * (1 + 1e-9)


@pytest.mark.parametrize(("each", "ranks"), [(0.05, 8), (0.5, 8), (2.0, 32)])
def test_the_fullest_rank_is_that_of_drawn_prompts(each: float, ranks: int) -> None:
    drawn = np.random.default_rng(0).poisson(each, (200_000, ranks)).max(axis=1)
    share, fullest, _ = prompts_in_a_step(each, ranks)
    assert share == pytest.approx((drawn > 0).mean(), rel=0.01)
    assert fullest == pytest.approx(drawn[drawn > 0].mean(), rel=0.01)


def test_ranks_that_share_experts_wait_for_the_prompts_of_all() -> None:
    one, eight = (steady_state(8, 1000, 1000, decode, prefill, ranks=ranks).tpot_s for ranks in (1, 8))
    assert eight > one
