"""A whole run, small and with random weights: its report, its reuse, and what it leaves after kills."""

import json
import random
import subprocess
import sys
import time
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
from seodang.core.errors import ModelError
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
    started = time.monotonic()
    command = [sys.executable, "-c", code, "run", str(finished.recipe), "--runs", str(finished.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"}, cwd=Path(__file__).parents[2])
    seconds = time.monotonic() - started
    assert all(reused_steps(done.stdout).values())
    assert len(reused_steps(done.stdout)) == 11
    assert done.stdout.splitlines()[-1] == "False"
    assert kill.manifests(finished.root) == before
    assert seconds < 5


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
    kill.run_to_end(recipe, folder / "warm", folder / "warm.log")
    return recipe, folder / "reference", kill.run_to_end(recipe, folder / "reference", folder / "reference.log")


@pytest.mark.parametrize("number", range(3))
def test_a_killed_run_goes_on_as_if_nothing_had_happened(unkilled: tuple[Path, Path, float], number: int, tmp_path: Path) -> None:
    """No finished step is computed again, no torn folder is adopted, and every file and number is that of the unkilled run."""
    recipe, reference, seconds = unkilled
    delay_s = random.Random(number).uniform(0, seconds)
    assert kill.kill_once(recipe, tmp_path / "runs", delay_s, reference).faults == ()
