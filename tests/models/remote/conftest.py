"""A running A.X K1 that is fresh for each test, and a clock that passes time without waiting."""

from collections.abc import Iterator

import pytest

from endpoints.axk1 import MODEL, Axk1, Behaviour, application, serving
from endpoints.fast_time import FastTime
from seodang.models.openai_http import OpenAIHTTPTeacher


@pytest.fixture
def fast() -> FastTime:
    return FastTime()


@pytest.fixture(scope="session")
def running() -> Iterator[tuple[Axk1, str]]:
    server = Axk1()
    with serving(application(server)) as url:
        yield server, url


@pytest.fixture
def axk1(running: tuple[Axk1, str]) -> Axk1:
    """The server with its usual behaviour, and nothing asked of it yet."""
    server = running[0]
    server.behaviour = Behaviour()
    server.requests.clear()
    server.num_answers = server.most_at_once = 0
    return server


@pytest.fixture
def section(running: tuple[Axk1, str]) -> OpenAIHTTPTeacher:
    """A recipe's section for that server, with one request at a time."""
    return OpenAIHTTPTeacher(url=running[1], model=MODEL, max_concurrency=1, retries=2)
