"""Decisions can be had again from the ledger alone, by any policy; and the audit finds what anyone changes."""

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_project import verify_project
from seodang.core.errors import InputError, VerificationError
from seodang.core.files import read_json_lines
from seodang.data.engine.local import InProcess
from seodang.data.ledger.audit import audit, require_sound
from seodang.data.ledger.facts import Activity, Entity, Finding, Unit
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.lineage import find_record, lineage
from seodang.data.ledger.policy import DECISIONS, Policy, load_policy
from seodang.data.ledger.tables import TABLES, shard_path, write_shard
from seodang.data.ledger.view import count, flow, one_verification, rule_all, view_path, write_view


def policy(**told: Any) -> Policy:
    return Policy.model_validate({"version": 1, "name": "other", **told})


@pytest.fixture
def changed(verified: Any, tmp_path: Path) -> Path:
    """A copy of the ledger, to be changed."""
    shutil.copytree(verified.ledger, tmp_path / "ledger")
    return tmp_path / "ledger"


def faults(folder: Path) -> list[str]:
    with Ledger(folder) as ledger:
        return audit(ledger)["faults"]


def test_the_view_is_what_was_decided_with_every_input_in_it(verified: Any) -> None:
    with Ledger(verified.ledger) as ledger:
        (verification,) = one_verification(ledger, None)
        assert rule_all(ledger, verification) == verified.ruled
        found = audit(ledger)
    counts = count(verified.ruled)
    assert counts["input"] == len(verified.ruled) == 60 == sum(counts[decision] for decision in DECISIONS)
    assert counts["accepted"] > 0 < counts["rejected"]
    assert {key: found[key] for key in counts} == counts
    assert found["repeated"] == sum(row.check == "repeated" for row in verified.ruled) > 0
    assert found["units"] == found["verdicts"] > 0 == found["num_faults"]
    assert found["records"] == {"document": 1, "sample": len({row.record for row in verified.ruled}), "span": 24}
    require_sound(found)


def test_another_policy_decides_again_and_changes_nothing_that_was_kept(changed: Path, verified: Any) -> None:
    stricter = policy(thresholds=[{"check": "points_back", "evidence": "margin_nats", "at_least": 3.0}])
    looser = policy(checks={"second_answer": {"fail": "accepted"}})
    before = {path: path.read_bytes() for path in changed.rglob("*") if path.is_file()}
    with Ledger(changed) as ledger:
        (verification,) = one_verification(ledger, None)
        for other in (stricter, looser):
            ruled = rule_all(ledger, verification, other)
            assert sum(count(ruled)[decision] for decision in DECISIONS) == 60
            write_view(changed, verification, other, ruled)
        strict, loose = rule_all(ledger, verification, stricter), rule_all(ledger, verification, looser)
    assert {path: path.read_bytes() for path in before} == before
    assert len([*(changed / "decisions").glob("*.jsonl")]) == 3
    assert faults(changed) == []
    told = {(row["from"], row["to"]): row["num"] for row in flow(verified.ruled, strict)}
    assert told["accepted", "rejected"] == sum(
        row.decision == "accepted" and after.decision == "rejected" for row, after in zip(verified.ruled, strict, strict=True)
    )
    assert told["accepted", "rejected"] > 0
    # What the old policy rejected was put to no later check.
    rejected = [row for row in verified.ruled if row.check == "second_answer"]
    now = {row.record: row for row in loose if row.check != "repeated"}
    assert rejected
    for row in rejected:
        assert (now[row.record].decision, now[row.record].check) == ("failed", "points_back")
        assert now[row.record].reasons[0].why == "no verdict of points_back"


def test_a_policy_in_use_puts_what_it_lets_through_to_the_later_checks(tmp_path: Path, verified: Any) -> None:
    looser = policy(checks={"second_answer": {"fail": "accepted"}})
    ruled = verify_project(tmp_path, InProcess(), num_records=60, num_passages=24, group=16, policy=looser)
    assert count(ruled)["failed"] == 0
    assert count(ruled)["accepted"] > count(verified.ruled)["accepted"]
    assert "second_answer" not in {row.check for row in ruled}


def test_a_view_is_never_overwritten(changed: Path) -> None:
    with Ledger(changed) as ledger:
        (verification,) = one_verification(ledger, None)
        ruled = rule_all(ledger, verification)
        assert write_view(changed, verification, load_policy(), ruled) == view_path(changed, verification, load_policy())
        with pytest.raises(VerificationError, match="not those of the verdicts"):
            write_view(changed, verification, load_policy(), ruled[::-1])


