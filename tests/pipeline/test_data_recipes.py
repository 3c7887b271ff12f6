"""Recipes of data in a small form: real Korean pages and solved puzzles, from their sources to verified records in a sound ledger."""

import hashlib
import html
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from seodang.cli.main import cli
from seodang.core.errors import RecipeError
from seodang.core.files import read_json_lines
from seodang.pipeline.workspace import open_run

pytestmark = pytest.mark.timeout(300)
ROOT = Path(__file__).parents[2]
PAGES = Path(__file__).parent / "korean_help"


def small(name: str, folder: Path, model: Path, build: Mapping[str, Any]) -> Path:
    """A recipe of the repository with a random model as its teacher, and less to build."""
    recipe = yaml.safe_load((ROOT / "recipes" / f"{name}.yaml").read_text(encoding="utf-8"))
    recipe["teacher"] = {"kind": "local", "name": "random", "license": "CC0-1.0", "path": str(model), "synthetic": True}
    recipe["build"] |= build
    recipe["evaluate"]["exam"] = [str(ROOT / "packs" / "general" / "exam" / "general.jsonl")]
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(recipe, allow_unicode=True), encoding="utf-8")
    return path


def call(*arguments: str | Path) -> str:
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def outcomes(run: Path) -> dict[str, list[Any]]:
    folder = open_run(run).artifact("verify").folder
    return {name: read_json_lines(folder / f"{name}.jsonl") for name in ("accepted", "rejected", "quarantined", "failed")}


def test_korean_pages_become_records_that_lead_back_to_their_bytes(random_model: Path, tmp_path: Path) -> None:
    shutil.copytree(PAGES, tmp_path / "korean-help")
    path = small("korean_help", tmp_path, random_model, {"question_openers": 1, "keywords_per_passage": 2})
    call("run", path, "--runs", tmp_path / "runs", "--until", "verify")
    audited = json.loads(call("data", "audit", tmp_path / "runs" / "korean_help", "--json"))
    decided = outcomes(tmp_path / "runs" / "korean_help")
    assert audited["num_faults"] == 0
    assert sum(audited[name] for name in decided) == audited["input"] > 20
    assert audited["records"]["document"] == 2
    assert decided["accepted"], "search-like messages of the pages' own words pass"
    shown = json.loads(call("data", "show", decided["accepted"][0]["id"], "--runs", tmp_path / "runs", "--json"))
    (span,) = shown["derived_from"]
    (document,) = span["derived_from"]
    page = (PAGES / document["content"]["name"]).read_bytes()
    assert hashlib.sha256(page).hexdigest() == document["content"]["sha256"]
    places = span["content"]["places"]
    raw = page[places[0]["start"] : places[-1]["end"]].decode(places[0]["encoding"])
    letters = re.sub(r"\s+", "", re.sub(r"<[^>]*>", "", html.unescape(raw)))
    assert letters == re.sub(r"\s+", "", span["content"]["text"])
    assert (shown["permissions"]["license"], shown["permissions"]["redistribute"]) == ("MPL-2.0", "allow")


def test_a_random_teacher_solves_few_puzzles_and_none_is_lost(random_model: Path, tmp_path: Path) -> None:
    knobs = {"kinds": ["chain_sum", "syllogism"], "num_each": 4, "samples": 2, "shown": 1, "style": "examples", "answer_tokens": 12}
    path = small("reasoning", tmp_path, random_model, {"generators": [{"name": "solved_puzzles", **knobs}]})
    call("run", path, "--runs", tmp_path / "runs", "--until", "verify")
    audited = json.loads(call("data", "audit", tmp_path / "runs" / "reasoning", "--json"))
    decided = outcomes(tmp_path / "runs" / "reasoning")
    assert audited["num_faults"] == 0
    assert sum(audited[name] for name in decided) == audited["input"]
    for row in decided["accepted"]:
        assert [verdict["outcome"] for verdict in row["verdicts"]] == ["pass"] * 3


def test_a_step_that_does_not_exist_is_told_with_those_that_do(random_model: Path, tmp_path: Path) -> None:
    path = small("reasoning", tmp_path, random_model, {})
    with pytest.raises(RecipeError, match="no step `proof`"):
        CliRunner().invoke(cli, ["run", str(path), "--runs", str(tmp_path), "--until", "proof"], catch_exceptions=False)
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    recipe["build"]["generators"] = []
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    with pytest.raises(RecipeError, match="`documents`: missing"):
        CliRunner().invoke(cli, ["run", str(path), "--runs", str(tmp_path)], catch_exceptions=False)
