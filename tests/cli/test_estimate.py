"""`seodang estimate`: JSON alone on stdout, a table that fits the screen, and one-line errors with a hint."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seodang.cli.main import main
from seodang.pipeline.estimate.device import bundled_devices
from small_project import write_project

CONFIG = {"vocab_size": 400, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return write_project(tmp_path / "project", tmp_path / "model")


@pytest.fixture
def seodang(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Calls the command; returns its exit code, stdout and stderr."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["seodang", "estimate", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    return call


def test_json_stands_alone_on_stdout_and_nothing_is_written(recipe: Path, seodang: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = seodang(recipe, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["recipe"] == "small"
    assert json.loads(out)["total_hours"] > 0
    assert not Path("runs").exists()


@pytest.mark.parametrize("device", [(), ("--device", "h100")])
def test_the_table_fits_a_hundred_columns(recipe: Path, seodang: Callable[..., tuple[int, str, str]], device: tuple[str, ...]) -> None:
    code, out, _ = seodang(recipe, *device)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 100
    for name in ("teacher", "student", "exams", "total", "cache", "disk", "memory", "train.distilled.0", "evaluate.teacher_open"):
        assert name in out


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        (("project/smal.yaml",), 2, "project/smal.yaml: file not found", "did you mean `project/small.yaml`?"),
        (("project/small.yaml", "--device", "h10"), 3, "h10: no description of a device", "did you mean `h100`?"),
        (("project/small.yaml", "--device", "h100", "--measure"), 2, "give --device or --measure", "--help"),
        (("project/small.yaml", "--device", "mine.yaml"), 2, "`peak`: missing", "h100_sxm.yaml"),
        (("broken.yaml",), 3, "no such folder", "folder"),
    ],
)
def test_an_error_is_one_line_with_a_hint(
    recipe: Path, seodang: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], code: int, error: str, hint: str
) -> None:
    text = bundled_devices()["h100_sxm"].read_text(encoding="utf-8").split("peak:", 1)
    Path("mine.yaml").write_text(text[0] + "links:" + text[1].split("links:", 1)[1], encoding="utf-8")
    Path("broken.yaml").write_text(recipe.read_text(encoding="utf-8").replace("folder: documents", "folder: absent"), encoding="utf-8")
    found, out, err = seodang(*arguments)
    assert (found, out) == (code, "")
    first, second = err.strip().splitlines()
    assert error in first
    assert hint in second


def test_measuring_needs_weights_that_are_here(recipe: Path, seodang: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = seodang(recipe, "--measure")
    assert (code, out) == (4, "")
    assert "no safetensors weights here" in err
