"""Trainings that are killed at random moments and gone on with end with the files of an unkilled one."""

import random
from pathlib import Path

import kill_teaching


def test_five_kills_leave_no_trace(tmp_path: Path) -> None:
    kill_teaching.to_end(kill_teaching.train, tmp_path / "whole")
    expected = kill_teaching.contents(tmp_path / "whole")
    assert any(name.endswith(".safetensors") for name in expected)
    draw = random.Random(7)
    found = [
        kill_teaching.kill_once(kill_teaching.train, tmp_path / f"kill-{n}", draw.uniform(0, 0.02), expected, num_changes=draw.randint(2, 24))
        for n in range(5)
    ]
    assert [killed.different for killed in found] == [()] * 5
    assert sum(killed.died and killed.num_files > 0 for killed in found) >= 4  # in the midst of the work
