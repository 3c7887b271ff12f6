"""What a remote teacher wrote is on disk as it comes: no request is sent twice, and a second process is not in the way."""

from pathlib import Path

import pytest

from endpoints.axk1 import Axk1
from endpoints.fast_time import FastTime
from seodang.core.errors import BudgetError
from seodang.models.chat_model import Message, Sampling
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.remote.kept import KeptAnswers
from seodang.models.remote.model import RemoteModel
from seodang.models.remote.opening import open_remote

QUESTIONS = [[Message("user", f"question {number}")] for number in range(40)]
SAMPLED = Sampling(64, temperature=0.7, seed=3)


def opened(section: OpenAIHTTPTeacher, fast: FastTime, folder: Path, **changes: int) -> RemoteModel:
    return open_remote(section.model_copy(update=changes), clock=fast.clock, kept=folder)


def asked(axk1: Axk1) -> list[str]:
    """The questions that reached the server, without those of the preflight."""
    bodies = [body for _, body in axk1.requests]
    words = [body["messages"][-1]["content"] for body in bodies if body.get("messages")]
    return [text for text in words if text.startswith("question ")]


def test_a_budget_that_ends_half_way_goes_on_where_it_stopped(
    axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime, tmp_path: Path
) -> None:
    whole = open_remote(section, clock=fast.clock)
    expected = whole.chat(QUESTIONS, SAMPLED)
    whole.close()
    axk1.requests.clear()
    told: list[str] = []
    for _ in range(50):
        with opened(section, fast, tmp_path, token_budget=1500, max_concurrency=3) as model:
            try:
                found = model.chat(QUESTIONS, SAMPLED)
                break
            except BudgetError as error:
                told.append(str(error))
    else:
        pytest.fail("the work never came to its end")
    assert told
    assert all("were finished before and are kept" in text for text in told)
    assert found == expected
    assert sorted(asked(axk1)) == sorted(message.content for (message,) in QUESTIONS), "each was asked once, over all runs"


def test_another_seed_or_another_question_is_another_request(
    axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime, tmp_path: Path
) -> None:
    with opened(section, fast, tmp_path) as model:
        model.chat(QUESTIONS[:2], SAMPLED)
        model.chat(QUESTIONS[:2], SAMPLED)
        model.chat(QUESTIONS[:2], Sampling(64, temperature=0.7, seed=4))
        model.chat(QUESTIONS[2:3], SAMPLED)
    assert len(asked(axk1)) == 5


def test_a_second_process_keeps_nothing_and_is_not_stopped(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime, tmp_path: Path) -> None:
    first = KeptAnswers(tmp_path)
    with opened(section, fast, tmp_path) as model:
        model.chat(QUESTIONS[:1], SAMPLED)
        model.chat(QUESTIONS[:1], SAMPLED)
    assert len(asked(axk1)) == 2
    assert first.keeps
    first.close()
    with opened(section, fast, tmp_path) as model:
        model.chat(QUESTIONS[:1], SAMPLED)
        model.chat(QUESTIONS[:1], SAMPLED)
    assert len(asked(axk1)) == 3