def rewrite(folder: Path, table: str, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Writes a table's first shard anew with other rows, as somebody would who knows how: its name and the index agree with it."""
    with Ledger(folder) as ledger:
        name = next(iter(ledger.shards(table)))
        rows = [row for row in ledger.all_rows(table) if row in _rows(ledger, table, name)]
    shard_path(folder, table, name).unlink()
    change(rows)
    new, _ = write_shard(folder, table, rows)
    with sqlite3.connect(folder / "index.sqlite") as index:
        index.execute("UPDATE shard SET name = ?, num_rows = ? WHERE name = ?", (new, len(rows), name))
        index.execute("UPDATE unit SET shard = ? WHERE shard = ?", (new, name))
        index.execute("UPDATE fact SET shard = ? WHERE shard = ?", (new, name))
    index.close()


def _rows(ledger: Ledger, table: str, name: str) -> list[dict[str, Any]]:
    from seodang.data.ledger.tables import read_shard

    return read_shard(ledger.folder, table, name)


def drop_span(rows: list[dict[str, Any]]) -> None:
    span = next(row for row in rows if row["kind"] == "span")
    span["content"] = span["content"].replace('"end":', '"end":1')


def turn(rows: list[dict[str, Any]]) -> None:
    rows[0]["outcome"] = "fail" if rows[0]["outcome"] == "pass" else "pass"


CHANGES: dict[str, tuple[str, Callable[[list[dict[str, Any]]], Any], str]] = {
    "a verdict is turned": ("verdict", turn, "not those of"),
    "a verdict is taken out": ("verdict", lambda rows: rows.pop(), "without a verdict"),
    "a verdict stands twice": ("verdict", lambda rows: rows.append(rows[0]), "was done 2 times"),
    "a verdict is on nobody": ("verdict", lambda rows: rows[0].update(record="f" * 64), "unknown record"),
    "a verdict is by nobody": ("verdict", lambda rows: rows[0].update(activity="f" * 64), "by no activity"),
    "a verdict says what none can": ("verdict", lambda rows: rows[0].update(outcome="maybe"), "says `maybe`"),
    "an answer is changed": ("record", lambda rows: rows[0].update(content=rows[0]["content"].replace("a", "b")), "other content"),
    "a record is taken out": ("record", lambda rows: rows.pop(), "the index knows"),
    "a span is moved": ("record", drop_span, "other content"),
    "a record comes from nowhere": ("record", lambda rows: rows[0].update(derived_from=["f" * 64]), "derived from the unknown"),
    "a record was made by nobody": ("record", lambda rows: rows[0].update(activity="f" * 64), "made by no activity"),
    "an activity's settings are changed": ("activity", lambda rows: rows[0].update(prompts="other"), "other content"),
    "an activity is taken out": ("activity", lambda rows: rows.pop(), "the index knows"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_audit_finds_a_change_by_somebody_who_knows_the_format(name: str, changed: Path) -> None:
    table, change, expected = CHANGES[name]
    rewrite(changed, table, change)
    found = faults(changed)
    assert any(expected in fault for fault in found), found
    with Ledger(changed) as ledger, pytest.raises(VerificationError):
        require_sound(audit(ledger))


@pytest.mark.parametrize("table", TABLES)
def test_the_audit_finds_a_shard_that_is_gone_or_has_other_bytes(table: str, changed: Path) -> None:
    with Ledger(changed) as ledger:
        path = shard_path(changed, table, next(iter(ledger.shards(table))))
    path.write_bytes(path.read_bytes() + b"\0")
    assert any("other bytes" in fault for fault in faults(changed))
    path.unlink()
    assert any("is missing" in fault for fault in faults(changed))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM unit WHERE record = (SELECT record FROM unit LIMIT 1)", "not marked as done"),
        ("INSERT INTO unit SELECT 'verify.grounded', 'c', record, shard FROM unit LIMIT 1", "without a verdict"),
        ("DELETE FROM fact WHERE id = (SELECT id FROM fact LIMIT 1)", "the index knows"),
        ("UPDATE shard SET num_rows = num_rows + 1", "rows, and the index says"),
        ("DELETE FROM shard WHERE kind = 'activity'", "by no activity"),
    ],
)
def test_the_audit_finds_a_changed_index(statement: str, expected: str, changed: Path) -> None:
    with sqlite3.connect(changed / "index.sqlite") as index:
        index.execute(statement)
    index.close()
    assert any(expected in fault for fault in faults(changed))


def test_the_audit_finds_decisions_that_somebody_changed(changed: Path) -> None:
    (path,) = (changed / "decisions").glob("*.jsonl")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"decision": "rejected"', '"decision": "accepted"', 1), encoding="utf-8")
    assert faults(changed) == [f"the decisions in {path.name} are not those of the verdicts"]
    path.write_text(text.replace('"rejected": ', '"rejected": 1', 1), encoding="utf-8")
    assert faults(changed) == [f"the decisions in {path.name} are not those of the verdicts"]


def test_a_span_that_its_document_does_not_hold_is_found(tmp_path: Path) -> None:
    """Content and id agree here; only the document says otherwise."""
    document = Entity("document", "d", {"name": "d", "sha256": "0", "origin": "d", "text": "Lamps burn oil."})
    told = {"document": "d", "start": 0, "end": 5, "text": "Lamps"}
    right, wrong = (Entity("span", f"s{end}", {**told, "end": end}, derived_from=(document.id,)) for end in (5, 6))
    for name, span in (("right", right), ("wrong", wrong)):
        activity = Activity("ingest", "1", "c", generated=(document.id, span.id))
        entities = [Entity(e.kind, e.name, e.content, derived_from=e.derived_from, activity=activity.id) for e in (document, span)]
        with Ledger(tmp_path / name, create=True) as ledger:
            ledger.commit((), entities=entities, activities=[activity])
            found = [fault for fault in audit(ledger)["faults"] if "span" in fault]
        assert found == ([] if name == "right" else [f"span {span.id[:16]} is not what its document says there"])


def test_an_empty_ledger_proves_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path, create=True) as ledger:
        assert audit(ledger)["faults"] == ["nothing was verified here"]
        assert audit(ledger, "f" * 64)["faults"] == ["no verification ffffffffffffffff in the ledger"]
        with pytest.raises(InputError, match="nothing was verified"):
            one_verification(ledger, None)


