"""`seodang data check`, `audit-checks` and `review`: JSON alone on stdout, true line numbers, refusals in one line."""

import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seodang.cli.main import main
from seodang.scoring.sandbox.isolation import IsolationError
from seodang.scoring.sandbox.run import isolation_lines
from similar_texts import edited, written

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls `seodang data …`; returns its exit code, stdout and stderr."""

    def call(*arguments: str | int | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["seodang", "data", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    return call


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_one_check_on_records_that_anyone_brings(data: Call, tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    rows = [{"question": "q", "answer": '{"a": 1}', "truth": {"schema": schema}}, {"messages": [{"role": "user", "content": "x"}]}]
    code, out, err = data("check", "json_schema", "--input", lines(tmp_path / "in.jsonl", rows), "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["check"] == "json_schema"
    assert [verdict["outcome"] for verdict in told["verdicts"]] == ["pass", "undecided"]


ASKED, ANSWERED = "How many days may a customer return a phone after buying it?", "Within 14 days."
SHAPES = [
    {"question": ASKED, "answer": ANSWERED},
    {"prompt": ASKED, "completion": ANSWERED},
    {"instruction": ASKED, "output": ANSWERED},
    {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": ANSWERED}]},
    {"conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": ANSWERED}]},
]


def test_check_scan_and_dedup_read_the_same_rows(data: Call, tmp_path: Path) -> None:
    """Five shapes of one row, under a byte order mark: each is found in the exam by both, and four of them are taken out."""
    file = tmp_path / "in.jsonl"
    file.write_text("\ufeff" + "".join(json.dumps(row) + "\n\n" for row in SHAPES), encoding="utf-8")
    exam = lines(tmp_path / "exam.jsonl", [{"question": ASKED}])
    code, out, _ = data("check", "contamination", "--input", file, "--against", exam, "--json")
    assert code == 0
    assert [(verdict["line"], verdict["outcome"]) for verdict in json.loads(out)["verdicts"]] == [(n, "fail") for n in (1, 3, 5, 7, 9)]
    code, out, _ = data("scan", file, "--against", exam, "--json")
    assert (code, json.loads(out)["dirty"]) == (0, 5)
    code, _, _ = data("dedup", file, tmp_path / "out.jsonl")
    assert code == 0
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 1


def test_verdicts_have_the_line_of_their_row(data: Call, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('\n{"text": "a"}\n\n{"text": "a"}\n{"id": 1, "text": "b"}\n')
    code, out, _ = data("check", "hidden_text", "--input", file, "--json")
    rows = json.loads(out)["verdicts"]
    assert (code, [row["line"] for row in rows]) == (0, [2, 4, 5])
    assert rows[0]["record"] == rows[1]["record"] != rows[2]["record"]
    _, out, _ = data("check", "hidden_text", "--input", file)
    assert [line.split()[1] for line in out.splitlines()] == [f"{file}:{number}" for number in (2, 4, 5)]


@pytest.mark.parametrize("name", ["points_back", "second_answer", "contamination", "decontaminated", "grounded", "judged", "quoted"])
@pytest.mark.parametrize("kind", ["sample", "know", "act", "general"])
def test_what_a_check_has_nothing_to_compare_with_is_undecided_with_what_is_missing(
    data: Call, tmp_path: Path, name: str, kind: str
) -> None:
    """Also rows of a run, which name passages that are not here."""
    file = lines(tmp_path / "in.jsonl", [row | {"kind": kind, "passages": ["0a"], "action": "open_door"} for row in SHAPES])
    code, out, err = data("check", name, "--input", file, "--json")
    assert (code, err) == (0, "")
    for verdict in json.loads(out)["verdicts"]:
        assert verdict["outcome"] == "undecided"
        assert verdict["evidence"]["reason"]
        assert name in ("judged", "quoted") or (verdict["evidence"]["missing"] and verdict["evidence"]["hint"])


def test_given_what_was_missing_the_checks_decide(data: Call, tmp_path: Path) -> None:
    evidence = "A customer may return a phone within 14 days after buying it."
    rows = [{**SHAPES[0], "samples": [sample], "truth": {"evidence": evidence}} for sample in ("within 14 days", "bananas grow on trees")]
    _, out, _ = data("check", "second_answer", "--input", lines(tmp_path / "in.jsonl", rows), "--json")
    assert [verdict["outcome"] for verdict in json.loads(out)["verdicts"]] == ["pass", "fail"]
    exam = lines(tmp_path / "exam.jsonl", [{"text": ASKED}])
    asked = lines(tmp_path / "asked.jsonl", [SHAPES[4], {"text": ASKED}, {"text": "Roaming is turned on in the settings."}])
    for name in ("contamination", "decontaminated"):
        _, out, _ = data("check", name, "--input", asked, "--against", exam, "--json")
        assert [verdict["outcome"] for verdict in json.loads(out)["verdicts"]] == ["fail", "fail", "pass"]
    code, _, err = data("check", "contamination", "--input", asked, "--against", lines(tmp_path / "empty.jsonl", []))
    assert (code, "no exam items" in err) == (3, True)


def test_texts_without_questions_are_compared_by_their_words(data: Call, tmp_path: Path) -> None:
    """Twenty unlike texts, and a near copy of one of them: `near_duplicate` keeps the first, `duplicate` the longer one."""
    draw = random.Random(7)
    texts = [written(draw, 40) for _ in range(20)]
    copy = edited(draw, texts[3], 0.01)
    file = lines(tmp_path / "in.jsonl", [{"text": text} for text in [*texts, copy]])
    for name in ("near_duplicate", "duplicate", "cap", "poison"):
        code, out, _ = data("check", name, "--input", file, "--json")
        failed = {verdict["line"] for verdict in json.loads(out)["verdicts"] if verdict["outcome"] != "pass"}
        assert code == 0
        assert failed in {"near_duplicate": [{21}], "duplicate": [{4}, {21}]}.get(name, [set()]), name


def test_an_environment_is_loaded_only_where_the_user_names_it(data: Call, tmp_path: Path) -> None:
    truth = {"environment": "test_nowhere:Lines", "initial_state": {}, "calls": []}
    file = lines(tmp_path / "in.jsonl", [{"question": "q", "answer": "", "truth": truth}])
    _, out, _ = data("check", "tool_calls", "--input", file, "--json")
    assert "not among those" in out
    of_seodang = lines(tmp_path / "own.jsonl", [{"question": "q", "answer": "", "truth": truth | {"environment": "seodang.cli.main:main"}}])
    code, out, _ = data("check", "tool_calls", "--input", of_seodang, "--json")
    assert (code, "not among those" in out) == (0, True)
    _, out, _ = data("check", "tool_calls", "--input", file, "--environment", "test_nowhere:Lines", "--json")
    assert "cannot open" in out


def test_a_fault_is_named_by_its_true_line(data: Call, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('\n{"text": "a"}\n\n  \n[1]\n')
    code, _, err = data("check", "json_schema", "--input", file)
    assert code == 3
    assert f"{file}:5: not a row" in err


@pytest.mark.parametrize(
    ("field", "value"), [("truth", "x"), ("truth", [1]), ("turns", 5), ("turns", ["x"]), ("passages", "abc"), ("kind", 1)]
)
def test_a_field_of_another_type_is_named_with_its_line(data: Call, tmp_path: Path, field: str, value: Any) -> None:
    file = lines(tmp_path / "in.jsonl", [{"text": "a"}, {"question": "q", "answer": "a", field: value}])
    code, out, err = data("check", "json_schema", "--input", file)
    assert (code, out) == (3, "")
    assert err.startswith(f"error: {file}:2: `{field}` must be ")
    assert len(err.splitlines()) == 2


@pytest.mark.parametrize("command", [("check", "--input", "in.jsonl"), ("audit-checks",)])
@pytest.mark.parametrize("name", ["json:loads", "seodang.core.records:Record", "nope", "decide", "probe", "words"])
def test_what_is_no_check_is_told_with_the_list_of_checks(data: Call, command: tuple[str, ...], name: str) -> None:
    code, out, err = data(*command, name)
    assert (code, out) == (2, "")
    assert "is no check" in err or "no check `" in err
    named = err.partition("there are: ")[2].strip().split(", ")
    assert "tool_calls" in named or "did you mean" in err
    assert not {"decide", "probe", "words", "context", "section"} & set(named)


def test_a_file_that_can_be_read_only_once(data: Call) -> None:
    end, begin = os.pipe()
    os.write(begin, b'\n{"text": "a"}\n')
    os.close(begin)
    code, out, _ = data("check", "json_schema", "--input", f"/dev/fd/{end}", "--json")
    os.close(end)
    assert code == 0
    assert len(json.loads(out)["verdicts"]) == 1


def test_a_check_that_raises_fails_its_record(data: Call, tmp_path: Path) -> None:
    truth = {"environment": "seodang.data.verify_audit.phone_lines:PhoneLines", "initial_state": 5, "calls": []}
    file = lines(tmp_path / "in.jsonl", [{"question": "q", "answer": "", "truth": truth}])
    code, out, _ = data("check", "tool_calls", "--input", file, "--json")
    assert (code, json.loads(out)["verdicts"][0]["outcome"]) == (0, "error")


def test_the_isolation_in_force_is_told_where_code_is_run(data: Call, tmp_path: Path) -> None:
    try:
        needed = isolation_lines()
    except IsolationError as fault:
        pytest.skip(fault.what)
    truth = {"tests": "assert f(2) == 4", "entry_point": "f"}
    file = lines(tmp_path / "in.jsonl", [{"question": "q", "answer": "def f(n):\n    return n * n\n", "truth": truth}])
    code, out, err = data("check", "code_runs", "--input", file, "--json")
    assert code == 0
    assert json.loads(out)["verdicts"][0]["outcome"] == "pass"
    assert err.splitlines() == needed
    untested = lines(tmp_path / "untested.jsonl", [{"question": "q", "answer": "a"}])
    assert data("check", "code_runs", "--input", untested)[2] == ""


def test_the_audit_as_json(data: Call) -> None:
    code, out, err = data("audit-checks", "tool_calls", "second_answer", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    row = told["tool_calls"]
    assert row["probes"] >= 60
    assert row["false_accept"] == 0
    low, high = row["intervals"]["false_accept"]
    assert low == 0 < high < 0.12
    assert row["certifies"]
    assert told["second_answer"]["false_accept"] > 0
    assert not told["second_answer"]["certifies"]


def test_strict_fails_where_a_check_was_fooled(data: Call) -> None:
    assert data("audit-checks", "json_schema", "--strict")[0] == 0
    code, out, _ = data("audit-checks", "second_answer", "--strict")
    assert code == 1
    assert "should fail, said pass (adversarial)" in out


def test_a_review_there_and_back(data: Call, tmp_path: Path) -> None:
    rows = [
        {"id": f"r{n}", "outcome": "accepted", "check": "", "kind": "know", "question": f"Q{n}?", "answer": "A.", "verdicts": []}
        for n in range(30)
    ]
    out = tmp_path / "queue.json"
    code, told, _ = data("review", "export", lines(tmp_path / "accepted.jsonl", rows), out, "--person", "kim", "--person", "lee", "--json")
    assert code == 0
    assert json.loads(told)["items"] == 24  # 96.04 / (1 + 95.04 / 30): half width 0.1 of 30 records
    for person in ("kim", "lee"):
        path = tmp_path / f"queue.{person}.json"
        tasks = json.loads(path.read_text())
        for place, task in enumerate(sorted(tasks, key=lambda task: task["data"]["item"])):
            choice = "wrong" if place % 5 == 0 or (place == 1 and person == "kim") else "right"
            task["annotations"] = [{"completed_by": 1, "result": [{"from_name": "verdict", "value": {"choices": [choice]}}]}]
        path.write_text(json.dumps(tasks))
    code, told, _ = data("review", "import", tmp_path / "queue.kim.json", tmp_path / "queue.lee.json", "--json")
    assert code == 0
    found = json.loads(told)
    assert (found["items"], found["to_adjudicate"]) == (24, 1)
    assert 0.5 < found["agreement"]["alpha"] < 1
    verdicts = [json.loads(line) for line in Path(found["verdicts"]).read_text().splitlines()]
    assert {verdict["check"] for verdict in verdicts} == {"person:kim", "person:lee"}
    (task,) = json.loads(Path(found["adjudication"]).read_text())
    assert task["data"]["round"] == "adjudication"
    code, told, _ = data("review", "import", tmp_path / "queue.kim.json", tmp_path / "queue.lee.json")
    assert code == 0
    assert "Krippendorff's alpha" in told


def test_refusals_are_one_line(data: Call, tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", [{"id": "1", "question": "q", "answer": "a"}])
    for arguments in (
        ("review", "export", tmp_path / "nowhere", tmp_path / "q.json"),
        ("review", "export", file, tmp_path / "q.json", "--person", "kim"),
        ("review", "import", tmp_path / "nowhere.json"),
        ("check", "no_such_check", "--input", file),
        ("audit-checks", "no_such_check"),
    ):
        code, _, err = data(*arguments)
        assert code not in (0, 70), arguments
        assert len(err.strip().splitlines()) == 2, err
