"""A model from several packages, and one with a chat template of the recipe's."""

import hashlib
import json
import shutil
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from seodang.core.errors import InputError, ModelError
from seodang.export.gguf import write_gguf
from seodang.models.chat_model import Message
from seodang.models.local import LocalModel
from seodang.models.reader import Reader
from seodang.models.source import LocalTeacher, model_folder

TEMPLATE = "{% for message in messages %}Q: {{ message['content'] }}\n{% endfor %}A:"


def wheel(store: Path, name: str, content: bytes) -> dict[str, str]:
    """A package with one file, as if it had been downloaded; and its row in a recipe."""
    path = store / "wheels" / f"{name}-1.0-py3-none-any.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/data", content)
    return {"package": name, "version": "1.0", "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "file": f"{name}/data"}


@pytest.fixture
def base_model(tiny_model_dir: Path, tmp_path: Path) -> Path:
    """The tiny model without its chat template."""
    folder = tmp_path / "base"
    shutil.copytree(tiny_model_dir, folder)
    (folder / "chat_template.jinja").unlink()
    return folder


def test_a_file_in_pieces_is_the_file_in_one(tiny_model_dir: Path, tmp_path: Path) -> None:
    whole = tmp_path / "model.gguf"
    write_gguf(tiny_model_dir, whole, "F16")
    content = whole.read_bytes()
    cuts = [0, 1000, len(content) // 2, len(content)]
    parts = [wheel(tmp_path, f"part{n}", content[start:stop]) for n, (start, stop) in enumerate(pairwise(cuts))]
    one = LocalTeacher.model_validate({"name": "tiny", "license": "CC0-1.0", **wheel(tmp_path, "whole", content)})
    several = LocalTeacher.model_validate({"name": "tiny", "license": "CC0-1.0", "parts": parts})
    turned = LocalTeacher.model_validate({"name": "tiny", "license": "CC0-1.0", "parts": parts[::-1]})
    assert len({one.key(), several.key(), turned.key()}) == 3
    folders = [model_folder(section, tmp_path, tmp_path) for section in (one, several)]
    weights = [(folder / "model.safetensors").read_bytes() for folder in folders]
    assert folders[0] != folders[1]
    assert weights[0] == weights[1]
    with pytest.raises(ModelError, match="cannot be opened by transformers"):
        model_folder(turned, tmp_path, tmp_path)


def test_weights_come_from_one_place() -> None:
    part = {"package": "p", "version": "1", "sha256": "0", "file": "f"}
    for sources in ({}, {"path": "x", "parts": [part]}, {**part, "parts": [part]}):
        with pytest.raises(ValidationError, match="or `parts` of them"):
            LocalTeacher.model_validate({"name": "x", "license": "CC0-1.0", **sources})


def test_a_base_model_is_refused_and_a_template_makes_it_one_that_chats(base_model: Path, tiny_model_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no chat template") as refused:
        LocalModel(base_model)
    assert "chat_template: FILE" in refused.value.render()
    (tmp_path / "plain.jinja").write_text(TEMPLATE, encoding="utf-8")
    section = LocalTeacher(name="base", license="CC0-1.0", path="base", chat_template="plain.jinja")
    folder = model_folder(section, tmp_path / "store", tmp_path)
    model, other = LocalModel(folder, dtype="float32"), LocalModel(tiny_model_dir, dtype="float32")
    assert model.tokenizer.decode(model.encode_chat([Message("user", "Why?")])) == "Q: Why?\nA:"
    differing = {name for name in model.identity if model.identity[name] != other.identity[name]}
    assert differing == {"template"}
    assert not (base_model / "chat_template.jinja").exists()
    assert (base_model / "model.safetensors").stat().st_nlink == 2  # linked, not copied


def test_a_template_is_found_again_and_another_one_is_another_model(base_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "plain.jinja"
    path.write_text(TEMPLATE, encoding="utf-8")
    section = LocalTeacher(name="base", license="CC0-1.0", path=str(base_model), chat_template="plain.jinja")
    first = model_folder(section, tmp_path / "store", tmp_path)
    written = (first / "manifest.json").stat().st_mtime_ns
    assert model_folder(section, tmp_path / "store", tmp_path) == first
    assert (first / "manifest.json").stat().st_mtime_ns == written
    path.write_text(TEMPLATE + " ", encoding="utf-8")
    other = model_folder(section, tmp_path / "store", tmp_path)
    assert other != first
    assert (other / "chat_template.jinja").read_text(encoding="utf-8") == TEMPLATE + " "


def test_a_template_replaces_the_models_own(tiny_model_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "plain.jinja").write_text(TEMPLATE, encoding="utf-8")
    section = LocalTeacher(name="tiny", license="CC0-1.0", path=str(tiny_model_dir), chat_template="plain.jinja")
    assert Reader(model_folder(section, tmp_path / "store", tmp_path)).tokenizer.chat_template == TEMPLATE


@pytest.mark.parametrize(("content", "told"), [(None, "no chat template can be read"), ("  \n", "is empty")])
def test_a_template_that_says_nothing_is_refused(base_model: Path, tmp_path: Path, content: str | None, told: str) -> None:
    if content is not None:
        (tmp_path / "plain.jinja").write_text(content, encoding="utf-8")
    section = LocalTeacher(name="base", license="CC0-1.0", path=str(base_model), chat_template="plain.jinja")
    with pytest.raises(InputError, match=told):
        model_folder(section, tmp_path / "store", tmp_path)


def test_a_reader_reads_as_the_model_does(tiny_model_dir: Path) -> None:
    reader, model = Reader(tiny_model_dir), LocalModel(tiny_model_dir)
    messages = [Message("user", "Is the line active?")]
    assert reader.encode_chat(messages) == model.encode_chat(messages)
    assert reader.encode_answer("Yes.") == model.encode_answer("Yes.")
    assert reader.stop_ids == model.stop_ids == {2}
    assert reader.begins == []


@pytest.mark.parametrize("with_file", [True, False])
def test_all_ends_of_a_models_generation_stop_it(tiny_model_dir: Path, tmp_path: Path, with_file: bool) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model_dir, folder)
    path = folder / ("generation_config.json" if with_file else "config.json")
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(told | {"eos_token_id": [0, 2]}), encoding="utf-8")
    if not with_file:
        (folder / "generation_config.json").unlink()
    assert Reader(folder).stop_ids == LocalModel(folder).stop_ids == {0, 2}
