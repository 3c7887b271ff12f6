"""A student whose tokens are not the teacher's, from documents to the report."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from gguf import GGUFReader

from seodang.cli.main import cli
from seodang.core.errors import ModelError, RecipeError
from seodang.models.reader import Reader
from seodang.pipeline.recipe import load_recipe
from small_project import make_other_model, write_project

TERMS = "https://example.org/terms"
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module", autouse=True)
def one_processor() -> Iterator[None]:
    """A run takes every processor that it may use; here it may use one."""
    import torch

    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "sched_getaffinity", lambda process: {0})
        yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class Project:
    """One teacher and one set of documents for several recipes, which share a store."""

    folder: Path
    teacher: Path
    student: Path

    def recipe(self, name: str, change: Change) -> Path:
        def whole(recipe: dict[str, Any]) -> None:
            recipe["name"] = name
            recipe["build"] |= {"utterances_per_action": 3, "messages_per_rule": 2, "general_questions": 0}
            recipe["distill"] |= {"epochs": 3, "pack_tokens": 256, "weight": 0.6, "learning_rate": 5e-3, "held_out": 0.2, "evaluations": 4}
            recipe["evaluate"] = {"exam": ["exam.jsonl"], "arms": ["base", "distilled"], "max_items": 4, "max_new_tokens": 4}
            recipe["teacher"] |= {"license": "LicenseRef-Lamp", "terms": TERMS}
            change(recipe)

        path = write_project(self.folder, self.teacher, whole)
        return path.rename(path.with_name(f"{name}.yaml"))

    def run(self, name: str, change: Change) -> dict[str, Any]:
        """The report of a recipe."""
        done = CliRunner().invoke(cli, ["run", str(self.recipe(name, change)), "--runs", str(self.folder / "runs")], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads((self.folder / "runs" / name / "report.json").read_text(encoding="utf-8"))

    def steps(self, name: str) -> dict[str, str]:
        row = json.loads((self.folder / "runs" / name / "run.json").read_text(encoding="utf-8"))
        return {step["name"]: step["key"] for step in row["steps"]}


@pytest.fixture(scope="module")
def project(random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("across")
    return Project(folder / "project", random_model, make_other_model(folder / "student"))


def to_other_tokens(project: Project, loss: str, codec: str) -> Change:
    """All weights of the student with SentencePiece's tokens, which no GGUF file can hold."""

    def change(recipe: dict[str, Any]) -> None:
        recipe["student_model"] = {**recipe["teacher"], "name": "other", "path": str(project.student), "license": "MIT", "terms": None}
        recipe["student"], recipe["export"] = {"method": "full"}, {"formats": []}
        recipe["distill"]["loss"], recipe["targets"] = loss, {"codec": codec}

    return change


def to_own_tokens(recipe: dict[str, Any]) -> None:
    sizes = {"num_layers": 1, "hidden_size": 32, "intermediate_size": 48, "num_heads": 4, "num_kv_heads": 2}
    recipe["student"] = {"method": "fresh", "vocabulary_size": 290, **sizes}
    recipe["distill"]["loss"], recipe["targets"] = "alm", {"codec": "likelihoods"}


@pytest.fixture(scope="module")
def taught(project: Project) -> dict[str, dict[str, Any]]:
    """The reports of three students of one teacher."""
    return {
        "alm": project.run("alm", to_other_tokens(project, "alm", "likelihoods")),
        "uld": project.run("uld", to_other_tokens(project, "uld", "hidden")),
        "own": project.run("own", to_own_tokens),
    }


@pytest.mark.parametrize("name", ["alm", "uld", "own"])
def test_it_learns_what_it_was_taught_on_and_what_was_held_out(taught: dict[str, dict[str, Any]], name: str) -> None:
    (training,) = taught[name]["training"]["distilled"]
    curve, held_out = training["loss_curve"], training["held_out_curve"]
    assert curve[-1][1] < 0.95 * curve[0][1]
    assert held_out[-1][1] < held_out[0][1]
    assert training["num_chunks"] > training["num_examples"]
    assert training["num_unaligned"] == 0
    assert {arm["name"] for arm in taught[name]["arms"]} == {"base", "distilled"}


def test_two_students_with_other_tokens_share_one_capture(project: Project, taught: dict[str, dict[str, Any]]) -> None:
    """The likelihoods were captured for the first one; the second one's step is the same."""
    one, other = project.steps("alm"), project.steps("own")
    assert one["targets"] == other["targets"]
    assert "tokenizer" in other
    assert "tokenizer" not in one
    done = CliRunner().invoke(cli, ["targets", "show", "--runs", str(project.folder / "runs"), "--json"], catch_exceptions=False)
    (cache,) = json.loads(done.stdout)
    assert {use["student"] for use in cache["uses"] if use["student"]} == {"other", "random"}
    (codec,) = (row for row in cache["codecs"] if row["codec"]["codec"] == "likelihoods")
    assert codec["num_sequences"] == taught["own"]["targets"]["num_sequences"]
    assert codec["bytes_per_token"] == 8.0
    assert codec["certificate"]["largest_difference"] < 1e-2  # bfloat16 teachers are read in batches
    shown = CliRunner().invoke(cli, ["targets", "show", cache["cache"], "--runs", str(project.folder / "runs")], catch_exceptions=False)
    assert "certificate: no distribution; each number within" in shown.stdout


