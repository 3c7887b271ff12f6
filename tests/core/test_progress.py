"""Long work is never silent, and its progress goes to stderr."""

import time

import pytest

from seodang.core import progress
from seodang.core.progress import Progress


def test_the_interval_is_below_five_seconds() -> None:
    assert progress._INTERVAL_S < 5


def test_lines_come_while_one_call_takes_long(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "_INTERVAL_S", 0.02)
    with Progress("train", 10, "steps") as shown:
        shown.advance(3, "loss 1.5 nats")
        limit = time.monotonic() + 30
        text = ""
        while text.count("\n") < 2 and time.monotonic() < limit:
            time.sleep(0.02)
            seen = capsys.readouterr()
            assert seen.out == ""
            text += seen.err
    assert text.splitlines()[-1].startswith("  train: 3/10 steps, loss 1.5 nats, ")


def test_no_line_comes_after_the_end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "_INTERVAL_S", 0.01)
    with pytest.raises(KeyError), Progress("build"):
        raise KeyError("work")
    capsys.readouterr()
    time.sleep(0.05)
    assert capsys.readouterr().err == ""


def test_a_line_is_told_at_once_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Progress("verify").tell("sandbox: landlock")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "  verify: sandbox: landlock\n")
