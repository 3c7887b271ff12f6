"""Trainings that are killed at random moments and gone on with end with the files of an unkilled one."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

import kill_teaching


@pytest.mark.parametrize("work", kill_teaching.WORKS.values(), ids=kill_teaching.WORKS)
def test_five_kills_leave_no_trace(work: Callable[[Path], None], tmp_path: Path) -> None:
    kill_teaching.to_end(work, tmp_path / "warm")
    seconds = kill_teaching.to_end(work, tmp_path / "whole")
    expected = kill_teaching.contents(tmp_path / "whole")
    assert any(name.endswith(".safetensors") for name in expected)
    moments = random.Random(7)
    found = [kill_teaching.kill_once(work, tmp_path / f"kill-{n}", seconds * moments.uniform(0.1, 0.9), expected) for n in range(5)]
    assert [killed.different for killed in found] == [()] * 5
    assert sum(killed.died and killed.num_files > 0 for killed in found) >= 2  # in the midst of the work