def test_lineage_leads_to_the_documents_bytes_with_every_verdict(verified: Any) -> None:
    accepted = next(row for row in verified.ruled if row.decision == "accepted")
    with Ledger(verified.ledger) as ledger:
        assert find_record(ledger, accepted.name) == find_record(ledger, accepted.record[:12]) == accepted.record
        assert find_record(ledger, "nobody") is None
        told = lineage(ledger, accepted.record)
        rows = [row for row in ledger.all_rows("verdict") if row["record"] == accepted.record]
        (text,) = (json.loads(row["content"])["text"] for row in ledger.all_rows("record") if row["kind"] == "document")
    assert Counter(verdict["check"] for verdict in told["verdicts"]) == Counter(row["check"] for row in rows)
    assert len(told["verdicts"]) == 6
    assert told["decisions"][0]["decision"] == "accepted"
    assert {decision["check"] for decision in told["decisions"][1:]} <= {"repeated"}
    assert told["activity"]["stage"] == "build.know"
    (span,) = told["derived_from"]
    (document,) = span["derived_from"]
    assert text[span["content"]["start"] : span["content"]["end"]] == span["content"]["text"]
    assert document["kind"] == "document"
    assert len(document["content"]["sha256"]) == 64
    assert document["permissions"] == {"license": "CC0-1.0"}
    assert document["derived_from"] == []


def test_several_records_of_one_name_are_told(tmp_path: Path) -> None:
    with Ledger(tmp_path, create=True) as ledger:
        ledger.commit((), entities=[Entity("sample", "r", {"n": number}) for number in range(2)])
        with pytest.raises(InputError, match="2 records are called `r`"):
            find_record(ledger, "r")


def test_a_record_that_was_verified_twice_shows_both(tmp_path: Path) -> None:
    """Two configurations of one check are two verdicts, and both stay."""
    entity = Entity("sample", "r", {"question": "why?"})
    with Ledger(tmp_path, create=True) as ledger:
        made = Activity("build.know", "1", "c", generated=(entity.id,))
        ledger.commit((), entities=[Entity("sample", "r", {"question": "why?"}, activity=made.id)], activities=[made])
        for config, outcome in (("a", "fail"), ("b", "pass")):
            activity = Activity("verify.grounded", "1", config)
            finding = Finding(entity.id, "grounded", 1, config, outcome, {}, activity.id)
            ledger.commit([Unit("verify.grounded", config, entity.id)], activities=[activity], findings=[finding])
        assert {(row["config"], row["outcome"]) for row in lineage(ledger, entity.id)["verdicts"]} == {("a", "fail"), ("b", "pass")}


def test_the_views_first_line_says_by_which_policy(verified: Any) -> None:
    (path,) = (verified.ledger / "decisions").glob("*.jsonl")
    head, *rows = read_json_lines(path)
    assert head["policy"]["name"] == "default"
    assert path.name.startswith(head["policy_digest"][:16])
    assert rows == [row.row() for row in verified.ruled]
