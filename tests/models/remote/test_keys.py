"""A key is read from the environment or a file, and shows nowhere else."""

import copy
import json
import pickle
from pathlib import Path

import pytest

from seodang.core.errors import RecipeError
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.remote.keys import Key, read_key

CANARY = "canary-0123456789"


def teacher(variable: str | None = None, file: Path | None = None) -> OpenAIHTTPTeacher:
    return OpenAIHTTPTeacher(url="http://127.0.0.1", model="m", api_key_env=variable, api_key_file=file)


def test_no_key_is_no_key() -> None:
    assert read_key(teacher()) is None


def test_a_key_comes_from_the_environment_or_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEACHER_KEY", CANARY)
    (tmp_path / "key").write_text(f"{CANARY}\n", encoding="utf-8")
    for section in (teacher("TEACHER_KEY"), teacher(file=tmp_path / "key")):
        key = read_key(section)
        assert key is not None
        assert key.reveal() == CANARY
        assert CANARY not in f"{section!r} {section.model_dump_json()}"


def test_a_key_does_not_show() -> None:
    key = Key(CANARY)
    assert CANARY not in f"{key} {key!r} {[key]} {dir(key)}"
    for way in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars):
        with pytest.raises(TypeError):
            way(key)


@pytest.mark.parametrize("content", ["", "  \n", f"{CANARY} two", f"{CANARY}\nX-Other: header", "카나리아"])
def test_what_cannot_be_a_key_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str) -> None:
    monkeypatch.setenv("TEACHER_KEY", content)
    (tmp_path / "key").write_text(content, encoding="utf-8")
    for section in (teacher("TEACHER_KEY"), teacher(file=tmp_path / "key")):
        with pytest.raises(RecipeError) as caught:
            read_key(section)
        assert CANARY not in caught.value.render() + repr(caught.value)


@pytest.mark.parametrize("path", [CANARY, f"{CANARY}/{CANARY}", "\0" + CANARY])
def test_a_key_given_as_its_own_file_is_not_repeated(path: str) -> None:
    """Somebody may paste the key where its file's name belongs."""
    with pytest.raises(RecipeError) as caught:
        read_key(teacher(file=Path(path)))
    assert CANARY not in caught.value.render() + repr(caught.value)


def test_a_variable_that_is_not_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEACHER_KEY", raising=False)
    with pytest.raises(RecipeError, match="not set"):
        read_key(teacher("TEACHER_KEY"))
