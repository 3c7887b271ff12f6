"""Ray on one machine gives what plain processes give."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # where `units` stands

from units import square, whimsical

from data_project import hashed_files, verify_project
from seodang.data.engine.local import InProcess
from seodang.data.engine.open import open_executor
from seodang.data.verify.section import VerifySection

ray = pytest.importorskip("ray", reason="the extra `cluster` is not installed")
pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore::FutureWarning")]


def test_the_ledger_is_the_same_in_bytes_and_a_units_end_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once started, Ray is used for all of it: starting it is the dear part."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=":")  # for Ray's processes; the guard stays in it
    section = VerifySection(checks=("well_formed", "grounded", "near_duplicate"))
    verify_project(tmp_path / "local", InProcess(), num_records=40, num_passages=16, group=8, section=section)
    with open_executor("ray", 1) as executor:
        values = [outcome.value for outcome in executor.map_units(square, range(5), shared=1)]
        outcomes = list(executor.map_units(whimsical, ["a", "raise", "b"]))
        verify_project(tmp_path / "ray", executor, num_records=40, num_passages=16, group=8, section=section)
    assert values == [1, 2, 5, 10, 17]
    assert [(outcome.value, outcome.error, outcome.attempts) for outcome in outcomes] == [
        ("a", "", 1),
        (None, "ValueError: it cannot be done", 2),
        ("b", "", 1),
    ]
    assert hashed_files(tmp_path / "ray") == hashed_files(tmp_path / "local") != {}
    assert not ray.is_initialized()
