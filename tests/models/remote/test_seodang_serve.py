"""A second `seodang serve` as the teacher: what comes over HTTP is what the model gives in process."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from endpoints.axk1 import serving
from seodang.models.chat_model import Message, Sampling
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.remote.model import RemoteScoringModel
from seodang.models.remote.opening import open_remote

if TYPE_CHECKING:
    from seodang.models.local import LocalModel

CONVERSATION = [Message("user", "What should the customer do next? 요금은?")]


@pytest.fixture(scope="module")
def local(tiny_model_dir: Path) -> "LocalModel":
    from seodang.models.local import LocalModel

    return LocalModel(tiny_model_dir, name="tiny", dtype="float32", synthetic=True)


@pytest.fixture(scope="module")
def remote(local: "LocalModel") -> Iterator[RemoteScoringModel]:
    from seodang.serving.api import create_app
    from seodang.serving.section import ServeSection

    with serving(create_app({"tiny": local}, ServeSection.model_validate({}))) as url:
        model = open_remote(OpenAIHTTPTeacher(url=url, model="tiny", max_concurrency=2, retries=0), local.tokenizer)
        assert isinstance(model, RemoteScoringModel), model.preflight.render()
        with model:
            yield model


def test_the_preflight_finds_what_serve_offers(remote: RemoteScoringModel) -> None:
    found = remote.preflight
    assert (found.model_listed, found.chat, found.scoring, found.max_top_logprobs, found.tokenizer) == (True, True, "echo", 20, True)
    assert found.scoring_noise is not None
    assert found.scoring_noise < 1e-3
    assert remote.synthetic


def test_ids_and_greedy_answers_are_equal(local: "LocalModel", remote: RemoteScoringModel) -> None:
    assert remote.encode_chat(CONVERSATION) == local.encode_chat(CONVERSATION)
    assert remote.encode_answer("예") == local.encode_answer("예")
    sampling = Sampling(max_new_tokens=12)
    there, here = remote.chat([CONVERSATION], sampling)[0][0], local.chat([CONVERSATION], sampling)[0][0]
    assert (there.text, there.finish_reason, there.num_prompt_tokens) == (here.text, here.finish_reason, here.num_prompt_tokens)


def test_targets_are_equal(local: "LocalModel", remote: RemoteScoringModel) -> None:
    prompts = [local.encode_chat(CONVERSATION), local.encode_chat([Message("user", "hi")])]
    answers = [local.encode_answer("turn it off"), local.encode_answer("네")]
    for there, here in zip(remote.score(prompts, answers, 8), local.score(prompts, answers, 8), strict=True):
        assert there.logprobs == pytest.approx(here.logprobs, abs=1e-3)
        for mine, yours in zip(there.top_logprobs, here.top_logprobs, strict=True):
            assert mine == pytest.approx(yours, abs=1e-3)
        assert all(math.fsum(math.exp(value) for value in row) <= 1.0 for row in there.top_logprobs)
