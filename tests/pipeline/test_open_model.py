"""A think mode that was asked for is one that the endpoint heeds, or is refused."""

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seodang.core.errors import EndpointError, ModelError, SeodangError
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.remote import opening
from seodang.models.think import ThinkMode
from seodang.pipeline.open_model import open_model


@pytest.mark.parametrize("mode", [ThinkMode.ON, ThinkMode.OFF])
@pytest.mark.parametrize("switch", ["no effect seen", "works"])
def test_a_switch_without_effect_is_refused_where_a_mode_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: ThinkMode, switch: str
) -> None:
    closed: list[bool] = []
    remote: Any = SimpleNamespace(preflight=SimpleNamespace(thinking_switch=switch, place="there"), close=lambda: closed.append(True))
    monkeypatch.setattr(opening, "open_remote", lambda *_, **__: remote)
    assert open_model("http://127.0.0.1:9/v1#m", tmp_path) is remote
    if switch == "works":
        assert open_model("http://127.0.0.1:9/v1#m", tmp_path, thinking=mode) is remote
        return
    with pytest.raises(ModelError, match=f"cannot be turned {mode}"):
        open_model("http://127.0.0.1:9/v1#m", tmp_path, thinking=mode)
    assert closed == [True]


def dead_address() -> str:
    """An address of this machine at which nothing listens."""
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{port.getsockname()[1]}/v1"


def test_a_dead_server_of_the_command_line_is_told_by_the_address_that_was_given(tmp_path: Path) -> None:
    address = dead_address()
    with pytest.raises(EndpointError, match="nothing answers there") as caught:
        open_model(f"{address}#m", tmp_path)
    assert caught.value.hint == f"start the server, or correct `{address}`"


def test_a_dead_server_of_a_file_or_a_recipe_is_told_by_its_key(tmp_path: Path) -> None:
    address = dead_address()
    path = tmp_path / "model.yaml"
    path.write_text(f"model: {{kind: openai_http, url: '{address}', model: m, retries: 0}}\n", encoding="utf-8")
    with pytest.raises(EndpointError, match="nothing answers there") as caught:
        open_model(str(path), tmp_path)
    assert caught.value.hint == "start the server, or correct `model.url`"
    with pytest.raises(EndpointError, match="nothing answers there") as caught:
        opening.open_remote(OpenAIHTTPTeacher(url=address, model="m", retries=0))
    assert caught.value.hint == "start the server, or correct `teacher.url`"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("http://#m", "no host"),
        ("http://127.0.0.1:99999#m", "port"),
        ("http://127.0.0.1:9/v1/models#m", "base address"),
        ("http://me:secret@127.0.0.1:9#m", "user name or password"),
        ("http://127.0.0.1:9?key=secret#m", "query"),
    ],
)
def test_an_address_that_is_none_is_an_error_of_the_command_line_without_what_may_be_secret(tmp_path: Path, spec: str, said: str) -> None:
    with pytest.raises(SeodangError, match=said) as caught:
        open_model(spec, tmp_path)
    told = caught.value.render()
    assert caught.value.hint
    assert "teacher." not in told
    assert "api_key" not in told
    assert "secret" not in told


@pytest.mark.parametrize("name", ["NOT_SET_ANYWHERE", "not a name"])
def test_a_key_that_is_not_there_is_told_by_its_option(tmp_path: Path, name: str) -> None:
    with pytest.raises(SeodangError, match="--api-key-env") as caught:
        open_model(f"{dead_address()}#m", tmp_path, api_key_env=name)
    assert "teacher." not in caught.value.render()
