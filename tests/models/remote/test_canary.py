"""A key is in no text, error, log, identity or record, whatever the server does with it."""

import dataclasses
import json
import logging
import traceback

import pytest

from endpoints.axk1 import Axk1
from endpoints.fast_time import FastTime
from seodang.core.errors import SeodangError
from seodang.models.chat_model import Message, Sampling
from seodang.models.openai_http import OpenAIHTTPTeacher, departure_notice
from seodang.models.remote.opening import open_remote, run_preflight

CANARY = "canary-0123456789"


@pytest.fixture
def keyed(section: OpenAIHTTPTeacher, monkeypatch: pytest.MonkeyPatch) -> OpenAIHTTPTeacher:
    monkeypatch.setenv("TEACHER_KEY", CANARY)
    return section.model_copy(update={"api_key_env": "TEACHER_KEY"})


def told(error: BaseException) -> str:
    """All that an exception shows: its text, its arguments, its notes and the traceback with what caused it."""
    parts = [str(error), repr(error), repr(error.args), repr(vars(error)), "".join(traceback.format_exception(error))]
    return " ".join([*parts, error.render() if isinstance(error, SeodangError) else ""])


def test_nothing_that_is_kept_or_printed_holds_the_key(
    axk1: Axk1, keyed: OpenAIHTTPTeacher, fast: FastTime, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    axk1.behaviour.api_key = CANARY
    with open_remote(keyed, clock=fast.clock) as model:
        answers = model.chat([[Message("user", "hi")]], Sampling())
        shown = [
            json.dumps(model.identity), repr(model), str(vars(model)), str(vars(model._client)), str(vars(model._client._http)),
            repr(model.preflight), model.preflight.render(), json.dumps(dataclasses.asdict(model.preflight)), repr(answers),
            repr(model.used), repr(keyed), keyed.model_dump_json(), departure_notice(keyed, 1, 1),
        ]  # fmt: skip
    assert answers[0][0].text
    records = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert records
    out, err = capfd.readouterr()
    assert CANARY not in " ".join([*shown, *records, out, err])


@pytest.mark.parametrize("body", [None, CANARY.encode(), json.dumps({"error": {"message": f"bad key {CANARY}"}}).encode()])
def test_a_server_that_repeats_the_key_does_not_get_it_into_an_error(
    axk1: Axk1, keyed: OpenAIHTTPTeacher, fast: FastTime, caplog: pytest.LogCaptureFixture, body: bytes | None
) -> None:
    caplog.set_level(logging.DEBUG)
    axk1.behaviour.body = body
    if body is None:
        axk1.behaviour.api_key, axk1.behaviour.repeats_key = "another", True
    with pytest.raises(SeodangError) as caught:
        open_remote(keyed, clock=fast.clock)
    found = run_preflight(keyed, fast.clock)
    assert "[key]" in caught.value.render()
    assert CANARY not in " ".join([told(caught.value), repr(found), found.render(), *(str(record.__dict__) for record in caplog.records)])


def test_errors_of_the_connection_do_not_hold_the_key(axk1: Axk1, keyed: OpenAIHTTPTeacher, fast: FastTime) -> None:
    with open_remote(keyed, clock=fast.clock) as model:
        axk1.behaviour.dies_after = 0
        with pytest.raises(SeodangError) as caught:
            model.chat([[Message("user", "hi")]], Sampling())
    assert CANARY not in told(caught.value)


def test_the_key_is_sent_and_to_no_place_that_the_server_points_to(axk1: Axk1, keyed: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.api_key = CANARY
    with open_remote(keyed, clock=fast.clock) as model:
        axk1.behaviour.refusals = [(307, {"Location": f"{keyed.url}/elsewhere"})]
        with pytest.raises(SeodangError, match="HTTP 307"):
            model.chat([[Message("user", "hi")]], Sampling())
    assert not [path for path, _ in axk1.requests if "elsewhere" in path]
