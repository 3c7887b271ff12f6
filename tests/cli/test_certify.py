"""`seodang certify`: JSON alone on stdout, exit codes, levels, and one-line errors with a hint."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seodang.cli.main import main

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def seodang(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls the command; returns its exit code, stdout and stderr."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["seodang", "certify", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    return call


def test_json_stands_alone_and_a_pass_is_0(seodang: Call, tmp_path: Path) -> None:
    code, out, err = seodang("--backend", "reference", "--level", "2-2", "--family", "llama", "--json", "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    row = json.loads(out)
    assert (row["levels"], row["families"], row["passed"]) == ([2], ["llama"], True)
    assert json.loads((tmp_path / "out" / "certificate.json").read_text(encoding="utf-8")) == row


def test_a_failure_is_11_and_says_where_to_look(seodang: Call) -> None:
    code, out, err = seodang("--backend", "seodang.testbed.certify.broken.contract:TornStep", "--level", "0", "--family", "llama")
    assert code == 11
    assert "L0 FAIL        tiny-llama     steps_are_atomic" in out
    assert "FAIL L0 steps_are_atomic (tiny-llama)" in out
    assert max(map(len, out.splitlines())) <= 100
    assert err.startswith("error: broken: 1 of ")
    assert "hint: " in err


def test_what_is_unsupported_is_shown_and_no_failure(seodang: Call) -> None:
    code, out, _ = seodang("--backend", "llama_cpp", "--level", "1-2", "--family", "latent", "--json")
    assert code == 0
    assert json.loads(out)["counts"]["UNSUPPORTED"] == len(json.loads(out)["findings"])


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "--backend is missing"),
        (("--backend", "reference", "--level", "9"), 2, "levels are 0 to"),
        (("--backend", "reference", "--level", "3-1"), 2, "levels are 0 to"),
        (("--backend", "reference", "--level", "0", "--model", "nowhere"), 2, "levels 3 and 4"),
        (("--backend", "refrence"), 10, "did you mean `reference`?"),
        (("--backend", "reference", "--level", "3", "--model", "nowhere"), 10, "no configuration of a model"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(seodang: Call, arguments: tuple[str, ...], code: int, told: str) -> None:
    found, out, err = seodang(*arguments)
    assert (found, out) == (code, "")
    assert told in err
