"""What lm-eval's command line is given and says; its clients themselves are tried in `tests/evaluation/adapters/test_lm_eval.py`."""

from pathlib import Path

import pytest

from seodang.core.errors import InputError
from seodang.pipeline.harness.lm_eval import run_lm_eval


def program(path: Path, lines: str) -> Path:
    """A stand-in for a Python that has lm-eval: it answers the question for it, and then does `lines`."""
    path.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit 0\n{lines}\n', encoding="utf-8")
    path.chmod(0o700)
    return path


def test_a_python_without_lm_eval_is_named_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lm-eval is not installed") as caught:
        run_lm_eval("nowhere", "kmmlu", tmp_path, chat=False, limit=None, python=Path("/bin/false"))
    assert "lm-eval[api]" in (caught.value.hint or "")


@pytest.mark.parametrize("chat", [False, True])
def test_what_lm_eval_says_is_passed_on_and_its_last_words_are_the_error(
    tiny_model_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], *, chat: bool
) -> None:
    python = program(tmp_path / "python", 'echo "$@"; echo; echo "Tasks not found: kmmlu" >&2; exit 3')
    with pytest.raises(InputError, match="lm-eval failed: Tasks not found: kmmlu"):
        run_lm_eval(str(tiny_model_dir), "kmmlu", tmp_path, chat=chat, limit=7, python=python, arguments=["--include_path", "mine"])
    told = capfd.readouterr().err
    assert "--limit 7 --include_path mine" in told
    assert ("--model local-chat-completions" in told) is chat
    assert ("--apply_chat_template" in told) is chat
    assert ("max_length=1024" in told) is not chat


def test_a_run_without_results_is_an_error(tiny_model_dir: Path, tmp_path: Path) -> None:
    python = program(tmp_path / "python", "exit 0")
    with pytest.raises(InputError, match="lm-eval left no results: it said nothing"):
        run_lm_eval(str(tiny_model_dir), "kmmlu", tmp_path, chat=False, limit=None, python=python)


@pytest.mark.parametrize("words", ["datasets.exceptions.DatasetNotFoundError: gone", "Couldn't reach the hub", "requests ConnectionError"])
def test_a_hub_out_of_reach_leads_to_a_copy_of_ones_own(tiny_model_dir: Path, tmp_path: Path, words: str) -> None:
    python = program(tmp_path / "python", f'echo "{words}"; exit 1')
    with pytest.raises(InputError) as caught:
        run_lm_eval(str(tiny_model_dir), "kmmlu", tmp_path, chat=False, limit=None, python=python)
    assert "your own copy" in (caught.value.hint or "")


def test_a_model_is_served_under_a_name_that_its_arguments_can_hold(
    tiny_model_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a b"
    folder.symlink_to(tiny_model_dir)
    python = program(tmp_path / "python", 'echo "$@"; exit 1')
    with pytest.raises(InputError, match="lm-eval failed"):
        run_lm_eval(str(folder), "kmmlu", tmp_path, chat=True, limit=None, python=python)
    assert "model=a-b,base_url=" in capfd.readouterr().err
