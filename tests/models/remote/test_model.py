"""A remote endpoint as a chat model: answers, budget, half-dead servers, think modes, scores."""

from pathlib import Path
from typing import Any

import pytest

from endpoints.axk1 import Axk1, Behaviour
from endpoints.byte_tokenizer import ByteTokenizer, next_logprobs
from endpoints.fast_time import FastTime
from seodang.core.errors import BudgetError, EndpointError, ModelError
from seodang.models.chat_model import ChatModel, Completes, Completion, Message, Sampling, Scores, require
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.remote.failures import EndpointRefusalError
from seodang.models.remote.model import RemoteModel, RemoteScoringModel
from seodang.models.remote.opening import open_remote
from seodang.models.think import ThinkMode

CHAT = "/v1/chat/completions"
WARM = Sampling(max_new_tokens=64, temperature=1.0, seed=5)
GREEDY = Sampling(max_new_tokens=64)


def questions(count: int) -> list[list[Message]]:
    return [[Message("user", f"question {number}")] for number in range(count)]


def opened(section: OpenAIHTTPTeacher, fast: FastTime, **changes: Any) -> RemoteModel:
    return open_remote(section.model_copy(update=changes), clock=fast.clock)


def scoring(section: OpenAIHTTPTeacher, fast: FastTime, **changes: Any) -> RemoteScoringModel:
    model = open_remote(section.model_copy(update=changes), ByteTokenizer(), clock=fast.clock)
    assert isinstance(model, RemoteScoringModel)
    return model


