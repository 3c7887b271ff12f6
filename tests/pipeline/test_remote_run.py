"""A whole run whose teacher is a second `seodang serve` process, behind a key: a report comes out, and the key is nowhere in it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seodang.cli.main import cli
from small_project import write_project

pytestmark = pytest.mark.timeout(600)
KEY = "canary-2f6e61a4c1"
VARIABLE = "SMALL_TEACHER_KEY"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), VARIABLE: KEY, "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def teacher_url(random_model: Path, tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[str]:
    """The address of the untaught model of a run, served by a process of its own."""
    folder = tmp_path_factory.mktemp("teacher")

    def shorter(recipe: dict[str, Any]) -> None:
        recipe["evaluate"]["arms"] = ["base"]

    recipe = write_project(folder, random_model, shorter)
    assert CliRunner().invoke(cli, ["run", str(recipe), "--runs", str(folder / "runs")]).exit_code == 0
    options = ["--arm", "base", "--port", "0", "--api-key-env", VARIABLE]
    command = [sys.executable, "-m", "seodang", "serve", str(folder / "runs" / "small"), *options]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        told = ""
        for line in process.stdout:
            told += line
            if "http://127.0.0.1:" in line:
                yield "http://127.0.0.1:" + line.split("http://127.0.0.1:", 1)[1].split("/", 1)[0].split()[0] + "/v1"
                break
        else:
            pytest.fail(f"the server did not start: {told}")
        process.terminate()


def test_a_second_seodang_serve_teaches_a_student(
    teacher_url: str, random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remote(recipe: dict[str, Any]) -> None:
        recipe["student_model"] = dict(recipe["teacher"])
        recipe["teacher"] = {"kind": "openai_http", "url": teacher_url, "model": "small", "license": "CC0-1.0", "api_key_env": VARIABLE}
        recipe["targets"] = {"codec": "top_k", "top_k": 20}
        recipe["export"] = {"formats": []}

    recipe = write_project(tmp_path, random_model, remote)
    monkeypatch.setenv(VARIABLE, KEY)
    done = CliRunner().invoke(cli, ["run", str(recipe), "--runs", str(tmp_path / "runs")])
    assert done.exit_code == 0, done.output
    assert "about to send" in done.stderr.splitlines()[0]
    report = json.loads((tmp_path / "runs" / "small" / "report.json").read_text(encoding="utf-8"))
    assert [arm["name"] for arm in report["arms"]] == ["base", "sft", "distilled", "teacher_open"]
    assert report["data"]["accepted"] > 0
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(kept) > 20
    assert all(KEY.encode() not in path.read_bytes() for path in kept)
    assert KEY not in done.stdout + done.stderr
