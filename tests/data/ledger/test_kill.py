"""Verifications that are killed at random moments end with the ledger of an unkilled one, at any number of workers."""

import random
from pathlib import Path
from typing import Any

import pytest

from data_project import hashed_files
from kill_data import faults_of, kill_once, to_end

SMALL: dict[str, Any] = {"num_records": 48, "num_passages": 16, "group": 8}


@pytest.mark.timeout(600)
def test_six_kills_change_nothing_at_any_number_of_workers(tmp_path: Path) -> None:
    to_end(tmp_path / "warm", 1, SMALL)
    seconds = {workers: to_end(tmp_path / f"whole{workers}", workers, SMALL) for workers in (1, 2, 4)}
    expected = hashed_files(tmp_path / "whole1")
    assert len(expected) > 20
    assert [faults_of(tmp_path / f"whole{workers}", expected) for workers in (2, 4)] == [[], []]
    draw = random.Random(0)
    found = [
        kill_once(tmp_path / f"kill{number}", workers, seconds[workers] * draw.uniform(0.05, 0.8), expected, SMALL)
        for number, workers in enumerate([1, 2, 4, 1, 2, 4])
    ]
    assert [killed.faults for killed in found] == [()] * 6
    assert sum(killed.died for killed in found) >= 3


@pytest.mark.timeout(600)
def test_a_ledger_that_differs_is_told(tmp_path: Path) -> None:
    """The comparison above can fail."""
    to_end(tmp_path / "whole", 1, SMALL)
    expected = hashed_files(tmp_path / "whole")
    (path,) = (tmp_path / "whole" / "ledger" / "decisions").glob("*.jsonl")
    path.write_text(path.read_text(encoding="utf-8").replace('"accepted"', '"rejected"', 1), encoding="utf-8")
    assert len(faults_of(tmp_path / "whole", expected)) == 2