def test_a_tokenizer_of_its_own_stays_with_the_student_and_its_answers_end_as_the_teachers(
    project: Project, taught: dict[str, dict[str, Any]]
) -> None:
    key = project.steps("own")["train.distilled.0"]
    checkpoint = project.folder / "runs" / ".store" / "train" / key[:16] / "checkpoint"
    student, teacher = Reader(checkpoint), Reader(project.teacher)
    assert len(student.tokenizer) == 290
    assert student.tokenizer.eos_token == teacher.tokenizer.eos_token
    assert student.stop_ids == {student.tokenizer.eos_token_id}
    assert student.tokenizer.chat_template == teacher.tokenizer.chat_template
    assert taught["own"]["export"]["F16"]["top1"] == 1.0


def test_the_teachers_terms_travel_to_the_report_and_into_the_file(project: Project, taught: dict[str, dict[str, Any]]) -> None:
    assert taught["alm"]["student"]["license"] == "MIT AND LicenseRef-Lamp"
    assert taught["alm"]["student"]["terms"] == [TERMS]
    assert taught["own"]["student"]["license"] == "LicenseRef-Lamp"
    (path,) = (project.folder / "runs" / ".store" / "export").glob("*/own-F16.gguf")
    file = GGUFReader(path)

    def text(key: str) -> str:
        field = file.get_field(f"general.{key}")
        assert field is not None, key
        return str(field.contents())

    assert text("license") == "LicenseRef-Lamp"
    assert text("license.link") == TERMS


def test_a_divergence_of_tokens_is_refused_with_the_two_lines_to_set(project: Project, taught: dict[str, dict[str, Any]]) -> None:
    path = project.recipe("refused", to_other_tokens(project, "forward_kl", "nucleus"))
    done = CliRunner().invoke(cli, ["run", str(path), "--runs", str(project.folder / "runs")])
    assert isinstance(done.exception, ModelError)
    told = done.exception.render()
    assert "different tokenizers" in told
    assert "distill.loss: alm" in told
    assert "targets.codec: likelihoods" in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"distill": {"loss": "alm"}}, "set `targets.codec: likelihoods`"),
        ({"distill": {"loss": "uld"}}, "set `targets.codec: hidden`"),
        ({"distill": {"loss": "uld"}, "targets": {"codec": "likelihoods"}}, "set `targets.codec: hidden`"),
        ({"distill": {"loss": "alm"}, "targets": {"codec": "hidden"}}, "set `targets.codec: likelihoods`"),
        ({"targets": {"codec": "likelihoods"}}, "set `distill.loss: alm`"),
        ({"distill": {"loss": "alm", "temperature": 2.0}, "targets": {"codec": "likelihoods"}}, "leave `distill.temperature` at 1"),
        ({"student": {"method": "fresh", "vocabulary_size": 300}}, "set `distill.loss: alm` and `targets.codec: likelihoods`"),
    ],
)
def test_what_does_not_go_together_is_refused_when_the_recipe_is_read(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    recipe = {
        "name": "small",
        "documents": [{"folder": "documents", "license": "CC0-1.0", "language": "en"}],
        "teacher": {"kind": "local", "name": "random", "license": "CC0-1.0", "path": "model"},
        "evaluate": {"exam": ["exam.jsonl"], "arms": ["sft", "distilled"]},
    }
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump({**recipe, **change}), encoding="utf-8")
    with pytest.raises(RecipeError) as refused:
        load_recipe(path)
    assert told in refused.value.render()
    recipe["evaluate"] = {"exam": ["exam.jsonl"], "arms": ["sft"]}
    path.write_text(yaml.safe_dump({**recipe, **change}), encoding="utf-8")
    assert load_recipe(path).name == "small"


@pytest.mark.parametrize(
    ("loss", "settings", "told"),
    [
        ("alm", {"tau": 0}, "tau is 0"),
        ("alm", {"threshold": 1}, "below 1"),
        ("alm", {"beta": 1}, "it has `tau`, `threshold`"),
        ("uld", {"tau": 1}, "it has none"),
    ],
)
def test_wrong_settings_of_a_loss_across_tokenizers_are_refused(tmp_path: Path, loss: str, settings: dict[str, float], told: str) -> None:
    from seodang.distill.section import DistillSection

    with pytest.raises(ValueError, match=told):
        DistillSection.model_validate({"loss": loss, "loss_settings": settings})
