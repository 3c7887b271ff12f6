"""A real server in a thread, with a tiny random model behind it."""

import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from openai import OpenAI

from seodang.models.chat_model import Sampling, TokenLogprob
from seodang.models.local import LocalModel
from seodang.models.think import ThinkMode
from seodang.serving.section import ServeSection
from seodang.serving.server import address_of, make_server, open_port

Serve = Callable[..., str]


class ScriptedModel(LocalModel):
    """A model that says what it was told to, a character a token (its ids and log-probabilities are made up)."""

    script = ""

    def stream(
        self, prompt: Sequence[int], sampling: Sampling, top_logprobs: int | None = None
    ) -> Iterator[tuple[str, TokenLogprob | None, str | None]]:
        for letter in self.script[: sampling.max_new_tokens]:
            yield letter, TokenLogprob(5, letter, -0.5), None
        yield "", None, "stop"


@contextmanager
def running(models: Mapping[str, LocalModel], section: ServeSection) -> Generator[str]:
    """The base address of a server that runs while the block does."""
    server = make_server(models, section)
    with open_port(section) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield address_of(listener)
        finally:
            server.should_exit = True
            thread.join(timeout=20)
    assert not thread.is_alive()


@pytest.fixture(scope="session")
def model(tiny_model_dir: Path) -> LocalModel:
    return LocalModel(tiny_model_dir, name="tiny", dtype="float32", synthetic=True)


@pytest.fixture(scope="session")
def scripted(tiny_model_dir: Path) -> ScriptedModel:
    return ScriptedModel(tiny_model_dir, name="scripted", dtype="float32", synthetic=True)


@pytest.fixture(scope="session")
def thinking(tiny_switch_dir: Path) -> ScriptedModel:
    return ScriptedModel(tiny_switch_dir, name="thinking", dtype="float32", synthetic=True, thinking=ThinkMode.ON)


@pytest.fixture(scope="module")
def address(model: LocalModel, scripted: ScriptedModel, thinking: ScriptedModel) -> Iterator[str]:
    """A server with default limits and three models, `tiny`, `scripted` and `thinking`."""
    with running({"tiny": model, "scripted": scripted, "thinking": thinking}, ServeSection(port=0)) as base:
        yield base


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[OpenAI]:
    """The official client, which tries nothing twice."""
    with OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as made:
        yield made


@pytest.fixture
def serve(model: LocalModel) -> Iterator[Serve]:
    """Starts a server of `tiny` with other knobs; it ends with the test."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield lambda **knobs: stack.enter_context(running({"tiny": model}, ServeSection(port=0, **knobs)))
