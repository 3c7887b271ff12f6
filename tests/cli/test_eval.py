"""`seodang eval compare`, `gate`, `power` and `similarity`: what they print, and with which code they end."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from answered import evaluated, make_items
from seodang.cli import main as entry
from seodang.cli.main import cli
from seodang.core.errors import ModelError
from seodang.models.chat_model import Completion, Message, Sampling
from seodang.pipeline import evaluate as pipeline
from seodang.pipeline import gate as gates

ITEMS = make_items(60, parts=2)
RULES = "name: g\nstudent: s\ntasks: [{task: exam, role: primary, rules: [{rule: at_least, threshold: 0.5}]}]\n"


def call(*arguments: str | Path) -> str:
    done = CliRunner().invoke(cli, ["eval", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def exit_code(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["seodang", "eval", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        entry.main()
    return int(end.value.code or 0)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    evaluated(tmp_path / "eval" / "good__exam__1", ITEMS, [1.0] * 45 + [0.0] * 15)
    evaluated(tmp_path / "eval" / "poor__exam__2", ITEMS, [1.0] * 20 + [0.0] * 40)
    evaluated(tmp_path / "eval" / "poorer__exam__3", ITEMS[:59], [1.0] * 10 + [0.0] * 49)
    return tmp_path


def test_names_below_the_runs_may_be_cut_and_folders_named(runs: Path) -> None:
    (row,) = json.loads(call("compare", "good", "poor__", "--runs", runs, "--json"))
    assert row["difference"] == pytest.approx(25 / 60)
    assert json.loads(call("compare", runs / "eval" / "good__exam__1", runs / "eval" / "poor__exam__2", "--json")) == [row]


def test_a_comparison_is_told_in_sentences(runs: Path) -> None:
    told = call("compare", "good", "poor__", "--runs", runs)
    assert "good__exam__1 scores more than poor__exam__2 on laid_down (+41.7 points" in told
    assert "A better on 25 items, B on 0, equal on 35" in told
    assert "p0:" in told


def test_a_part_without_a_difference_tells_what_it_would_have_seen(runs: Path) -> None:
    evaluated(runs / "eval" / "even__exam__4", ITEMS, [1.0, 1.0, 1.0, 0.0] * 15)
    told = call("compare", "good", "even__", "--runs", runs)
    (row,) = json.loads(call("compare", "good", "even__", "--runs", runs, "--json"))
    lines = {line.split(":")[0].strip(): line for line in told.splitlines()}
    assert row["parts"]["p0"]["p_holm"] <= 0.05 < row["parts"]["p1"]["p_holm"]
    assert "would have been seen" not in lines["p0"]
    assert f"a true difference of {100 * row['parts']['p1']['seen']:.1f} points would have been seen with 80 %" in lines["p1"]


def test_what_was_asked_otherwise_is_told(runs: Path) -> None:
    evaluated(runs / "eval" / "short__exam__4", ITEMS, [0.0] * 60, options={"max_new_tokens": 8})
    assert "They were asked otherwise: max_new_tokens: none and 8." in call("compare", "good", "short", "--runs", runs)


def test_a_name_that_means_two_or_none_is_refused_with_the_candidates(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(monkeypatch, "compare", "good", "poor", "--runs", runs) == 3
    assert "poor__exam__2, poorer__exam__3" in capsys.readouterr().err
    assert exit_code(monkeypatch, "compare", "good", "bad", "--runs", runs) == 3
    assert "no evaluation `bad`" in capsys.readouterr().err


def test_other_items_need_common_and_are_told(runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(monkeypatch, "compare", "good", "poorer", "--runs", runs) == 3
    assert "1 only in the first (i59)" in capsys.readouterr().err
    assert "left out: 1 items of A, 0 of B" in call("compare", "good", "poorer", "--common", "--runs", runs)


def test_a_report_is_written_of_other_items_too_and_its_first_model_is_named_as_on_the_page(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [runs / "eval" / "good__exam__1", runs / "eval" / "poorer__exam__3"]
    told = json.loads(call("report", *folders, folders[0], "--runs", runs, "--first", "poorer__exam__3", "--json"))
    assert [model["name"] for model in told["models"]] == ["good__exam__1", "poorer__exam__3"]
    assert told["retention"]["good__exam__1"]["knowledge"]["left_out"] == {"student": 0, "teacher": 1}
    assert exit_code(monkeypatch, "report", *folders, "--runs", runs, "--first", "nobody") == 3
    assert "there are: good__exam__1, poorer__exam__3" in capsys.readouterr().err


def test_similarities_split_a_comparison(runs: Path) -> None:
    file = runs / "similar.jsonl"
    rows = [{"item": item.id, "similarity": float(place < 30)} for place, item in enumerate(ITEMS)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    told = call("compare", "good", "poor__", "--runs", runs, "--similarity", file)
    assert "clean items: +50.0 points, 30 items" in told
    assert "dirty items: +33.3 points, 30 items" in told


@pytest.mark.parametrize(("right", "code"), [(59, 0), (5, 9), (31, 13)])
def test_a_gate_ends_with_the_code_of_its_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], right: int, code: int
) -> None:
    def run_gate(*_: Any, **told: Any) -> dict[str, Any]:
        from seodang.evaluation.gate import decide, waive
        from seodang.evaluation.gate_file import load_gate

        found = evaluated(tmp_path / "student", ITEMS, [1.0] * right + [0.0] * (60 - right))
        verdict = decide(load_gate(tmp_path / "gate.yaml"), {("exam", "student"): found})
        for waiver in told["waivers"]:
            verdict = waive(verdict, waiver, "now")
        told_before = {"declared_before": True, "changes": [], "redeclared": []}
        return verdict | told_before | {"folder": "here"}

    monkeypatch.setattr(gates, "run_gate", run_gate)
    (tmp_path / "gate.yaml").write_text(RULES, encoding="utf-8")
    name = {0: "passed", 9: "failed", 13: "inconclusive"}[code]
    if code == 0:
        assert f"g: {name}" in call("gate", tmp_path / "gate.yaml")
        return
    assert exit_code(monkeypatch, "gate", tmp_path / "gate.yaml", "--json") == code
    printed = capsys.readouterr()
    assert json.loads(printed.out)["verdict"] == name
    assert f"the gate `g` {'failed' if code == 9 else 'is inconclusive'}" in printed.err
    if code == 13:
        assert "(waived by Kim)" in call("gate", tmp_path / "gate.yaml", "--waive", "Kim: enough for this release")


def test_a_gate_takes_the_similarity_of_a_dirty_item_as_compare_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def run_gate(*_: Any, **told: Any) -> dict[str, Any]:
        asked.append(told)
        empty: dict[str, Any] = {"changes": [], "redeclared": [], "rules": [], "secondary": [], "retention": {}}
        return {**empty, "declared_before": True, "gate": "g", "verdict": "passed", "folder": "here"}

    monkeypatch.setattr(gates, "run_gate", run_gate)
    call("gate", tmp_path / "gate.yaml", "--similarity", "exam=near.jsonl", "--threshold", "0.8")
    assert (asked[0]["similarity"], asked[0]["threshold"]) == ({"exam": Path("near.jsonl")}, 0.8)


def test_power_takes_a_share_or_a_count(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(call("power", "--n", "400", "--discordant", "0.2", "--json"))
    assert told == json.loads(call("power", "--n", "400", "--discordant", "80", "--json"))
    assert list(told["superior"]["needed_items"]) == ["1", "2", "3", "5"]
    assert "5 points: 658 and 639 items" in call("power", "--n", "400", "--discordant", "0.2")
    assert exit_code(monkeypatch, "power", "--n", "10", "--discordant", "11") == 3
    assert "cannot be discordant" in capsys.readouterr().err


@pytest.mark.parametrize("discordant", ["1.5", "12.25"])
def test_power_takes_no_part_of_an_item(discordant: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(monkeypatch, "power", "--n", "100", "--discordant", discordant) == 3
    assert "a number of items is whole" in capsys.readouterr().err
    assert "1.0 % of them" in call("power", "--n", "100", "--discordant", "1.0")


@pytest.mark.parametrize(
    ("tasks", "option"),
    [(["mathematics"], "limit=3"), (["mathematics", "instruction"], "mathematics.limit=3"), (["mathematics"], "seed=3")],
)
def test_an_option_that_is_given_twice_is_refused(
    tasks: list[str], option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline, "open_model", lambda *_, **__: pytest.fail("opened"))
    twice = ["--limit", "4"] if "limit" in option else ["--option", "seed=4"]
    named = [word for task in tasks for word in ("--task", task)]
    assert exit_code(monkeypatch, "run", "--model", "m", *named, "--option", option, *twice) == 3
    assert "is given twice" in capsys.readouterr().err


def test_similarities_of_a_task_are_written_and_counted(tmp_path: Path) -> None:
    exam, records = tmp_path / "exam.jsonl", tmp_path / "records.jsonl"
    row = {"id": "q", "part": "know", "document": None, "question": "Which date counts as today?", "accepted": ["2025"], "wrong": []}
    exam.write_text(json.dumps(row) + "\n", encoding="utf-8")
    records.write_text(json.dumps({"question": "Which date counts as today?", "answer": "2025"}) + "\n", encoding="utf-8")
    told = call("similarity", records, "--task", "exam", "--option", f"files={exam}", "--out", tmp_path / "out.jsonl", "--runs", tmp_path)
    assert "1 of 1 items are at least 0.5 like one of 1 records" in told
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["similarity"] == 1


def test_a_run_tells_clean_and_dirty_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Right:
        name, synthetic, identity = "right", True, {"kind": "right"}

        def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
            return [[Completion("2025" if "date" in one[-1].content else "no", "stop", 5, 3)] for one in conversations]

    monkeypatch.setattr(pipeline, "open_model", lambda *_, **__: Right())
    told = {"part": "know", "document": None, "accepted": ["2025"], "wrong": []}
    rows = [{"id": "a", "question": "Which date is it?", **told}, {"id": "b", "question": "Which year is it?", **told}]
    exam, file = tmp_path / "exam.jsonl", tmp_path / "similar.jsonl"
    exam.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    similar = [{"item": "a", "similarity": 0.3}, {"item": "b", "similarity": 0.2}]
    file.write_text("".join(json.dumps(row) + "\n" for row in similar), encoding="utf-8")
    asked = ["run", "--model", "m", "--task", "exam", "--option", f"files={exam}", "--runs", tmp_path, "--similarity", file]
    assert "clean items: 50.0 %" in call(*asked)
    split = json.loads(call(*asked, "--threshold", "0.3", "--json"))["similarity"]
    assert (split["clean"]["score"], split["dirty"]["score"]) == (0, 1)


def test_errors_are_asked_again_where_that_is_asked_for_and_only_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refuses:
        name, synthetic, identity, refused = "refuses", True, {"kind": "refuses"}, {"Which year is it?"}

        def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
            if self.refused & {one[-1].content for one in conversations}:
                raise ModelError("too long")
            return [[Completion("2025", "stop", 5, 3)] for _ in conversations]

    monkeypatch.setattr(pipeline, "open_model", lambda *_, **__: Refuses())
    told = {"part": "know", "document": None, "accepted": ["2025"], "wrong": []}
    rows = [{"id": "a", "question": "Which date is it?", **told}, {"id": "b", "question": "Which year is it?", **told}]
    exam = tmp_path / "exam.jsonl"
    exam.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    asked = ["run", "--model", "m", "--task", "exam", "--option", f"files={exam}", "--runs", tmp_path, "--json"]
    first = json.loads(call(*asked))
    assert (first["errors"], first["score"]) == (1, 0.5)
    monkeypatch.setattr(Refuses, "refused", set[str]())
    assert json.loads(call(*asked)) == first
    again = json.loads(call(*asked, "--retry-errors"))
    assert (again["errors"], again["score"], again["folder"]) == (0, 1.0, first["folder"])


class Silent:
    """Says one word, and cannot rank continuations."""

    name, synthetic, identity = "silent", True, {"kind": "silent"}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        return [[Completion("no", "stop", 5, 1)] for _ in conversations]


def test_several_tasks_are_asked_at_once_each_with_its_own_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "open_model", lambda *_, **__: Silent())
    both = ["--task", "mathematics", "--task", "instruction", "--limit", "4", "--runs", tmp_path]
    rows = json.loads(call("run", "--model", "m", *both, "--option", "mathematics.seed=3", "--json"))
    assert [(row["task"], row["n"]) for row in rows] == [("mathematics", 4), ("instruction", 4)]
    alone = json.loads(call("run", "--model", "m", *both[:2], *both[4:], "--option", "seed=3", "--json"))
    assert alone["folder"] == rows[0]["folder"]


def test_all_tasks_are_those_that_the_model_can_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "open_model", lambda *_, **__: Silent())
    monkeypatch.setattr("seodang.pipeline.asked_tasks.task_names", lambda: ["exam", "multilingual", "mathematics"])
    options = ["--option", "multilingual.mode=choose", "--option", "multilingual.lexical=0", "--limit", "2", "--runs", str(tmp_path)]
    done = CliRunner().invoke(cli, ["eval", "run", "--model", "m", "--task", "all", *options])
    assert done.exit_code == 0, done.output
    assert "silent on mathematics" in done.stdout
    assert "left out: multilingual: " in done.stderr
    assert "exam" not in done.output


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (["--option", "seed=3"], "which task is this option of?"),
        (["--option", "matematics.seed=3"], "which task is this option of?"),
        (["--option", "mathematics.sed=3"], "did you mean `seed`?"),
        (["--out", "here"], "`--out` is of one task"),
        (["--similarity", "near.jsonl"], "`--similarity` is of one task"),
    ],
)
def test_what_does_not_fit_several_tasks_is_refused_before_a_model_is_opened(
    extra: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline, "open_model", lambda *_, **__: pytest.fail("opened"))
    assert exit_code(monkeypatch, "run", "--model", "m", "--task", "mathematics", "--task", "instruction", *extra) == 3
    assert told in capsys.readouterr().err


def test_an_evaluation_is_exported_by_the_beginning_of_its_name(runs: Path, tmp_path: Path) -> None:
    call("export-results", "good", "--runs", runs, "--out", tmp_path / "out")
    assert list((tmp_path / "out").rglob("results_*.json"))
