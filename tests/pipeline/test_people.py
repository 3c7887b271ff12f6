"""What people say of a run's records counts from the import on: it decides by a policy, is proven by the audit, and is never lost."""

import json
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_project import verify_project
from seodang.cli.main import cli
from seodang.core.errors import InputError, RecipeError
from seodang.core.files import write_json, write_json_lines
from seodang.data.engine.local import InProcess
from seodang.data.ledger.audit import audit
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.policy import DECISIONS, load_policy
from seodang.data.ledger.tables import read_shard, shard_path, write_shard
from seodang.pipeline.context import RunContext
from seodang.pipeline.ledger import recipe_policy
from seodang.pipeline.recipe import load_recipe
from seodang.pipeline.workspace import Workspace

POLICIES = {
    "people": "{}",
    "judged_only": "{absent: quarantined}",
    "lenient": "{fail: accepted, undecided: accepted}",
    "undecided_too": "{undecided: rejected}",
}
SAID = {"right": "pass", "wrong": "fail", "cannot tell": "undecided"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs with one, of made-up records, as far as its step `verify`."""
    root = tmp_path_factory.mktemp("runs")
    verified, ledger = root / ".store" / "verify" / "k", root / ".store" / "ledger" / "ledger"
    verify_project(verified, InProcess(), num_records=40, num_passages=16)
    ledger.parent.mkdir()
    (verified / "ledger").rename(ledger)
    write_json(verified / "manifest.json", {})
    write_json_lines(root / ".store" / "ingest" / "k" / "passages.jsonl", [])
    steps = [{"name": "ingest", "key": "k"}, {"name": "build", "key": "ledger"}, {"name": "verify", "key": "k"}]
    row = {"name": "small", "recipe": {}, "base": ".", "student_source": {}, "synthetic": True, "steps": steps}
    write_json(root / "small" / "run.json", row)
    return root


@pytest.fixture
def runs(finished: Path, tmp_path: Path) -> Path:
    return copy(finished, tmp_path / "runs")


def copy(finished: Path, to: Path) -> Path:
    shutil.copytree(finished, to)
    return to


def ledger_of(runs: Path) -> Path:
    return runs / ".store" / "ledger" / "ledger"


def call(*arguments: str | Path) -> Any:
    done = CliRunner().invoke(cli, ["data", *map(str, arguments), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def export(runs: Path) -> tuple[Path, dict[str, Any]]:
    queue = runs.parent / "queue.json"
    call("review", "export", "small", queue, "--runs", runs, "--person", "kim", "--person", "lee", "--half-width", "0.02")
    return queue, json.loads(queue.with_suffix(".plan.json").read_text())


def answer(queue: Path, person: str, choices: Mapping[str, str], day: int = 1, *, adjudication: bool = False) -> Path:
    """What Label Studio exports after a person has answered the items that `choices` names."""
    own = queue.with_suffix(f".{'lee' if adjudication else person}.json")
    tasks = [task for task in json.loads(own.read_text()) if task["data"]["item"] in choices]
    for task in tasks:
        chosen = {"from_name": "verdict", "type": "choices", "value": {"choices": [choices[task["data"]["item"]]]}}
        note = {"from_name": "note", "type": "textarea", "value": {"text": ["생각한 까닭"]}}
        task["annotations"] = [{"completed_by": 1, "updated_at": f"2026-01-{day:02}T00:00:00Z", "result": [chosen, note]}]
        task["meta"] = {"person": person}
        task["data"]["round"] = "adjudication" if adjudication else "first"
    path = queue.parent / f"{person}.{day}.json"
    path.write_text(json.dumps(tasks))
    return path


def bring(runs: Path, queue: Path, *files: Path) -> dict[str, Any]:
    return call("review", "import", *files, "--plan", queue.with_suffix(".plan.json"), "--runs", runs)


def decide_by(runs: Path, name: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What `replay` prints, and its new decisions by the records' short names, without repeats."""
    policy = runs.parent / f"{name}.yaml"
    policy.write_text(f"version: 1\nname: {name}\nchecks: {{people: {POLICIES[name]}}}\n")
    told = call("replay", ledger_of(runs), "--policy", policy)
    rows = [json.loads(line) for line in Path(told["views"][0]).read_text().splitlines()[1:]]
    return told, {row["name"]: row for row in rows if row["check"] != "repeated"}


def faults(runs: Path) -> list[str]:
    with Ledger(ledger_of(runs)) as ledger:
        return audit(ledger)["faults"]


def content(runs: Path) -> dict[str, bytes]:
    files = (path for path in ledger_of(runs).rglob("*") if path.is_file())
    return {path.relative_to(runs).as_posix(): path.read_bytes() for path in files}


def settled(first: str, second: str) -> str:
    return first if first == second else "cannot tell"


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(draw=st.randoms(use_true_random=False), name=st.sampled_from(sorted(POLICIES)))
def test_what_two_people_say_decides_by_the_policy(draw: Any, name: str, finished: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Against the definition: the word of two who agree, `undecided` where they do not, and the checks alone where nobody spoke."""
    runs = copy(finished, tmp_path_factory.mktemp("drawn") / "runs")
    queue, plan = export(runs)
    items = draw.sample(sorted(plan["items"]), len(plan["items"]) * 3 // 4)
    kim, lee = ({item: draw.choice([*SAID]) for item in items} for _ in range(2))
    told = bring(runs, queue, answer(queue, "kim", kim), answer(queue, "lee", lee))
    assert told["num_new"] == 3 * len(items)
    before = {kept["record"]: kept["outcome"] for kept in plan["items"].values()}
    words = {plan["items"][item]["record"]: SAID[settled(kim[item], lee[item])] for item in items}
    whys = {plan["items"][item]["record"]: f"kim {SAID[kim[item]]}, lee {SAID[lee[item]]}" for item in items}
    replayed, after = decide_by(runs, name)
    means = {"people": ("rejected", "quarantined"), "judged_only": ("rejected", "quarantined"), "undecided_too": ("rejected", "rejected")}
    for record, was in before.items():
        word = words.get(record)
        if name == "lenient" or word == "pass" or (word is None and name != "judged_only"):
            expected = was
        elif word is None:
            expected = "quarantined" if was == "accepted" else was
        else:
            expected = means[name][word == "undecided"]
            assert after[record]["check"] == "people"
            assert after[record]["reasons"][0]["why"].split(": ")[1] == whys[record]
        assert (record, after[record]["decision"]) == (record, expected)
    counts = replayed["after"]
    assert sum(counts[decision] for decision in DECISIONS) == counts["input"] == 40
    found = call("audit", ledger_of(runs))
    assert found["num_faults"] == 0
    assert sum(found[decision] for decision in DECISIONS) == found["input"] == 40
    shown = call("show", after[plan["items"][items[0]]["record"]]["record"], "--in", ledger_of(runs))
    said = {verdict["check"]: verdict for verdict in shown["verdicts"]}
    assert said["person:kim"]["outcome"] == SAID[kim[items[0]]]
    assert [one["person"] for one in said["people"]["evidence"]["said"]] == ["kim", "lee"]
    assert said["people"]["evidence"]["said"][0]["note"] == "생각한 까닭"


def test_the_same_file_twice_changes_nothing(runs: Path) -> None:
    queue, plan = export(runs)
    files = [answer(queue, person, dict.fromkeys(plan["items"], "wrong")) for person in ("kim", "lee")]
    bring(runs, queue, *files)
    kept = content(runs)
    for again in (files, files[:1], files[1:], files[::-1]):
        assert bring(runs, queue, *again)["num_new"] == 0
        assert content(runs) == kept


def test_files_one_after_another_count_as_both_together(runs: Path) -> None:
    queue, plan = export(runs)
    kim, lee = (answer(queue, person, dict.fromkeys(plan["items"], "wrong")) for person in ("kim", "lee"))
    assert bring(runs, queue, kim)["final"] == 0
    assert bring(runs, queue, lee)["final"] == len(plan["items"])
    assert decide_by(runs, "people")[0]["after"]["accepted"] == 0


def test_a_later_word_counts_and_the_earlier_one_stays_a_fact(runs: Path) -> None:
    """So does a view that was decided before it; and an older export that is imported again takes nothing back."""
    queue, plan = export(runs)
    item = next(item for item, kept in sorted(plan["items"].items()) if kept["outcome"] == "accepted")
    record = plan["items"][item]["record"]
    old = [answer(queue, person, {item: "wrong"}) for person in ("kim", "lee")]
    bring(runs, queue, *old)
    first, rows = decide_by(runs, "people")
    assert rows[record]["decision"] == "rejected"
    kept = Path(first["views"][0]).read_bytes()
    assert bring(runs, queue, answer(queue, "kim", {item: "right"}, day=2))["num_new"] == 2
    assert decide_by(runs, "people")[1][record]["decision"] == "quarantined"  # the two disagree now
    third = answer(queue, "park", {item: "right"}, day=3, adjudication=True)
    assert bring(runs, queue, third)["num_new"] == 2
    assert decide_by(runs, "people")[1][record]["decision"] == "accepted"
    assert bring(runs, queue, *old)["num_new"] == 0
    assert Path(first["views"][0]).read_bytes() == kept
    assert faults(runs) == []
    shown = call("show", rows[record]["record"], "--in", ledger_of(runs))
    said = [(v["check"], v["outcome"], v.get("counts", True)) for v in shown["verdicts"] if v["check"].startswith("pe")]
    assert said == [
        *[("people", "fail", False), ("people", "undecided", False), ("people", "pass", True)],
        *[("person:kim", "fail", False), ("person:kim", "pass", True), ("person:lee", "fail", True), ("person:park", "pass", True)],
    ]
    assert [len(decision["heard"]) for decision in shown["decisions"] if decision["policy"] == "people"].count(3) == 1


def test_an_import_that_was_killed_before_its_commit_is_as_if_it_had_not_begun(
    runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    queue, plan = export(runs)
    files = [answer(queue, person, dict.fromkeys(plan["items"], "wrong")) for person in ("kim", "lee")]
    whole = copy(runs, tmp_path / "whole")
    bring(whole, queue, *files)

    def killed(*_: object) -> None:
        raise RuntimeError("killed")

    before = content(runs)
    with monkeypatch.context() as patch:
        patch.setattr("seodang.data.ledger.ledger.enter", killed)
        with pytest.raises(RuntimeError, match="killed"):
            bring(runs, queue, *files)
    assert content(runs).keys() > before.keys()  # shards that no transaction has entered
    assert faults(runs) == []
    assert decide_by(runs, "people")[0]["before"] == decide_by(runs, "people")[0]["after"]
    bring(runs, queue, *files)
    shards = {name: value for name, value in content(runs).items() if name.endswith(".parquet")}
    assert shards == {name: value for name, value in content(whole).items() if name.endswith(".parquet")}
    assert decide_by(runs, "people")[0]["after"]["accepted"] == 0


def rewrite_said(runs: Path, change: Any) -> None:
    """Changes what people said as somebody would who knows how: the shard's name and the index agree with it."""
    folder = ledger_of(runs)
    with Ledger(folder) as ledger:
        shards = {name: read_shard(folder, "verdict", name) for name in ledger.shards("verdict")}
    ((name, rows),) = [(name, rows) for name, rows in shards.items() if any(row["check"] == "people" for row in rows)]
    shard_path(folder, "verdict", name).unlink()
    change(rows)
    new, _ = write_shard(folder, "verdict", rows)
    with sqlite3.connect(folder / "index.sqlite") as index:
        index.execute("PRAGMA foreign_keys = OFF")
        index.execute("UPDATE shard SET name = ?, num_rows = ? WHERE name = ?", (new, len(rows), name))
        index.execute("UPDATE unit SET shard = ? WHERE shard = ?", (new, name))
        kept = [(row["record"], row["config"]) for row in rows]
        for record, config in index.execute("SELECT record, config FROM unit WHERE shard = ?", (new,)).fetchall():
            if (record, config) not in kept:
                index.execute("DELETE FROM unit WHERE record = ? AND config = ?", (record, config))
    index.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[0].update(outcome="pass"),
        lambda rows: rows.pop(),
        lambda rows: rows[-1].update(evidence=rows[-1]["evidence"].replace("생각", "다른")),
    ],
)
def test_the_audit_finds_a_changed_word_before_any_policy_has_heard_it(runs: Path, change: Any) -> None:
    queue, plan = export(runs)
    bring(runs, queue, *(answer(queue, person, dict.fromkeys(plan["items"], "wrong")) for person in ("kim", "lee")))
    assert faults(runs) == []
    rewrite_said(runs, change)
    (found,) = faults(runs)
    assert "is not what was entered" in found


