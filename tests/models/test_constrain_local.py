"""Whatever a model of random weights writes under a constraint fits it, by judges that are not the automaton itself."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seodang.core.errors import ModelError
from seodang.models.chat_model import Constrains, Message, Sampling, require
from seodang.models.constrain import Choice, Constraint, JsonSchema, Pattern
from seodang.models.local import LocalModel
from seodang.models.think import ThinkMode

ASKED = [Message("user", "What should the customer do next?")]

_LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.integers(-20, 20).map(lambda low: {"type": "integer", "minimum": low, "maximum": low + 40}),
    st.integers(0, 6).map(lambda most: {"type": "string", "maxLength": most}),
    st.lists(st.sampled_from(["on", "off", "요금", 'a "b"', "3 GB"]), min_size=1, max_size=3, unique=True).map(
        lambda texts: {"enum": texts}
    ),
    st.sampled_from(["[0-9]{3}-[0-9]{4}", "(yes|no)", "[가-힣]{1,3}"]).map(lambda pattern: {"type": "string", "pattern": f"^{pattern}$"}),
)


def _deeper(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    arrays = st.tuples(inner, st.integers(0, 2)).map(lambda pair: {"type": "array", "items": pair[0], "maxItems": pair[1]})
    objects = st.dictionaries(st.sampled_from(["name", "값", "n"]), inner, min_size=1, max_size=2).map(
        lambda fields: {"type": "object", "properties": fields, "required": sorted(fields)[:1], "additionalProperties": False}
    )
    return arrays | objects | st.lists(inner, min_size=1, max_size=2).map(lambda ways: {"anyOf": ways})


SCHEMAS = st.recursive(_LEAVES, _deeper, max_leaves=4)


@pytest.fixture(scope="module")
def model(tiny_model_dir: Path) -> Iterator[LocalModel]:
    """On one thread: for a model as small as this, a second one only waits."""
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield LocalModel(tiny_model_dir, dtype="float32", synthetic=True)
    torch.set_num_threads(num_threads)


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(schema=SCHEMAS, seed=st.integers(0, 1000))
def test_whatever_is_written_under_a_schema_validates(model: LocalModel, schema: dict[str, Any], seed: int) -> None:
    (answers,) = model.constrain([ASKED], [JsonSchema(schema)], Sampling(60, 1.5, 1.0, seed), 3)
    assert any(answer.finish_reason == "stop" for answer in answers)
    for answer in answers:
        if answer.finish_reason == "stop":
            jsonschema.validate(json.loads(answer.text), schema)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_each_conversation_is_held_to_its_own_constraint(model: LocalModel, temperature: float) -> None:
    """More conversations than fit a batch, of different lengths, so that the batch's order is not theirs."""
    texts = [("yes", "no"), ('say "so"\n', "요금제"), ("a", "ab", "abc")]
    constraints: list[Constraint] = [Choice(texts[n % 3]) if n % 4 else Pattern("[0-9]{2}-[xyz]+[.]") for n in range(9)]
    conversations = [[Message("user", "word " * (17 * n % 11 + 1))] for n in range(9)]
    small = LocalModel(model.folder, dtype="float32", batch_size=4)
    found = small.constrain(conversations, constraints, Sampling(40, temperature, 1.0, 3), 2)
    ended = [(c, a) for c, answers in zip(constraints, found, strict=True) for a in answers if a.finish_reason == "stop"]
    assert len(ended) >= 10
    for constraint, answer in ended:
        if isinstance(constraint, Choice):
            assert answer.text in constraint.texts
        else:
            assert isinstance(constraint, Pattern)
            assert re.fullmatch(constraint.pattern, answer.text)


def test_the_same_seed_gives_the_same_answers(model: LocalModel) -> None:
    constraint = [JsonSchema({"type": "array", "items": {"type": "integer"}, "maxItems": 4})]
    once, again, other = (model.constrain([ASKED], constraint, Sampling(60, 1.0, 1.0, seed), 4) for seed in (5, 5, 6))
    assert once == again != other


def test_what_is_likeliest_is_still_what_is_written(model: LocalModel) -> None:
    """A constraint that allows every text changes nothing of a greedy answer."""
    (free,) = model.chat([ASKED], Sampling(12))
    (held,) = model.constrain([ASKED], [Pattern(r"(?s:.*)")], Sampling(12))
    assert held[0].text == free[0].text


def test_an_answer_that_is_cut_is_the_beginning_of_one_that_fits(model: LocalModel) -> None:
    (answers,) = model.constrain([ASKED], [Choice(("abcdefghijklmnopqrstuvwxyz" * 4,))], Sampling(5))
    assert answers[0].finish_reason == "length"
    assert ("abcdefghijklmnopqrstuvwxyz" * 4).startswith(answers[0].text)
    assert answers[0].text


@pytest.mark.parametrize("constraint", [Pattern("(?=a)b"), Pattern("a{3"), JsonSchema({"type": "nope"})])
def test_what_cannot_be_held_to_is_refused_with_the_reason(model: LocalModel, constraint: Constraint) -> None:
    with pytest.raises(ModelError, match="no answer can be held to this"):
        model.constrain([ASKED], [constraint], Sampling(5))


def test_without_the_library_the_capability_is_refused(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert require(model, Constrains, "a test") is model
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(ModelError, match="a test needs constrained decoding"):
        require(model, Constrains, "a test")


def test_a_thinking_model_answers_in_the_constraint_without_thinking(tiny_switch_dir: Path) -> None:
    thinking = LocalModel(tiny_switch_dir, dtype="float32", thinking=ThinkMode.ON)
    (answers,) = thinking.constrain([ASKED], [Choice(("yes", "no"))], Sampling(20))
    assert answers[0].text in ("yes", "no")
    assert answers[0].reasoning == ""
    assert answers[0].num_prompt_tokens == len(thinking.encode_chat(ASKED, ThinkMode.OFF))
