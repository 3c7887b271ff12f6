"""What generators wrote and did not teach is counted by generator and reason."""

from contextlib import closing
from pathlib import Path

from seodang.core.files import Journal
from seodang.core.records import Record
from seodang.data.build.units import dropped_by_generator


def test_what_was_dropped_is_told_by_generator_and_reason(tmp_path: Path) -> None:
    record = Record("general", "Why?", "So.", (), "en").row()
    with closing(Journal(tmp_path / "journal.jsonl")) as journal:
        journal.append("questions/0+2", [record, None])
        journal.append("evolve/0a1b2c3d/0+3", [record, {"dropped": "too long"}, None])
        journal.append("evolve/0a1b2c3d/3+1", [{"dropped": "too long"}])
        journal.append("gaps/0a1b2c3d/student", [0.5, 0.25])
        journal.append("magpie/0a1b2c3d/0+1", [record])
        assert dropped_by_generator(journal) == {"questions": {"cut off": 1}, "evolve": {"too long": 2, "cut off": 1}}