def test_the_audit_finds_a_view_that_leaves_an_import_out(runs: Path) -> None:
    queue, plan = export(runs)
    bring(runs, queue, *(answer(queue, person, dict.fromkeys(plan["items"], "wrong")) for person in ("kim", "lee")))
    view = Path(decide_by(runs, "people")[0]["views"][0])
    head, *rows = [json.loads(line) for line in view.read_text().splitlines()]
    write_json_lines(view, [{**head, "heard": ["f" * 64]}, *rows])
    assert faults(runs) == [f"the decisions in {view.name} have heard an import that is not known"]
    write_json_lines(view, [{**head, "heard": []}, *rows])
    assert faults(runs) == [f"the decisions in {view.name} are not those of the verdicts"]


def test_a_queue_of_another_run_is_refused_and_one_of_a_file_has_no_ledger(runs: Path, tmp_path: Path) -> None:
    queue, plan = export(runs)
    files = [answer(queue, person, dict.fromkeys(plan["items"], "wrong")) for person in ("kim", "lee")]
    place = queue.with_suffix(".plan.json")
    moved = {**plan, "drawn_from": {**plan["drawn_from"], "ledger": "elsewhere"}}
    place.write_text(json.dumps(moved))
    with pytest.raises(InputError, match="is not here"):
        bring(runs, queue, *files)
    item = next(iter(plan["items"]))
    place.write_text(json.dumps({**plan, "items": {**plan["items"], item: {**plan["items"][item], "record": "unknown"}}}))
    with pytest.raises(InputError, match="was not verified"):
        bring(runs, queue, *files)
    place.write_text(json.dumps({name: value for name, value in plan.items() if name != "drawn_from"}))
    assert bring(runs, queue, *files)["ledger"] is None
    assert not any(row["stage"].startswith("verify.pe") for row in Ledger(ledger_of(runs)).all_rows("activity"))
    place.write_text(json.dumps(plan))
    away = tmp_path / "another" / "runs"
    assert call("review", "import", *files, "--plan", place, "--runs", away)["ledger"] == str(ledger_of(runs).resolve())


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("thresholds: [{check: people, evidence: n, at_least: 1}]", "tells no number"),
        ("certified_by: {know: [people]}", "could be audited"),
        ("checks: {grounded: {absent: rejected}}", "cannot be `absent`"),
        ("checks: {peopel: {}}", "no check `peopel`"),
    ],
)
def test_a_policy_that_asks_of_people_what_they_cannot_say_is_refused(written: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(f"version: 1\nname: p\n{written}\n")
    with pytest.raises(RecipeError, match=told):
        load_policy(tmp_path / "p.yaml")


def test_a_run_is_named_by_its_name_or_path_or_not_at_all_where_it_is_the_only_one(runs: Path, tmp_path: Path) -> None:
    expected = call("audit", runs / "small")
    assert expected["num_faults"] == 0 < expected["input"]
    assert call("audit", "small", "--runs", runs) == call("audit", "--runs", runs) == expected
    policy = tmp_path / "default.yaml"
    policy.write_text("version: 1\nname: default\n")
    told = call("replay", runs / "small", "--policy", policy)
    assert call("replay", "small", "--runs", runs, "--policy", policy) == call("replay", "--runs", runs, "--policy", policy) == told
    (view, *_) = told["views"]
    name = json.loads(Path(view).read_text().splitlines()[1])["record"]
    assert call("show", name, "--in", "small", "--runs", runs) == call("show", name, "--in", runs / "small")
    queues = [call("review", "export", run, tmp_path / f"{n}.json", "--runs", runs) for n, run in enumerate(("small", runs / "small"))]
    assert queues[0]["strata"] == queues[1]["strata"]
    shutil.copytree(runs / "small", runs / "other")
    for arguments in (["audit"], ["audit", "smal"]):
        with pytest.raises(InputError) as refused:
            call(*arguments, "--runs", runs)
        assert "small" in str(refused.value.hint)


def test_a_recipe_cannot_name_people_who_speak_after_it(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("version: 1\nname: p\nchecks: {people: {}}\n")
    recipe = load_recipe(Path(__file__).parents[2] / "recipes" / "telecom_demo.yaml")
    recipe = recipe.model_copy(update={"verify": recipe.verify.model_copy(update={"policy": "p.yaml"})})
    with pytest.raises(RecipeError, match="said nothing yet") as refused:
        recipe_policy(RunContext(recipe, tmp_path, Workspace(tmp_path / "runs")))
    assert "data replay" in str(refused.value.hint)
