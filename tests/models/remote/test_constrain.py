"""A constraint is offered where the endpoint was seen to hold to it, in the words that it knows."""

import json

import pytest

from endpoints.axk1 import Axk1
from endpoints.byte_tokenizer import ByteTokenizer
from endpoints.fast_time import FastTime
from seodang.core.errors import ModelError
from seodang.models.chat_model import Completes, Constrains, Message, Sampling, Scores, require
from seodang.models.constrain import Choice, Constraint, JsonSchema, Pattern
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.remote.opening import open_remote, run_preflight
from seodang.models.think import ThinkMode

ASKED = [Message("user", "Which one?")]
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 4}}, "required": ["n"]}


@pytest.mark.parametrize(
    ("taken", "left", "ways"),
    [
        (set[str](), {"response_format", "structured_outputs"}, {"json_schema": "response_format", "pattern": "structured_outputs"}),
        ({"response_format"}, {"structured_outputs"}, {"json_schema": "structured_outputs", "pattern": "structured_outputs"}),
        ({"response_format", "structured_outputs"}, {"guided"}, {"json_schema": "guided", "pattern": "guided"}),
        ({"structured_outputs"}, {"response_format"}, {"json_schema": "response_format"}),
        ({"response_format", "structured_outputs"}, set[str](), {}),
    ],
)
def test_the_way_that_works_is_found(
    axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime, taken: set[str], left: set[str], ways: dict[str, str]
) -> None:
    axk1.behaviour.offers = axk1.behaviour.offers - taken | left
    found = run_preflight(section, fast.clock)
    assert dict(found.constraints) == ways
    told = found.refusal_of("json_schema by response_format")
    assert told == ("" if "response_format" in left else "it accepts the request and answers freely")
    assert ("pattern by" in found.render()) == bool(ways.get("pattern") or "response_format" in left or not left)


def test_a_server_that_ignores_constraints_is_refused_and_says_why(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.offers -= {"response_format", "structured_outputs"}
    with open_remote(section, clock=fast.clock) as model:
        assert isinstance(model, Completes)
        with pytest.raises(ModelError, match="needs constrained decoding, which the model"):
            require(model, Constrains, "a generator")


@pytest.mark.parametrize(
    ("constraint", "text"), [(JsonSchema(SCHEMA), '{"n": 4}'), (Choice(("예", "no")), "예"), (Pattern("[b-d]{2}"), "bb")]
)
def test_answers_fit_and_the_constraint_is_sent(
    axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime, constraint: Constraint, text: str
) -> None:
    with open_remote(section, ByteTokenizer(), clock=fast.clock) as model:
        assert isinstance(model, Scores)
        held = require(model, Constrains, "a test")
        axk1.requests.clear()
        (answers,) = held.constrain([ASKED], [constraint], Sampling(64, 0.5), 2)
    assert [answer.text for answer in answers] == [text, text]
    assert [body["seed"] for body in axk1.asked("/v1/chat/completions")] == [0, 1]


def test_one_request_a_conversation_has_its_own_constraint(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with open_remote(section, clock=fast.clock) as model:
        found = model.constrain([ASKED, ASKED], [Choice(("a", "b")), JsonSchema(SCHEMA)], Sampling(64))
    assert [answers[0].text for answers in found] == ["a", '{"n": 4}']


def test_a_cut_choice_stays_the_text_that_came(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with open_remote(section, clock=fast.clock) as model:
        ((answer,),) = model.constrain([ASKED], [Choice(("abcdef",))], Sampling(3))
    assert (answer.text, answer.finish_reason) == ('"ab', "length")


def test_a_kind_that_was_not_proved_is_not_asked_for(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.offers -= {"structured_outputs"}
    with open_remote(section, clock=fast.clock) as model:
        assert model.constraint_kinds == {"json_schema", "choice"}
        axk1.requests.clear()
        with pytest.raises(ModelError, match="does not hold to a pattern"):
            model.constrain([ASKED], [Pattern("a")], Sampling(8))
        assert not axk1.requests


def test_a_thinking_teacher_answers_a_constraint_without_thinking(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    thinking = section.model_copy(update={"thinking": ThinkMode.ON})
    with open_remote(thinking, clock=fast.clock) as model:
        axk1.requests.clear()
        ((answer,),) = model.constrain([ASKED], [JsonSchema(SCHEMA)], Sampling(64))
    assert (json.loads(answer.text), answer.reasoning) == ({"n": 4}, "")
    assert axk1.requests[0][1]["chat_template_kwargs"] == {"enable_thinking": False}
