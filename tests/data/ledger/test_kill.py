"""Verifications that are killed at random moments end with the ledger of an unkilled one, at any number of workers."""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from data_project import hashed_files
from kill_data import faults_of, kill_once, to_end

SMALL: dict[str, Any] = {"num_records": 48, "num_passages": 16, "group": 8}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unkilled verification by one worker; not to be changed. It also warms what later ones start from."""
    folder = tmp_path_factory.mktemp("whole") / "project"
    to_end(folder, 1, SMALL)
    return folder


@pytest.mark.timeout(600)
def test_six_kills_change_nothing_at_any_number_of_workers(whole: Path, tmp_path: Path) -> None:
    """A kill that came after the end, because the machine was busier before, is drawn again."""
    seconds = {workers: to_end(tmp_path / f"whole{workers}", workers, SMALL) for workers in (1, 2, 4)}
    expected = hashed_files(whole)
    assert len(expected) > 20
    assert [faults_of(tmp_path / f"whole{workers}", expected) for workers in (1, 2, 4)] == [[], [], []]
    draw = random.Random(0)
    num_died = 0
    for number in range(18):
        workers = (1, 2, 4)[num_died % 3]
        killed = kill_once(tmp_path / f"kill{number}", workers, seconds[workers] * draw.uniform(0.05, 0.7), expected, SMALL)
        assert killed.faults == ()
        num_died += killed.died
        if num_died == 6:
            break
    assert num_died == 6


def test_a_ledger_that_differs_is_told(whole: Path, tmp_path: Path) -> None:
    """The comparison above can fail."""
    expected = hashed_files(whole)
    shutil.copytree(whole, tmp_path / "other")
    (path,) = (tmp_path / "other" / "ledger" / "decisions").glob("*.jsonl")
    path.write_text(path.read_text(encoding="utf-8").replace('"accepted"', '"rejected"', 1), encoding="utf-8")
    assert len(faults_of(tmp_path / "other", expected)) == 2
