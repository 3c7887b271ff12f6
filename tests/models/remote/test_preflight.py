"""Preflight: what four kinds of endpoint can do and refuse, in their own words."""

import socket

import pytest

from endpoints.axk1 import Axk1, Behaviour
from endpoints.fast_time import FastTime
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.remote.opening import run_preflight


def test_a_vllm_server_with_a_x_k1_offers_all_but_fifty(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    found = run_preflight(section, fast.clock)
    assert (found.reachable, found.model_listed, found.chat, found.token_id_prompts, found.tokenizer) == (True,) * 5
    assert (found.thinking_switch, found.reasoning_apart) == ("works", True)
    assert (found.scoring, found.max_top_logprobs, found.refused_top_logprobs) == ("echo", 20, 50)
    assert found.scoring_noise == pytest.approx(0.0, abs=1e-9)
    assert [refusal.what for refusal in found.refusals] == ["50 log-probabilities a token"]
    assert "Requested logprobs of 50, which is greater than max allowed: 20" in found.refusals[0].words
    assert found.served == {"owned_by": "vllm", "root": "/models/axk1"}
    assert found.synthetic
    assert found.constraints == {"json_schema": "response_format", "pattern": "structured_outputs"}
    assert len(axk1.requests) < 17


def test_a_hosted_endpoint_offers_chat_alone(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour = Behaviour(offers={"models", "reasoning", "usage"}, strict=True)
    found = run_preflight(section, fast.clock)
    assert (found.chat, found.token_id_prompts, found.scoring, found.max_top_logprobs, found.tokenizer) == (True, False, None, 0, False)
    assert found.thinking_switch == "refused"
    assert "Unrecognized request argument supplied: chat_template_kwargs" in found.render()
    assert "Not Found" in found.refusal_of("token ids as a prompt of /v1/completions")


def test_alternatives_without_ids_are_told_apart(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour = Behaviour(names_ids=False, offers={"models", "completions", "echo", "usage"})
    found = run_preflight(section, fast.clock)
    assert (found.scoring, found.names_alternatives, found.max_top_logprobs) == ("echo_text", False, 20)
    assert "tokens come without ids" in found.refusal_of("echo + logprobs, tokens named by id")


def test_vllms_own_parameter_is_found_where_echo_is_refused(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.offers -= {"echo"}
    found = run_preflight(section, fast.clock)
    assert (found.scoring, found.max_top_logprobs) == ("prompt_logprobs", 20)
    assert found.refusal_of("echo + logprobs, tokens named by id") == "echo is not supported"


def test_log_probabilities_that_are_dropped_in_silence_are_missed(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.drops_logprobs_after = 0
    found = run_preflight(section, fast.clock)
    assert (found.scoring, found.max_top_logprobs) == (None, 0)
    assert "none came" in found.render()


def test_scores_that_are_off_by_one_place_are_refused(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.shifts_logprobs = True
    axk1.behaviour.offers -= {"prompt_logprobs"}
    found = run_preflight(section, fast.clock)
    assert found.scoring != "echo"
    assert "between decoding and scoring" in found.refusal_of("echo + logprobs, tokens named by id")


def test_fewer_alternatives_than_asked_for_are_noticed(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour = Behaviour(max_logprobs=100, most_returned=10)
    found = run_preflight(section, fast.clock)
    assert (found.max_top_logprobs, found.refused_top_logprobs) == (5, 20)
    assert "returns 10" in found.refusal_of("20 log-probabilities a token")


def test_a_switch_without_effect_is_not_called_working(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    """A server that knows nothing of thinking takes the parameter all the same."""
    axk1.behaviour.offers -= {"reasoning", "usage"}
    assert run_preflight(section, fast.clock).thinking_switch in ("works", "no effect seen")


def test_an_absent_server_is_told_without_an_exception(fast: FastTime) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = run_preflight(OpenAIHTTPTeacher(url=f"http://127.0.0.1:{taken.getsockname()[1]}", model="m"), fast.clock)
    assert not found.reachable
    assert "connection refused" in found.render()
    assert sum(fast.waits) <= 1.0


def test_a_wrong_key_is_told(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.api_key = "right"
    found = run_preflight(section, fast.clock)
    assert (found.reachable, found.chat) == (True, False)
    assert "Unauthorized" in found.render()


def test_a_model_that_is_not_listed_is_told_with_those_that_are(section: OpenAIHTTPTeacher, axk1: Axk1, fast: FastTime) -> None:
    found = run_preflight(section.model_copy(update={"model": "skt/A.X-K2"}), fast.clock)
    assert (found.model_listed, found.chat) == (False, False)
    assert "`skt/A.X-K1`" in found.render()


def test_an_endpoint_need_not_list_models(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.offers -= {"models"}
    found = run_preflight(section, fast.clock)
    assert (found.model_listed, found.chat) == (None, True)