def test_answers_come_in_order_with_a_seed_for_each_sample(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.delay_s = 0.002
    with opened(section, fast, max_concurrency=8) as model:
        answers = model.chat(questions(12), WARM, num_samples=3)
    assert [[one.text for one in row] for row in answers] == [
        [f"answer to: question {number} (seed {seed})" for seed in (5, 6, 7)] for number in range(12)
    ]
    assert axk1.most_at_once > 1
    assert {one.finish_reason for row in answers for one in row} == {"stop"}
    assert all(one.num_prompt_tokens > 0 and one.num_new_tokens > 0 for row in answers for one in row)


def test_greedy_samples_are_asked_for_once(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with opened(section, fast) as model:
        axk1.requests.clear()
        answers = model.chat(questions(2), GREEDY, num_samples=3)
    assert [len(row) for row in answers] == [3, 3]
    assert len(axk1.asked(CHAT)) == 2


def test_sampling_is_always_said_in_full(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    """A server has defaults of its own for what is left out."""
    with opened(section, fast) as model:
        model.chat(questions(1), Sampling(max_new_tokens=9, temperature=0.5, top_p=0.9, seed=3, stop=("\n",)))
    body = axk1.asked(CHAT)[-1]
    assert {name: body[name] for name in ("max_tokens", "temperature", "top_p", "seed", "stop")} == {
        "max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "seed": 3, "stop": ["\n"],
    }  # fmt: skip


def test_a_cut_answer_says_so(section: OpenAIHTTPTeacher, axk1: Axk1, fast: FastTime) -> None:
    with opened(section, fast) as model:
        answer = model.chat(questions(1), Sampling(max_new_tokens=6))[0][0]
    assert (answer.text, answer.finish_reason, answer.num_new_tokens) == ("answer", "length", 6)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize(("thinking", "reasoning"), [(ThinkMode.ON, "they ask: question 0"), (ThinkMode.OFF, ""), (ThinkMode.NONE, "")])
def test_thinking_is_kept_apart(
    axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime, thinking: ThinkMode, reasoning: str, name: str
) -> None:
    axk1.behaviour.reasoning_field = name
    with opened(section, fast, thinking=thinking) as model:
        answer = model.chat(questions(1), GREEDY)[0][0]
    assert (answer.text, answer.reasoning) == ("answer to: question 0", reasoning)
    sent = axk1.asked(CHAT)[-1].get("chat_template_kwargs")
    assert sent == (None if thinking is ThinkMode.NONE else {"enable_thinking": thinking is ThinkMode.ON})


def test_thinking_that_the_server_leaves_in_the_text_is_kept_apart(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.offers -= {"reasoning"}
    with opened(section, fast, thinking=ThinkMode.ON) as model:
        answer = model.chat(questions(1), GREEDY)[0][0]
    assert (answer.text, answer.reasoning) == ("answer to: question 0", "they ask: question 0")


def test_a_think_mode_that_the_server_refuses_is_an_error(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.strict = True
    with pytest.raises(EndpointError, match="Unrecognized request argument"):
        opened(section, fast, thinking=ThinkMode.ON)
    opened(section, fast, thinking=ThinkMode.NONE).close()


def test_the_budget_stops_cleanly_and_finished_answers_are_kept(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    kept: dict[int, list[Completion]] = {}
    with opened(section, fast, token_budget=1500, max_concurrency=4) as model, pytest.raises(BudgetError) as caught:
        model.chat(questions(100), GREEDY, on_done=lambda index, answers: kept.update({index: answers}))
    assert 0 < len(kept) < 100
    assert f"{len(kept)} of 100 conversations were finished before and are kept" in str(caught.value)
    assert all(answers[0].text == f"answer to: question {index}" for index, answers in kept.items())
    assert model.used.num_tokens <= 1500
    assert caught.value.hint is not None
    assert len(axk1.requests) < 100


def test_the_budget_is_used_well(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    """What a request reserves is given back once the server has counted: the last request would have gone over."""
    with opened(section, fast, token_budget=1500) as model, pytest.raises(BudgetError):
        model.chat(questions(100), GREEDY, on_done=lambda index, answers: None)
    assert model.used.num_tokens > 1500 - 64 - 40


def test_a_server_that_dies_half_way_leaves_what_was_finished(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    kept: list[int] = []
    with opened(section, fast, max_concurrency=3) as model:
        axk1.behaviour.dies_after = axk1.num_answers + 7
        with pytest.raises(EndpointError) as caught:
            model.chat(questions(20), GREEDY, on_done=lambda index, answers: kept.append(index))
    assert len(kept) == 7
    text = caught.value.render()
    assert "broke in the middle of an answer (3 tries); 7 of 20 conversations were finished before and are kept" in text
    assert "run the same command again" in text


def test_a_server_that_only_stumbles_costs_nothing_but_time(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with opened(section, fast, max_concurrency=4, retries=3) as model:  # one request may meet all three
        axk1.behaviour.refusals = [(429, {"Retry-After": "3"}), (503, {}), (500, {})]
        answers = model.chat(questions(10), GREEDY)
    assert [row[0].text for row in answers] == [f"answer to: question {number}" for number in range(10)]
    assert sum(fast.waits) >= 3.0


def test_refusals_for_load_lower_the_number_under_way(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with opened(section, fast, max_concurrency=32, retries=6) as model:
        before = model.concurrency
        axk1.behaviour.refusals = [(429, {"Retry-After": "1"})] * 6
        model.chat(questions(6), GREEDY)
        assert model.concurrency < before
        model.chat(questions(200), GREEDY)
        assert model.concurrency > before / 2


def test_an_item_that_is_too_long_is_handed_over_and_the_rest_goes_on(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    conversations = questions(5)
    conversations[2] = [Message("user", "long " * 2000)]
    refused: dict[int, EndpointRefusalError] = {}
    with opened(section, fast) as model:
        answers = model.chat(conversations, GREEDY, 2, on_refused=lambda index, error: refused.update({index: error}))
        assert [len(row) for row in answers] == [2, 2, 0, 2, 2]
        assert list(refused) == [2]
        assert "maximum context length" in refused[2].words
        with pytest.raises(EndpointRefusalError, match="2 of 5 conversations were finished before"):
            model.chat(conversations, GREEDY)


def test_a_model_that_is_not_served_gets_a_near_match(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with pytest.raises(EndpointError) as caught:
        opened(section, fast, model="skt/AX-K1")
    assert "did you mean `skt/A.X-K1`?" in caught.value.render()


def test_the_identity_says_what_determines_the_answers(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with opened(section, fast, thinking=ThinkMode.ON) as model:
        assert model.identity == {
            "kind": "openai_http",
            "engine": "openai_http",
            "endpoint": section.url.removeprefix("http://"),
            "model": "skt/A.X-K1",
            "thinking": "on",
            "served": {"owned_by": "vllm", "root": "/models/axk1"},
        }
        assert model.synthetic  # the toy model says so itself


def test_capabilities_are_offered_where_they_were_proved(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    model: ChatModel = open_remote(section, ByteTokenizer(), clock=fast.clock)
    assert require(model, Scores, "targets")
    assert require(model, Completes, "multiple choice")
    without_a_tokenizer = opened(section, fast)
    assert isinstance(without_a_tokenizer, Completes)
    assert not isinstance(without_a_tokenizer, Scores)
    axk1.behaviour.offers -= {"completions"}
    hosted = open_remote(section, ByteTokenizer(), clock=fast.clock)
    assert not isinstance(hosted, Completes)
    with pytest.raises(ModelError, match="log-probabilities of given tokens"):
        require(hosted, Scores, "targets")


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (set(), "token 0 is [85] here and [84] there"),
        ({"tokenize"}, "token 0 is 84"),
        ({"tokenize", "echo"}, "the sent token 105 is not among those"),
    ],
)
def test_another_models_tokenizer_gives_no_scores(
    axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime, missing: set[str], reason: str
) -> None:
    """Equal vocabulary sizes and equal counts are not enough: ids are compared, in each way that the server allows."""
    axk1.behaviour.offers -= missing
    with open_remote(section, ByteTokenizer(shift=1), clock=fast.clock) as model:
        assert not isinstance(model, Scores)
        assert reason in model.preflight.refusal_of("scores with the local tokenizer")
    scoring(section, fast).close()


def test_ids_that_nothing_proves_give_no_scores(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour = Behaviour(names_ids=False, offers={"models", "completions", "echo", "usage"})
    with open_remote(section, ByteTokenizer(), clock=fast.clock) as model:
        assert not isinstance(model, Scores)
        assert "nothing shows that the ids agree" in model.preflight.render()


@pytest.mark.parametrize("echo", [True, False])
def test_scores_are_the_models_own(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime, echo: bool) -> None:
    """Both forms give, at each place, the distribution that the toy model has there."""
    axk1.behaviour.offers -= set() if echo else {"echo"}
    with scoring(section, fast, thinking=ThinkMode.OFF) as model:
        assert model.identity["scoring"] == ("echo" if echo else "prompt_logprobs")
        prompt = model.encode_chat([Message("user", "안녕")])
        answer = model.encode_answer("네")
        (targets,) = model.score([prompt], [answer], top_k=7)
    assert answer[-1] == ByteTokenizer.eos_token_id
    for place, token in enumerate(answer):
        values = next_logprobs([*prompt, *answer[:place]])
        best = sorted(range(len(values)), key=lambda i: -values[i])[:7]
        assert targets.top_ids[place] == best
        assert targets.top_logprobs[place] == pytest.approx([values[i] for i in best])
        assert targets.logprobs[place] == pytest.approx(values[token])


def test_more_alternatives_than_the_server_gives_are_refused_in_its_words(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with scoring(section, fast) as model:
        axk1.requests.clear()
        with pytest.raises(ModelError) as caught:
            model.score([[40, 41]], [[42]], top_k=64)
        assert axk1.requests == []
        with pytest.raises(EndpointRefusalError, match="greater than max allowed: 20"):
            model.score([[40, 41]], [[42]], top_k=32)  # between what was accepted and what was refused: the server decides
    text = caught.value.render()
    assert "gives 20 and refused 50: Requested logprobs of 50" in text
    assert "set top_k to 20 or less" in text


def test_alternatives_without_ids_allow_scores_without_alternatives(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.names_ids = False
    axk1.behaviour.offers -= {"prompt_logprobs"}
    with scoring(section, fast) as model:
        (targets,) = model.score([[40, 41]], [[42, 43]], top_k=0)
        assert targets.logprobs == pytest.approx([next_logprobs([40, 41])[42], next_logprobs([40, 41, 42])[43]])
        with pytest.raises(ModelError, match="does not tell their ids"):
            model.score([[40, 41]], [[42]], top_k=1)


def test_scores_that_stop_coming_are_an_error_and_finished_ones_are_kept(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    kept: list[int] = []
    with scoring(section, fast) as model:
        axk1.behaviour.drops_logprobs_after = axk1.num_answers + 3
        with pytest.raises(EndpointError, match="cannot be used: none came; 3 of 50 sequences were finished before and are kept"):
            model.score([[40, 41]] * 50, [[42]] * 50, top_k=1, on_done=lambda index, targets: kept.append(index))
    assert kept == [0, 1, 2]


def test_an_empty_prompt_cannot_be_scored(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with scoring(section, fast) as model, pytest.raises(ModelError, match="prompt is empty"):
        model.score([[]], [[42]], top_k=1)


def test_text_and_ids_are_continued(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with scoring(section, fast) as model:
        text, ids = model.complete(["ab", model.encode_text("ab")], Sampling(max_new_tokens=4))
    assert text == ids
    assert text[0].num_prompt_tokens == 2


def test_a_money_budget_stops_cleanly_and_a_larger_one_finishes_without_paying_twice(
    axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime, tmp_path: Path
) -> None:
    priced = {"price_per_million_prompt_tokens": 1000.0, "price_per_million_new_tokens": 3000.0, "max_concurrency": 4}

    said: list[str] = []

    def run(money: float) -> tuple[list[list[Completion]], float]:
        told = section.model_copy(update={**priced, "money_budget": money})
        with open_remote(told, clock=fast.clock, kept=tmp_path / "kept") as model:
            try:
                return model.chat(questions(40), GREEDY), model.spent or 0.0
            except BudgetError as error:
                said.append(error.what)
                return [], model.spent or 0.0

    nothing, spent = run(3.0)
    assert nothing == []
    assert 2.0 < spent <= 3.0
    assert run(3.0)[0] == [], "the ceiling is not a new one in each run"
    assert len(said) == 2
    assert all("money budget" in words and "were finished before and are kept" in words for words in said)
    answers, total = run(100.0)
    assert [row[0].text for row in answers] == [f"answer to: question {number}" for number in range(40)]
    asked = [body["messages"][-1]["content"] for body in axk1.asked(CHAT) if body["messages"][-1]["content"].startswith("question")]
    assert len(asked) == len(set(asked)) == 40, "no answer is paid for twice"
    assert total > spent
