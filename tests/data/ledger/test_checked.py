"""Checks by way of the ledger: the same verdicts as without it, asked once, and asked again for what a change concerns."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))  # where the checks below stand, here and in worker processes

from data_project import FixedTeacher, enter_project, make_documents, make_records, verify_project
from seodang.core.errors import InputError
from seodang.core.records import Passage, Record
from seodang.data.engine.executor import Executor
from seodang.data.engine.local import InProcess, LocalProcesses
from seodang.data.ledger.check_config import check_config, context_digests, own_fields
from seodang.data.ledger.checked import KeptChecks
from seodang.data.ledger.facts import check_stage
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.view import verifications
from seodang.data.verify.context import CheckContext, bare_context
from seodang.data.verify.decide import decide
from seodang.data.verify.find import check_names
from seodang.data.verify.section import CHECKS, HOW_IT_IS_DONE, VerifySection

ROW, TEXT, PASSAGES = make_documents(16)
RECORDS = make_records(PASSAGES, 40)


def put(folder: Path, checks: Sequence[str], records: Sequence[Record] = RECORDS, executor: Executor | None = None) -> Any:
    """Decisions on the records by these checks, and the numbers of units that each of them has in the ledger."""
    with Ledger(folder, create=True) as ledger, bare_context(VerifySection(checks=tuple(checks))) as bare:
        entities = enter_project(ledger, PASSAGES, records, ROW, TEXT)
        kept = KeptChecks(ledger, executor or InProcess(), {entity.name: entity.id for entity in entities}, group=7)
        decisions = decide(records, replace(bare, passages={passage.id: passage for passage in PASSAGES}), ask=kept)
        return decisions, {check.name: len(ledger.done(check_stage(check.name), check.config)) for check in kept.put}


def test_the_ledger_changes_no_decision(tmp_path: Path) -> None:
    """The oracle: checks asked directly, as they were before there was a ledger."""
    checks = ("well_formed", "grounded", "second_answer", "near_duplicate")
    with bare_context(VerifySection(checks=checks)) as bare:
        expected = decide(RECORDS, replace(bare, passages={passage.id: passage for passage in PASSAGES}))
    found, done = put(tmp_path, checks)
    assert [decision.row() for decision in found] == [decision.row() for decision in expected]
    assert {decision.outcome for decision in expected} == {"accepted", "rejected"}
    assert done["well_formed"] == len(expected) > done["near_duplicate"] > 0


def test_a_check_that_raises_fails_only_its_record_and_one_that_ends_its_process_too(tmp_path: Path) -> None:
    """At one worker and at two."""
    records = [replace(RECORDS[0], question=question) for question in ("Is it one?", "Does it raise?", "Is it two?")]
    here, _ = put(tmp_path / "1", ["odd_checks:raising"], records)
    with LocalProcesses(2) as executor:
        there, _ = put(tmp_path / "2", ["odd_checks:raising"], records, executor)
        ending, _ = put(tmp_path / "3", ["odd_checks:ending"], records, executor)
    assert [d.row() for d in here] == [d.row() for d in there]
    assert [decision.outcome for decision in here] == ["accepted", "failed", "accepted"]
    assert here[1].verdicts[0].evidence == {"error": "ValueError: it cannot be done"}
    assert [decision.outcome for decision in ending] == ["accepted", "failed", "accepted"]
    assert ending[1].verdicts[0].evidence == {"error": "the worker process ended with exit code 5"}
    with pytest.raises(InputError, match="nothing to ask"):
        put(tmp_path / "4", ["odd_checks:refusing"], records)


def test_a_check_that_compares_or_asks_the_teacher_ends_no_run(tmp_path: Path) -> None:
    """The one that asks fails the record alone; one that compares fails all, as no record can be told to be at fault."""
    records = [replace(RECORDS[0], question=question) for question in ("Is it one?", "Does it raise?", "Is it two?")]
    asking, done = put(tmp_path / "1", ["odd_asking:asking"], records)
    assert [decision.outcome for decision in asking] == ["accepted", "failed", "accepted"]
    assert asking[1].verdicts[0].evidence == {"error": "KeyError: 'lines'"}
    assert done == {"odd_asking:asking": 3}
    comparing, done = put(tmp_path / "2", ["odd_comparisons:comparing"], records)
    assert {decision.verdicts[0].evidence["error"] for decision in comparing} == {"ZeroDivisionError: division by zero"}
    assert done == {"odd_comparisons:comparing": 3}
    forgetting, _ = put(tmp_path / "3", ["odd_comparisons:forgetting"], records)
    assert {decision.outcome for decision in forgetting} == {"failed"}


def test_what_a_check_does_not_read_does_not_ask_it_again(tmp_path: Path) -> None:
    """Another threshold asks its own check, and those after it that compare records with one another; the others not."""
    teacher, again = FixedTeacher(), FixedTeacher()
    project: dict[str, Any] = {"num_records": 40, "num_passages": 16}
    verify_project(tmp_path, InProcess(), **project, section=VerifySection(calibration=4, rivals=2), teacher=teacher)
    changed = VerifySection(calibration=4, rivals=2, duplicate_similarity=0.5, exam_similarity=0.5)
    verify_project(tmp_path, InProcess(), **project, section=changed, teacher=again)
    with Ledger(tmp_path / "ledger") as ledger:
        stages = [row["stage"].removeprefix("verify.") for row in ledger.all_rows("activity") if row["stage"].startswith("verify.")]
        assert len(verifications(ledger)) == 2
    assert sorted(stages) == sorted([*CHECKS, "near_duplicate", "decontaminated"])
    assert teacher.num_scored > 0 == again.num_scored


def context(**parts: Any) -> CheckContext:
    journal: Any = None
    return CheckContext(journal, journal, **parts)


def config_of(name: str, among: Sequence[str] = ("a",), **parts: Any) -> str:
    told = context(**parts)
    return check_config(name, told, context_digests(told), among=among).digest


def test_a_configuration_holds_what_its_check_reads_and_nothing_else() -> None:
    passage: dict[str, Any] = {"passages": {"p": Passage("d", 0, 1, "x", "", "", "x", "en", "MIT")}}
    exam: dict[str, Any] = {"exam_questions": ["Why?"]}
    assert config_of("grounded") != config_of("grounded", **passage)
    assert config_of("grounded") == config_of("grounded", **exam)
    assert config_of("decontaminated") != config_of("decontaminated", **exam)
    assert config_of("decontaminated") == config_of("decontaminated", **passage)
    assert config_of("near_duplicate") != config_of("near_duplicate", among=["a", "b"])
    assert config_of("grounded") == config_of("grounded", among=["a", "b"])
    assert config_of("points_back") != config_of("points_back", teacher=FixedTeacher())
    other = VerifySection(min_agreement=0.9)
    assert config_of("second_answer") != config_of("second_answer", section=other)
    assert config_of("grounded") == config_of("grounded", section=other)
    # A check from outside may read any setting.
    assert config_of("odd_checks:raising") != config_of("odd_checks:raising", section=other)
    assert config_of("odd_checks:raising") != config_of("odd_checks:raising", **exam)
    workers = VerifySection(workers=3, executor="ray", ray_address="auto")
    assert config_of("odd_checks:raising") == config_of("odd_checks:raising", section=workers)


def test_the_version_of_a_check_is_part_of_its_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    from seodang.data.verify import grounded

    before = config_of("grounded")
    monkeypatch.setattr(grounded, "VERSION", grounded.VERSION + 1)
    assert config_of("grounded") != before


def test_every_knob_of_verification_belongs_to_a_check() -> None:
    """A knob whose description names no check is taken to concern all of them; there is none."""
    owned = {field for check in check_names() for field in own_fields(check)}
    assert set(VerifySection.model_fields) - owned - set(HOW_IT_IS_DONE) == set()
    assert "min_agreement" in own_fields("second_answer")
    assert "min_agreement" not in own_fields("grounded")


def test_a_worker_is_given_what_the_check_reads(tmp_path: Path) -> None:
    """In another process, as here, without a run's journal and teacher."""
    with LocalProcesses(2) as executor:
        there, _ = put(tmp_path / "2", ["grounded"], executor=executor)
    here, _ = put(tmp_path / "1", ["grounded"])
    assert [decision.row() for decision in there] == [decision.row() for decision in here]
    assert {decision.outcome for decision in here} == {"accepted", "rejected"}
