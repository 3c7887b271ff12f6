"""A whole run, small and with random weights: its report, its reuse, and what it leaves after kills."""

import json
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import kill
from seodang.cli.main import cli
from seodang.core.errors import ModelError, VerificationError
from seodang.data.ledger.ledger import Ledger
from seodang.pipeline.audit import audit_place
from seodang.pipeline.stored import list_store
from seodang.pipeline.workspace import Workspace
from small_project import write_project

pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True, slots=True)
class Finished:
    """A project that was run once: its recipe and its folder of runs."""

    recipe: Path
    root: Path

    @property
    def run(self) -> Path:
        return self.root / "small"

    @property
    def report(self) -> dict[str, Any]:
        return json.loads((self.run / "report.json").read_text(encoding="utf-8"))


@contextmanager
def one_thread() -> Generator[None]:
    """Sums are taken in the same order as in a process with one thread."""
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def call(*arguments: str | Path) -> str:
    """What `seodang` prints on stdout."""
    with one_thread():
        done = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def reused_steps(printed: str) -> dict[str, bool]:
    """For each step's line, whether it says that the step was reused."""
    return {line.split()[0]: line.endswith("(reused)") for line in printed.splitlines() if line.endswith((" s)", "(reused)"))}


@pytest.fixture(scope="module")
def finished(random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("finished")
    recipe = write_project(folder, random_model)
    call("run", recipe, "--runs", folder / "runs")
    return Finished(recipe, folder / "runs")


def test_the_report_has_the_keys_that_others_judge_by(finished: Finished) -> None:
    report = finished.report
    assert [arm["name"] for arm in report["arms"]] == ["base", "sft", "distilled", "teacher_open"]
    for arm in report["arms"]:
        assert arm["n"] == 10
        assert arm["interval"][0] <= arm["score"] <= arm["interval"][1]
        assert set(arm["parts"]) == {"act", "know"}
    pair = next(row for row in report["paired"] if (row["a"], row["b"]) == ("distilled", "base"))
    assert {"difference", "interval", "p"} <= pair.keys()
    data = report["data"]
    assert data["input"] == data["accepted"] + data["rejected"] + data["quarantined"] + data["failed"]
    assert data["accepted"] > 0
    assert {"bytes", "tokens_per_s", "kl", "top1"} <= report["export"]["F16"].keys()
    assert {"ingest", "build", "verify", "targets", "train.distilled.0", "export"} <= report["seconds"].keys()
    assert report["licenses"]["combined"] == "CC0-1.0"
    assert report["thinking"]["teacher"] == report["thinking"]["taught"]["mode"] == "none"
    assert report["thinking"]["taught"]["num_thought"] == 0


def test_every_form_of_the_report_says_that_the_weights_are_random(finished: Finished) -> None:
    assert finished.report["synthetic"] is True
    for name in ("report.html", "report.md"):
        assert "synthetic" in (finished.run / name).read_text(encoding="utf-8").lower()


def test_report_prints_the_file(finished: Finished) -> None:
    assert json.loads(call("report", finished.run, "--json")) == finished.report


def test_a_second_run_computes_nothing_and_loads_no_torch(finished: Finished) -> None:
    before = kill.manifests(finished.root)
    code = "import sys\nfrom seodang.cli.main import cli\ncli.main(standalone_mode=False)\nprint('torch' in sys.modules)"
    before_s = _seconds_of_children()
    command = [sys.executable, "-c", code, "run", str(finished.recipe), "--runs", str(finished.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"}, cwd=Path(__file__).parents[2])
    seconds = _seconds_of_children() - before_s
    assert all(reused_steps(done.stdout).values())
    assert len(reused_steps(done.stdout)) == 11
    assert done.stdout.splitlines()[-1] == "False"
    assert kill.manifests(finished.root) == before
    assert seconds < 5


def _seconds_of_children() -> float:
    """Processor time of finished child processes, which other work on the machine does not lengthen."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_the_report_sets_the_estimate_against_what_the_run_took(finished: Finished) -> None:
    cost = finished.report["cost"]
    assert [step["name"] for step in cost["steps"]] == list(finished.report["seconds"])
    for step in cost["steps"]:
        assert step["seconds"]["actual"] == finished.report["seconds"][step["name"]]
        assert step["seconds"]["estimate"] is not None
        assert step["peak_memory_bytes"] > 100e6
        if step["name"].startswith("train.") or step["name"] == "export":
            found = [json.loads(path.read_text(encoding="utf-8")) for path in (finished.root / ".store").glob("*/*/manifest.json")]
            manifest = next(row for row in found if row["step"] == step["name"])
            assert step["disk_bytes"]["actual"] == sum(file["bytes"] for file in manifest["files"].values())
    assert cost["seconds"]["actual"] == pytest.approx(sum(finished.report["seconds"].values()), abs=0.02)
    assert cost["cache_bytes"]["actual"] == finished.report["targets"]["bytes"] > 0
    assert cost["peak_memory_bytes"]["actual"] == max(step["peak_memory_bytes"] for step in cost["steps"])


def test_what_an_estimate_counts_exactly_is_what_the_run_did(finished: Finished) -> None:
    told = json.loads(call("estimate", finished.recipe, "--runs", finished.root, "--json"))
    report, counts = finished.report, told["counts"]
    ingested = next(step["summary"] for step in report["steps"] if step["name"] == "ingest")
    assert (counts["passages"], counts["actions"]) == (ingested["num_passages"], ingested["num_actions"])
    assert counts["documents"] == len(report["documents"])
    assert counts["exam_items"] == next(arm["n"] for arm in report["arms"] if arm["name"] == "base")
    assert counts["general_items"] == next(arm["n"] for arm in report["general"] if arm["name"] == "base")
    (trained,) = report["training"]["sft"]
    # But for the last norm, which belongs to no block.
    assert trained["num_parameters"] - told["models"]["student"]["num_parameters"] == 64
    built = next(step["summary"] for step in report["steps"] if step["name"] == "build")
    assert built["keywords"] <= counts["keywords"]
    assert built["know"] <= counts["questions"]
    assert built["act"] <= counts["messages"]


def test_an_estimate_stays_as_it_was_when_the_run_is_started_again(finished: Finished) -> None:
    path = finished.run / "run.json"
    before = json.loads(path.read_text(encoding="utf-8"))
    before["estimate"]["steps"][0]["seconds"] = 12345.0
    path.write_text(json.dumps(before), encoding="utf-8")
    call("run", finished.recipe, "--runs", finished.root)
    assert json.loads(path.read_text(encoding="utf-8"))["estimate"] == before["estimate"]
    assert finished.report["cost"]["steps"][0]["seconds"]["estimate"] == 12345.0


def test_another_weight_of_the_loss_reuses_the_data_and_the_targets(finished: Finished) -> None:
    recipe = yaml.safe_load(finished.recipe.read_text(encoding="utf-8"))
    recipe["name"] = "other"
    recipe["distill"]["weight"] = 0.5
    path = finished.recipe.with_name("other.yaml")
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    steps = reused_steps(call("run", path, "--runs", finished.root))
    computed = {name for name, reused in steps.items() if not reused}
    assert computed == {"train.distilled.0", "evaluate.distilled.0", "export"}


def test_the_cache_of_targets_tells_its_size_its_fidelity_and_who_used_it(finished: Finished) -> None:
    (listed,) = json.loads(call("targets", "show", "--runs", finished.root, "--json"))
    told = json.loads(call("targets", "show", listed["cache"], "--runs", finished.root, "--json"))
    assert told == listed
    uses = {(use["run"], use["step"]): use for use in told["uses"]}
    captured, taught = uses["small", "targets"], uses["small", "train.distilled.0"]
    assert captured["num_reused"] == 0
    assert taught["num_reused"] == taught["num_sequences"] == captured["num_sequences"]
    assert taught["student"] == "random"
    (codec,) = told["codecs"]
    assert codec["codec"]["codec"] == "nucleus"
    assert 0 < codec["certificate"]["kl"] < 1
    assert codec["certificate"]["num_sequences"] >= 8


def test_a_remote_teacher_is_refused_what_it_cannot_give_before_it_is_asked(finished: Finished) -> None:
    recipe = yaml.safe_load(finished.recipe.read_text(encoding="utf-8"))
    recipe["student_model"], recipe["teacher"] = (
        recipe["teacher"],
        {"kind": "openai_http", "url": "http://127.0.0.1:9/v1", "model": "x", "license": "MIT"},
    )
    path = finished.recipe.with_name("remote.yaml")
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    done = CliRunner().invoke(cli, ["run", str(path), "--runs", str(finished.root)])
    assert isinstance(done.exception, ModelError)
    assert "codec: top_k" in done.exception.render()


def test_generate_answers_every_prompt_and_twice_the_same(finished: Finished, tmp_path: Path) -> None:
    rows = [{"id": f"row {i}", "prompt": prompt} for i, prompt in enumerate(["The flame is green.", "등불", "fog?"])]
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    arguments = ("generate", finished.run, "--prompts", prompts, "--json", "--max-new-tokens", "8")
    first = call(*arguments)
    answers = [json.loads(line) for line in first.splitlines()]
    assert [(row["id"], type(row["text"])) for row in answers] == [(row["id"], str) for row in rows]
    assert call(*arguments) == first
    assert len(call(*arguments, "--arm", "base").splitlines()) == len(rows)


@pytest.fixture(scope="module")
def unkilled(random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, float]:
    """A recipe without exports, the folder of a run that nobody killed, and how long it took."""
    folder = tmp_path_factory.mktemp("kills")
    recipe = write_project(folder / "project", random_model, lambda value: value["export"].update(formats=[]))
    return recipe, folder / "reference", kill.run_to_end(recipe, folder / "reference", folder / "reference.log")


@pytest.mark.parametrize("number", range(3))
def test_a_killed_run_goes_on_as_if_nothing_had_happened(unkilled: tuple[Path, Path, float], number: int, tmp_path: Path) -> None:
    """No finished step is computed again, no torn folder is adopted, and every file and number is that of the unkilled run."""
    recipe, reference, seconds = unkilled
    delay_s = random.Random(number).uniform(0, seconds)
    assert kill.kill_once(recipe, tmp_path / "runs", delay_s, reference).faults == ()


def test_the_ledger_of_a_run_proves_that_nothing_was_lost(finished: Finished) -> None:
    told = json.loads(call("data", "audit", finished.run, "--json"))
    data = finished.report["data"]
    for name in ("input", "accepted", "rejected", "quarantined", "failed"):
        assert told[name] == data[name]
    assert told["faults"] == []
    assert told["records"]["document"] == 2
    ledger = Path(told["ledger"])
    with Ledger(ledger) as opened:
        spent = {row["stage"]: row for row in opened.measured() if row["stage"].startswith("build.")}
    assert {"build.know", "build.act", "build.general"} <= spent.keys()
    assert spent["build.know"]["num_new_tokens"] > 0 < spent["build.know"]["num_prompt_tokens"]
    assert "num_new_tokens" not in spent.get("build.know.words", {})
    (entry,) = [entry for entry in list_store(Workspace(finished.root)) if entry.kind == "ledger"]
    assert entry.folder == ledger
    assert "small" in entry.runs
    (verified,) = (finished.root / ".store" / "verify").iterdir()
    accepted = [json.loads(line)["id"] for line in (verified / "accepted.jsonl").read_text(encoding="utf-8").splitlines()]
    shown = json.loads(call("data", "show", accepted[0], "--runs", finished.root, "--json"))
    assert shown["decisions"][0]["decision"] == "accepted"
    assert Path(shown["ledger"]) == ledger


def test_a_build_tells_what_each_generator_dropped(finished: Finished) -> None:
    (path,) = (finished.root / ".store" / "build").glob("*/manifest.json")
    summary = json.loads(path.read_text(encoding="utf-8"))["summary"]
    assert sum(reasons.get("cut off", 0) for reasons in summary["dropped"].values()) == summary["cut_off"]
    assert finished.report["data"]["dropped"] == summary["dropped"]


def test_a_runs_records_are_drawn_for_people_without_what_was_decided(finished: Finished, tmp_path: Path) -> None:
    told = json.loads(call("data", "review", "export", finished.run, tmp_path / "tasks.json", "--json"))
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert len(tasks) == told["items"] == sum(stratum["drawn"] for stratum in told["strata"]) > 0
    assert {stratum["stratum"].split("/")[0] for stratum in told["strata"]} == {"accepted", "rejected"}
    assert all(task["data"]["material"] for task in tasks)
    assert all("decision" not in task["data"] and "verdicts" not in task["data"] for task in tasks)


def test_a_runs_records_are_split_by_their_documents(finished: Finished, tmp_path: Path) -> None:
    told = json.loads(call("data", "split", finished.run, tmp_path, "--ratio", "train=0.5", "--ratio", "test=0.5", "--json"))
    (passages,) = (finished.root / ".store" / "ingest").glob("*/passages.jsonl")
    documents = {row["id"]: row["document"] for row in map(json.loads, passages.read_text(encoding="utf-8").splitlines())}
    held: dict[str, set[str]] = {}
    for name, file in told["files"].items():
        rows = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
        held[name] = {documents[passage] for row in rows for passage in row["passages"]}
    assert held["train"].isdisjoint(held["test"])
    assert set().union(*held.values()) == {"lamps.md", "fog.md"}
    assert sum(told["rows"].values()) == finished.report["data"]["accepted"]


def test_a_runs_files_that_are_not_those_of_its_ledger_are_found(finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.root, tmp_path / "runs")
    (verified,) = (tmp_path / "runs" / ".store" / "verify").iterdir()
    lines = (verified / "accepted.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (verified / "accepted.jsonl").write_text("".join(lines[1:]), encoding="utf-8")
    assert audit_place(tmp_path / "runs" / "small")["faults"] == [
        "accepted.jsonl of the step `verify` does not hold the records that the ledger says are accepted"
    ]
    with pytest.raises(VerificationError, match=r"accepted\.jsonl"):
        call("data", "audit", tmp_path / "runs" / "small")


def test_a_record_that_was_lost_before_verification_is_found(finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.root, tmp_path / "runs")
    (built,) = (tmp_path / "runs" / ".store" / "build").iterdir()
    lines = (built / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (built / "records.jsonl").write_text("".join(lines[:3] + lines[4:]), encoding="utf-8")
    where, total = "records.jsonl of the step `build`", len(lines)
    told = f"{where} holds {total - 1} records, and {total} were verified: 1 that were verified are missing, and 0 were not verified"
    assert audit_place(tmp_path / "runs" / "small")["faults"] == [told]
    (built / "records.jsonl").write_text("".join(lines[::-1]), encoding="utf-8")
    told = f"{where} holds {total} records, and {total} were verified: their order is another"
    assert audit_place(tmp_path / "runs" / "small")["faults"] == [told]
    (built / "records.jsonl").unlink()
    assert audit_place(tmp_path / "runs" / "small")["faults"] == [f"{where} cannot be read: file not found"]
    (built / "records.jsonl").write_text("".join(lines), encoding="utf-8")
    manifest = json.loads((built / "manifest.json").read_text(encoding="utf-8"))
    manifest["summary"]["num_records"] += 1
    (built / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert audit_place(tmp_path / "runs" / "small")["faults"] == [f"the step `build` made {total + 1} records, and {total} were verified"]
    shutil.rmtree(built)
    assert audit_place(tmp_path / "runs" / "small")["faults"] == []


@pytest.mark.parametrize(("file", "field"), [("accepted", "answer"), ("rejected", "question"), ("rejected", "verdicts")])
def test_a_decided_record_that_was_changed_is_found(finished: Finished, tmp_path: Path, file: str, field: str) -> None:
    shutil.copytree(finished.root, tmp_path / "runs")
    (verified,) = (tmp_path / "runs" / ".store" / "verify").iterdir()
    path = verified / f"{file}.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows[0][field] = rows[0][field][1:]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    assert audit_place(tmp_path / "runs" / "small")["faults"] == [
        f"{file}.jsonl of the step `verify` has another `{field}` of {rows[0]['id']} than the ledger"
    ]


def test_a_record_that_was_changed_where_it_was_built_is_found(finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.root, tmp_path / "runs")
    (path,) = (tmp_path / "runs" / ".store" / "build").glob("*/records.jsonl")
    text = path.read_text(encoding="utf-8")
    first = json.loads(text.splitlines()[0])
    path.write_text(json.dumps({**first, "answer": "other"}) + "\n" + text.split("\n", 1)[1], encoding="utf-8")
    assert audit_place(tmp_path / "runs" / "small")["faults"] == [
        f"records.jsonl of the step `build` has another `answer` of {first['id']} than the ledger"
    ]
    path.write_text(text + "\n", encoding="utf-8")
    assert audit_place(tmp_path / "runs" / "small")["faults"] == [
        "records.jsonl of the step `build` has other bytes than its manifest says"
    ]


def test_another_check_threshold_asks_the_teacher_nothing_again(finished: Finished, tmp_path: Path) -> None:
    """The ledger is of the step `build`: what a change does not concern is not checked again."""
    shutil.copytree(finished.root, tmp_path / "runs")
    recipe = yaml.safe_load(finished.recipe.read_text(encoding="utf-8"))
    recipe["verify"]["exam_similarity"] = 0.6
    changed = finished.recipe.with_name("changed.yaml")
    changed.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    call("run", changed, "--runs", tmp_path / "runs")
    (ledger,) = (tmp_path / "runs" / ".store" / "ledger").iterdir()
    with sqlite3.connect(ledger / "index.sqlite") as index:
        rows = dict(index.execute("SELECT stage, count(DISTINCT config) FROM unit GROUP BY stage"))
    index.close()
    assert rows["verify.points_back"] == 1
    assert rows["verify.decontaminated"] == 2
    assert audit_place(tmp_path / "runs" / "small")["faults"] == []
    assert audit_place(tmp_path / "runs" / Path(yaml.safe_load(changed.read_text(encoding="utf-8"))["name"]))["faults"] == []


def test_what_an_arm_answered_in_its_exam_is_compared_without_asking_again(finished: Finished) -> None:
    """The command's difference is the report's, and an arm's evaluation is found by its name."""
    arm = f"{finished.run}:"
    (row,) = json.loads(call("eval", "compare", f"{arm}distilled", f"{arm}base", "--runs", finished.root, "--json"))
    told = next(one for one in finished.report["paired"] if (one["a"], one["b"], one["part"]) == ("distilled", "base", "all"))
    assert {name: row[name] for name in ("difference", "interval", "p", "n", "num_clusters")} == {
        name: told[name] for name in ("difference", "interval", "p", "n", "num_clusters")
    }
    assert (row["a"]["model"], row["synthetic"]) == ("distilled:0", True)
