"""A commit counts as a whole or not at all, whenever the process ends, and nothing counts twice."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from data_project import FixedTeacher, hashed_files, verify_project
from kills import KilledError
from seodang.core.errors import InputError, StorageError
from seodang.data.engine.local import InProcess
from seodang.data.ledger import ledger as module
from seodang.data.ledger.audit import audit
from seodang.data.ledger.facts import Activity, Entity, Finding, Unit
from seodang.data.ledger.ledger import Ledger
from seodang.data.verify.section import VerifySection

STEPS = ("write_shard", "_flush_folder", "enter")  # the three parts of a commit
TINY: dict[str, Any] = {"num_records": 12, "num_passages": 6, "group": 6}
TWO_CHECKS = VerifySection(checks=("well_formed", "near_duplicate"))


def one(ledger: Ledger, outcome: str = "pass") -> tuple[Unit, Entity, Activity, Finding]:
    entity = Entity("sample", "r", {"question": "why?"})
    activity = Activity("verify.grounded", "1", "c")
    return Unit("verify.grounded", "c", entity.id), entity, activity, Finding(entity.id, "grounded", 1, "c", outcome, {}, activity.id)


def test_a_unit_is_done_once_with_effect(tmp_path: Path) -> None:
    with Ledger(tmp_path, create=True) as ledger:
        unit, entity, activity, finding = one(ledger)
        ledger.commit([unit], entities=[entity], activities=[activity], findings=[finding])
        assert ledger.done("verify.grounded", "c") == {entity.id}
        with pytest.raises(sqlite3.IntegrityError):
            ledger.commit([unit], findings=[one(ledger, "fail")[3]])
        assert ledger.verdicts("grounded", "c")[entity.id].outcome == "pass"
    with Ledger(tmp_path, create=True) as ledger:  # what the refused commit had written is not taken up
        assert len([*tmp_path.glob("verdict/*.parquet")]) == len(ledger.shards("verdict")) == 1


def test_a_fact_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    entity = Entity("sample", "r", {"question": "why?"})
    with Ledger(tmp_path, create=True) as ledger:
        ledger.commit((), entities=[entity, entity])
        ledger.commit((), entities=[entity, Entity("sample", "s", {"question": "who?"})])
        assert [len(ledger.all_rows("record")), len(ledger.shards("record"))] == [2, 2]
        assert ledger.find("r") == [entity.id] == ledger.find(entity.id[:8])
        assert ledger.find(entity.id[:7]) == []
        assert ledger.row(entity.id)["name"] == "r"
        with pytest.raises(InputError, match="no record or activity"):
            ledger.row("f" * 64)


def test_times_and_costs_stand_beside_the_hashed_facts(tmp_path: Path) -> None:
    for name, started in (("a", 1e9), ("b", 1.5e9)):
        with Ledger(tmp_path / name / "ledger", create=True) as ledger:
            unit, entity, activity, finding = one(ledger)
            ledger.commit([unit], entities=[entity], activities=[activity], findings=[finding], costs={"tokens": 3}, started=started)
            (row,) = ledger.measured()
            assert (row["stage"], row["num_units"], row["tokens"]) == ("verify.grounded", 1, 3)
            assert row["started"][:4] == {"a": "2001", "b": "2017"}[name]
    assert hashed_files(tmp_path / "a") == hashed_files(tmp_path / "b") != {}


def test_a_process_that_ends_anywhere_in_a_commit_costs_nothing(tmp_path: Path) -> None:
    """After every single part of every commit in turn: the next process ends with the bytes of an unbroken one."""
    verify_project(tmp_path / "whole", InProcess(), **TINY, section=TWO_CHECKS)
    expected, place, ended = hashed_files(tmp_path / "whole"), 0, 0
    while True:
        folder = tmp_path / str(place)
        if not _ends_after(place, folder):
            break
        ended += 1
        verify_project(folder, InProcess(), **TINY, section=TWO_CHECKS)
        assert hashed_files(folder) == expected, place
        with Ledger(folder / "ledger") as ledger:
            assert audit(ledger)["num_faults"] == 0
        place += 1
    assert ended > 20


def _ends_after(place: int, folder: Path) -> bool:
    """Whether the process ended, as it were, right after part number `place` of all commits."""
    calls = iter(range(10_000))

    def ending(part: Any) -> Any:
        def call(*arguments: Any) -> Any:
            done = part(*arguments)
            if next(calls) == place:
                raise KilledError
            return done

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            patch.setattr(module, name, ending(getattr(module, name)))
        try:
            verify_project(folder, InProcess(), **TINY, section=TWO_CHECKS)
        except KilledError:
            return True
    return False


def test_what_is_in_the_ledger_is_not_asked_of_the_teacher_again(tmp_path: Path) -> None:
    first, second = FixedTeacher(), FixedTeacher()
    before = verify_project(tmp_path, InProcess(), **TINY, teacher=first)
    assert verify_project(tmp_path, InProcess(), **TINY, teacher=second) == before
    assert first.num_scored > 0 == second.num_scored


def test_a_folder_without_a_ledger_and_a_foreign_index_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no ledger here"):
        Ledger(tmp_path)
    (tmp_path / "index.sqlite").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(StorageError, match="not an index of a ledger"):
        Ledger(tmp_path)
    (tmp_path / "index.sqlite").unlink()
    with sqlite3.connect(tmp_path / "index.sqlite") as index:
        index.execute("PRAGMA user_version = 9")
    index.close()
    with pytest.raises(StorageError, match="format 9"):
        Ledger(tmp_path)
