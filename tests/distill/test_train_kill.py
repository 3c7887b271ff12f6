"""Trainings that are killed at random moments and gone on with end with the files of an unkilled one."""

import random
from pathlib import Path

import kill_teaching


def test_three_kills_leave_no_trace(tmp_path: Path) -> None:
    kill_teaching.to_end(kill_teaching.train, tmp_path / "whole")
    expected = kill_teaching.contents(tmp_path / "whole")
    assert any(name.endswith(".safetensors") for name in expected)
    draw = random.Random(7)

    def killed(folder: Path) -> kill_teaching.Killed:
        delay_s, num_changes = draw.uniform(0, 0.02), draw.randint(2, 24)
        return kill_teaching.kill_once(kill_teaching.train, folder, delay_s, expected, num_changes)

    found = [killed(tmp_path / f"kill-{number}") for number in range(3)]
    assert [one.different for one in found] == [()] * 3
    assert sum(one.died and one.num_files > 0 for one in found) >= 2  # in the midst of the work
