"""A recipe that `torchrun` starts: its processes train together, and the first of them does all else."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seodang.cli.main import cli
from seodang.core.errors import InputError
from seodang.distill.parallel import Team
from seodang.pipeline import run
from seodang.pipeline.context import RunContext
from seodang.pipeline.recipe import load_recipe
from seodang.pipeline.workspace import Workspace, open_run
from small_project import write_project

SOURCES = str(Path(__file__).parents[2] / "src")
ARMS = {
    "train.distilled.0": 1e-3,
    "train.live.0": 2e-3,
}  # how far losses may differ: adapters in bfloat16 round by what is computed together
pytestmark = pytest.mark.timeout(300)


def two_processes(recipe: Path, root: Path) -> subprocess.CompletedProcess[str]:
    """What `torchrun --nproc-per-node 2 -m seodang run RECIPE` does."""
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "seodang", "run", str(recipe)]
    paths = os.pathsep.join(filter(None, [SOURCES, os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, *command, "--runs", str(root)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def project(folder: Path, model: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    def changed(recipe: dict[str, Any]) -> None:
        recipe["evaluate"]["arms"] = ["base", "distilled"]
        recipe["export"]["formats"] = []
        change(recipe)

    return write_project(folder, model, changed)


def test_a_run_of_two_processes_reports_what_one_reports(random_model: Path, tmp_path: Path) -> None:
    """With the teacher's stored targets, and with a live teacher, whom each process opens."""

    def in_both_modes(recipe: dict[str, Any]) -> None:
        live = {"mode": "live", "loss": "reverse_kl", "temperature": 1.5}
        recipe["distill"].update(packs_per_step=2, variants={"live": live})
        recipe["evaluate"]["arms"].append("live")

    recipe = project(tmp_path / "project", random_model, in_both_modes)
    done = two_processes(recipe, tmp_path / "two")
    assert done.returncode == 0, done.stderr[-2000:]
    steps = ["ingest", "build", "verify", "targets", *ARMS, "evaluate.base", "evaluate.distilled.0", "evaluate.live.0"]
    assert [line.split()[0] for line in done.stdout.splitlines()[: len(steps)]] == steps  # each told once
    alone = CliRunner().invoke(cli, ["run", str(recipe), "--runs", str(tmp_path / "one")])
    assert alone.exit_code == 0, alone.output
    trained = [_trained(tmp_path / name) for name in ("one", "two")]
    for one, two, limit in zip(*trained, ARMS.values(), strict=True):
        for counted in ("num_steps", "num_tokens", "num_answer_tokens", "num_parameters", "num_trained_parameters"):
            assert one[counted] == two[counted]
        for curve in ("loss_curve", "held_out_curve"):
            assert [loss for _, loss in one[curve]] == pytest.approx([loss for _, loss in two[curve]], abs=limit)


def _trained(root: Path) -> list[dict[str, Any]]:
    """What each of `ARMS` says of its training."""
    found: list[dict[str, Any]] = []
    rows = {row["name"]: row for row in open_run(root / "small").row["steps"]}
    for step in ARMS:
        folder = root / ".store" / "train" / rows[step]["key"][:16]
        assert (folder / "events").is_dir()
        assert not (folder / "partial").exists()
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert not any(name.startswith("events") for name in manifest["files"])
        found.append(manifest["summary"])
    return found


def test_more_processes_than_packs_are_refused_before_any_work(random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each process, once it has joined; how an error comes out of a team is the next test's."""
    monkeypatch.setattr(run, "joined", lambda: nullcontext(Team(1, 2)))
    recipe = project(tmp_path / "project", random_model, lambda recipe: None)
    context = RunContext(load_recipe(recipe), recipe.parent, Workspace(tmp_path / "runs"))
    with pytest.raises(InputError, match="2 processes cannot share a step of 1 pack"):
        run.run_recipe(context)
    assert not (tmp_path / "runs").exists()


def test_an_error_in_the_first_process_ends_the_others(random_model: Path, tmp_path: Path) -> None:
    def shorten(recipe: dict[str, Any]) -> None:
        (tmp_path / "project" / "short").mkdir(parents=True)
        (tmp_path / "project" / "short" / "note.md").write_text("Good morning.\n", encoding="utf-8")
        recipe["documents"][0]["folder"] = "short"
        recipe["distill"]["packs_per_step"] = 2

    done = two_processes(project(tmp_path / "project", random_model, shorten), tmp_path / "runs")
    assert done.returncode != 0
    assert done.stderr.count("the documents hold no statement of three words or more\nhint: ") == 1
