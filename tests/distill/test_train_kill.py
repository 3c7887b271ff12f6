"""Trainings that are killed at random moments and gone on with end with the files of an unkilled one."""

import random
from pathlib import Path

import kill_teaching


def test_five_kills_leave_no_trace(tmp_path: Path) -> None:
    kill_teaching.to_end(kill_teaching.train, tmp_path / "warm")
    seconds = kill_teaching.to_end(kill_teaching.train, tmp_path / "whole")
    expected = kill_teaching.contents(tmp_path / "whole")
    assert any(name.endswith(".safetensors") for name in expected)
    moments = [seconds * random.Random(7 + number).uniform(0.1, 0.9) for number in range(5)]
    found = [kill_teaching.kill_once(kill_teaching.train, tmp_path / f"kill-{n}", moment, expected) for n, moment in enumerate(moments)]
    assert [killed.different for killed in found] == [()] * 5
    assert sum(killed.died and killed.num_files > 0 for killed in found) >= 2  # in the midst of the work
