"""`seodang data audit`, `replay` and `show`: what they print, and with which code they end."""

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from data_project import verify_project
from seodang.cli import main as entry
from seodang.cli.main import cli
from seodang.data.engine.local import InProcess
from seodang.data.verify import points_back

POLICY = "version: 1\nname: stricter\nthresholds: [{check: points_back, evidence: margin_nats, at_least: 3}]\n"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    verify_project(tmp_path, InProcess(), num_records=40, num_passages=16)
    return tmp_path / "ledger"


def call(*arguments: str | Path) -> str:
    done = CliRunner().invoke(cli, ["data", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def exit_code(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["seodang", "data", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        entry.main()
    return int(end.value.code or 0)


def test_an_audit_proves_conservation_and_ends_with_8_where_it_does_not_hold(
    ledger: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads(call("audit", ledger, "--json"))
    assert told["accepted"] + told["rejected"] + told["quarantined"] + told["failed"] == told["input"] == 40
    assert told["faults"] == []
    assert f"accepted {told['accepted']} + rejected {told['rejected']}" in call("audit", ledger)
    with sqlite3.connect(ledger / "index.sqlite") as index:
        index.execute("DELETE FROM unit WHERE record = (SELECT record FROM unit LIMIT 1)")
    index.close()
    capsys.readouterr()
    assert exit_code(monkeypatch, "audit", ledger, "--json") == 8
    printed = capsys.readouterr()
    assert json.loads(printed.out)["num_faults"] > 0
    assert "not marked as done" in printed.err


def test_a_replay_prints_the_flow_and_keeps_its_decisions_beside_the_old_ones(ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text(POLICY, encoding="utf-8")
    told = json.loads(call("replay", ledger, "--policy", tmp_path / "new.yaml", "--json"))
    changed = {(row["from"], row["to"]): row["num"] for row in told["flow"] if row["from"] != row["to"]}
    assert changed == {("accepted", "rejected"): told["before"]["accepted"] - told["after"]["accepted"]}
    assert told["after"]["input"] == told["before"]["input"] == 40
    assert len([*(ledger / "decisions").glob("*.jsonl")]) == 2
    printed = call("replay", ledger, "--policy", tmp_path / "new.yaml")
    assert f"accepted to rejected: {changed['accepted', 'rejected']}" in printed
    assert json.loads(call("audit", ledger, "--json"))["views"] == 2


def test_a_replay_tells_what_it_could_not_decide(ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text("version: 1\nname: looser\nchecks: {grounded: {fail: accepted}}\n", encoding="utf-8")
    told = json.loads(call("replay", ledger, "--policy", tmp_path / "new.yaml", "--json"))
    assert told["unasked"] == [{"check": "second_answer", "num": told["after"]["failed"]}]
    assert told["after"]["failed"] > 0
    assert "for want of a verdict of second_answer" in call("replay", ledger, "--policy", tmp_path / "new.yaml")


def test_show_prints_a_record_down_to_its_document(ledger: Path) -> None:
    rows = [json.loads(line) for path in (ledger / "decisions").glob("*.jsonl") for line in path.read_text("utf-8").splitlines()[1:]]
    row = next(row for row in rows if row["decision"] == "accepted")
    by_name, by_id = (json.loads(call("show", name, "--in", ledger, "--json")) for name in (row["name"], row["record"][:20]))
    assert by_name == by_id
    assert len(by_name["verdicts"]) == 6
    printed = call("show", row["name"], "--in", ledger)
    for text in (
        row["record"],
        "lamps.md, characters",
        "sha256",
        "CC0-1.0",
        f"points_back {points_back.VERSION}",
        "accepted, policy default",
    ):
        assert text in printed


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["audit", "nowhere"], 3, "no run here"),
        (["show", "0123456789", "--runs", "nowhere"], 3, "no record `0123456789`"),
        (["replay", "--policy", "p.yaml", "--runs", "nowhere"], 3, "0 runs"),
        (["replay", "nowhere", "--policy", "missing.yaml"], 3, "no run here"),
    ],
)
def test_what_is_not_there_is_told(
    arguments: list[str], code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert exit_code(monkeypatch, *arguments) == code
    assert said in capsys.readouterr().err


def test_a_policy_that_is_none_ends_with_2(ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (tmp_path / "new.yaml").write_text("version: 1\nname: p\nthreshold: []\n", encoding="utf-8")
    assert exit_code(monkeypatch, "replay", ledger, "--policy", tmp_path / "new.yaml") == 2
    assert "did you mean `thresholds`?" in capsys.readouterr().err
