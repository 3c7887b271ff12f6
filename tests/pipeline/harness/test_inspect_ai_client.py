"""What inspect-ai's command line is given; its logs themselves are read in `tests/evaluation/adapters/test_inspect_log.py`."""

from pathlib import Path

import pytest

from seodang.core.errors import InputError
from seodang.pipeline.harness.inspect_ai import run_inspect

LOG = Path(__file__).parents[2] / "evaluation" / "adapters" / "inspect_logs" / "lines.json"


def program(path: Path, lines: str) -> Path:
    """A stand-in for a Python that has inspect-ai: it answers the question for it, and then does `lines`."""
    path.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit 0\n{lines}\n', encoding="utf-8")
    path.chmod(0o700)
    return path


def test_a_python_without_inspect_ai_is_named_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="inspect-ai is not installed"):
        run_inspect("nowhere", ["ifeval"], tmp_path, limit=None, python=Path("/bin/false"))


def test_its_log_is_imported_with_the_mark_of_random_weights(
    tiny_model_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    keep = f'while [ "$1" != --log-dir ]; do shift; done; mkdir -p "$2"; cp {LOG} "$2/log.json"'
    python = program(tmp_path / "python", f'echo "$SEODANG_BASE_URL" "$@"; {keep}')
    (row,) = run_inspect(str(tiny_model_dir), ["one.py", "two.py"], tmp_path, limit=5, python=python, arguments=["--epochs", "3"])
    told = capfd.readouterr().err
    assert "http://127.0.0.1:" in told
    assert f"eval one.py two.py --model openai-api/seodang/{tiny_model_dir.name}" in told
    assert "--limit 5 --epochs 3" in told
    assert row["task"] == "inspect:lines"
    assert row["model"] == tiny_model_dir.name
    assert Path(row["folder"]).is_relative_to(tmp_path)


def test_a_log_without_a_score_does_not_lose_the_others(tiny_model_dir: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(LOG.read_text(encoding="utf-8").replace('"value": "C"', '"value": 7'), encoding="utf-8")
    keep = f'while [ "$1" != --log-dir ]; do shift; done; mkdir -p "$2"; cp {bad} "$2/a.json"; cp {LOG} "$2/b.json"'
    python = program(tmp_path / "python", keep)
    with pytest.raises(InputError, match="no score from 0 to 1") as caught:
        run_inspect(str(tiny_model_dir), ["one.py"], tmp_path, limit=None, python=python)
    assert "1 of 2 logs were imported" in (caught.value.hint or "")
    assert len(list((tmp_path / "eval").glob("*/manifest.json"))) == 1


def test_a_failure_and_a_missing_log_are_errors_with_its_last_words(tiny_model_dir: Path, tmp_path: Path) -> None:
    for number, lines in enumerate(("echo no such task; exit 2", "echo nothing done")):
        python = program(tmp_path / f"python-{number}", lines)
        with pytest.raises(InputError, match=r"inspect-ai failed: (no such task|nothing done)"):
            run_inspect(str(tiny_model_dir), ["one.py"], tmp_path, limit=None, python=python)
