"""Arms of a small run: equal tokens, what each is taught, what a change of one computes again, and what the report says of them."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner

from seodang.cli.main import cli
from seodang.core.errors import GuardError, InputError, RecipeError
from seodang.models import local
from seodang.pipeline.open_model import open_model
from seodang.pipeline.recipe import load_recipe
from seodang.pipeline.stored import list_runs
from seodang.pipeline.workspace import Workspace
from small_project import write_project

pytestmark = pytest.mark.timeout(300)
ARMS = ["base", "sft", "sft_gold", "distilled", "mild"]
GOLD = [{"id": f"g{n}", "question": f"What does rule {n} say about the oil tank?", "answer": f"Fill it {n} times a day."} for n in range(6)]
NEAR_EXAM = {"question": "What does the main lamp burn??", "answer": "rapeseed oil"}


def changed(recipe: dict[str, Any]) -> None:
    recipe["evaluate"]["arms"] = ARMS
    recipe["distill"] |= {"epochs": 0.5, "learning_rate": [1e-3, 2e-2], "variants": {"mild": {"weight": 0.9}}}
    recipe["gold"] = {"files": ["gold.jsonl"], "license": "CC0-1.0", "origin": "written for this test"}
    recipe["export"]["formats"] = []


def call(recipe: Path, root: Path) -> Any:
    """`seodang run` on one thread: more of them only wait for each other in a model as small as this."""
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "use_threads", lambda *_: torch.set_num_threads(1))
        done = CliRunner().invoke(cli, ["run", str(recipe), "--runs", str(root)])
    torch.set_num_threads(before)
    return done


def other(recipe: Path, name: str, **changes: Any) -> Path:
    """The recipe under another name, with keys such as `distill__weight` set anew."""
    value = yaml.safe_load(recipe.read_text(encoding="utf-8")) | {"name": name}
    for key, new in changes.items():
        section, _, inner = key.partition("__")
        value[section] = {**value[section], inner: new} if inner else new
    path = recipe.with_name(f"{name}.yaml")
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    return path


def report(root: Path, name: str) -> dict[str, Any]:
    return json.loads((root / name / "report.json").read_text(encoding="utf-8"))


def computed(printed: str) -> set[str]:
    return {line.split()[0] for line in printed.splitlines() if line.endswith(" s)")}


@pytest.fixture(scope="module")
def recipe(random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's recipe that was run once, its runs beside it."""
    path = write_project(tmp_path_factory.mktemp("arms"), random_model, changed)
    rows = [*GOLD, NEAR_EXAM, {key: GOLD[0][key] for key in ("question", "answer")}]
    (path.parent / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = call(path, path.parent / "runs")
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture
def root(recipe: Path) -> Path:
    return recipe.parent / "runs"


def test_every_trained_arm_has_the_tokens_and_the_grid_of_the_others(root: Path) -> None:
    training = {arm: runs[0] for arm, runs in report(root, "small")["training"].items()}
    assert set(training) == set(ARMS) - {"base"}
    tokens = {arm: run["num_tokens"] for arm, run in training.items()}
    assert tokens["sft"] == tokens["distilled"] == tokens["mild"]
    assert abs(tokens["sft_gold"] - tokens["sft"]) <= 128  # a pack
    for run in training.values():
        assert [row["learning_rate"] for row in run["grid"]] == [1e-3, 2e-2]
        losses = [row["held_out_cross_entropy"] for row in run["grid"]]
        assert [row["chosen"] for row in run["grid"]] == [loss == min(losses) for loss in losses]
        assert run["held_out_cross_entropy"] == min(losses)
        assert run["learning_rate"] == next(row["learning_rate"] for row in run["grid"] if row["chosen"])
    assert len({run["loss_curve"][0][1] for run in training.values()}) == 4  # each has a loss of its own


def test_gold_that_the_exam_asks_is_left_out_and_kept_with_its_reason(root: Path) -> None:
    gold = report(root, "small")["gold"]
    assert (gold["input"], gold["kept"], gold["near_exam"], gold["repeated"]) == (8, 6, 1, 1)
    (folder,) = (root / ".store" / "gold").iterdir()
    rows = [json.loads(line) for line in (folder / "left_out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["question"], row["exam_question"]) for row in rows] == [
        (NEAR_EXAM["question"], "What does the main lamp burn?"),
        (GOLD[0]["question"], None),
    ]
    assert report(root, "small")["training"]["sft_gold"][0]["num_examples"] == 6


def test_every_two_trained_arms_are_compared_once_and_each_with_the_untaught_one(root: Path) -> None:
    pairs = [(row["a"], row["b"]) for row in report(root, "small")["paired"] if row["part"] == "all"]
    assert len(pairs) == len(set(pairs))
    trained = [arm for arm in ARMS if arm != "base"]
    assert {frozenset(pair) for pair in pairs} == {frozenset((a, b)) for a in ARMS for b in ARMS if a != b}
    assert {a for a, b in pairs if b == "base"} == set(trained)
    assert ("mild", "distilled") in pairs


def test_winner_and_guard_are_told_on_every_form_and_by_the_command(recipe: Path, root: Path) -> None:
    found = report(root, "small")
    assert found["winner"]["num_arms"] == 4
    assert (found["variants"]["mild"]["mode"], found["variants"]["mild"]["weight"]) == ("cached", 0.9)
    assert {row["arm"] for row in found["guard"]["arms"]} == set(ARMS) - {"base"}
    assert found["guard"]["outcome"] == "inconclusive"  # three items cannot tell
    again = call(recipe, root)
    assert computed(again.stdout) == set()
    assert found["winner"]["sentences"][0] in again.output
    assert found["guard"]["sentence"] in again.output
    html = (root / "small" / "report.html").read_text(encoding="utf-8")
    for words in (
        "fine-tuning on gold answers",
        "mild",
        "written for this test",
        "Learning rates: the student",
        'class="guard inconclusive"',
    ):
        assert words in html


def test_a_change_of_a_variant_trains_that_variant_alone(recipe: Path, root: Path) -> None:
    done = call(other(recipe, "variant", distill__variants={"mild": {"weight": 0.5}}), root)
    assert done.exit_code == 0, done.output
    assert computed(done.stdout) == {"train.mild.0", "evaluate.mild.0"}


def test_a_required_guard_that_is_not_passed_ends_the_run_after_its_report(recipe: Path, root: Path) -> None:
    path = other(recipe, "guarded", evaluate__guard={"require": True}, export__formats=["F16"])
    done = call(path, root)
    assert isinstance(done.exception, GuardError)
    assert done.exception.exit_code == 9
    assert "Regression guard inconclusive" in done.exception.render()
    found = report(root, "guarded")
    assert found["guard"]["required"] is True
    assert "export" in found["not_run"]
    assert not (root / ".store" / "export").exists()
    record = root / "guarded" / "run.json"
    row = json.loads(record.read_text(encoding="utf-8"))
    row["estimate"]["steps"][0]["seconds"] = 12345.0
    record.write_text(json.dumps(row), encoding="utf-8")
    assert isinstance(call(path, root).exception, GuardError)
    assert json.loads(record.read_text(encoding="utf-8"))["estimate"] == row["estimate"]  # it is not made once more, of another time
    assert next(run for run in list_runs(Workspace(root)) if run.name == "guarded").finished


def test_a_guard_that_is_passed_lets_the_export_go_on(recipe: Path, root: Path) -> None:
    """The widest margin: everything is above it."""
    done = call(other(recipe, "wide", evaluate__guard={"require": True, "margin": 1.0}, export__formats=["F16"]), root)
    assert done.exit_code == 0, done.output
    assert report(root, "wide")["guard"]["outcome"] == "passed"
    assert "F16" in report(root, "wide")["export"]


def test_any_trained_arm_answers(root: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text(json.dumps({"id": "a", "prompt": "The flame is green."}) + "\n", encoding="utf-8")
    command = ["generate", str(root / "small"), "--prompts", str(prompts), "--max-new-tokens", "3", "--arm"]
    for arm in ("mild", "sft_gold"):
        assert CliRunner().invoke(cli, [*command, arm]).exit_code == 0
    refused = CliRunner().invoke(cli, [*command, "wild"])
    assert isinstance(refused.exception, InputError)
    assert "there are: base, sft, sft_gold, distilled, mild" in refused.exception.render()
    with pytest.raises(InputError) as caught:
        open_model(f"{root / 'small'}:wild", root)
    assert caught.value.hint == "there are: base, sft, sft_gold, distilled, mild, teacher"


BAD_GOLD = [
    ('{"question": "Why?", "answer": ""}', ":1", "`answer` must be a text that is not empty"),
    ('{"question": "Why?", "answer": "So."}\n\n{"question": "Why?"}', ":3", "`answer` is missing"),
    ('{"question": "Why?", "answer": "So.", "anser": "So."}', ":1", "unknown key `anser`"),
    ('["Why?", "So."]', ":1", "not a JSON object"),
    ('{"question": "Why?"', ":1", "not JSON"),
    ('{"id": "a", "question": "W", "answer": "S"}\n{"id": "a", "question": "X", "answer": "S"}', ":2", "this id was there before"),
    ("", "", "no gold answers"),
    (json.dumps(NEAR_EXAM), "left_out.jsonl", "none of the 1 gold answers may be taught"),
]


@pytest.mark.parametrize(("text", "line", "told"), BAD_GOLD)
def test_a_gold_file_with_a_fault_is_told_with_its_line(recipe: Path, root: Path, text: str, line: str, told: str) -> None:
    (recipe.parent / "bad.jsonl").write_text(text, encoding="utf-8")
    path = other(recipe, "bad", gold={"files": ["bad.jsonl"], "license": "CC0-1.0", "origin": "nobody"})
    done = call(path, root)
    assert isinstance(done.exception, InputError)
    assert told in done.exception.what
    assert str(done.exception.where).endswith(line)


BAD_RECIPES: list[tuple[dict[str, Any], str, str]] = [
    ({"evaluate__arms": ["base", "mlid"]}, "no arm `mlid`", "did you mean `mild`?"),
    ({"evaluate__arms": ["base", "sft", "sft"]}, "`sft` stands twice", "once"),
    ({"gold": None}, "`sft_gold` needs answers that people wrote", "gold: {files"),
    ({"distill__variants": {"teacher_x": {}}}, "a meaning of its own", "another name"),
    ({"distill__variants": {"Mild": {}}}, "cannot be an arm's name", "small letters"),
    (
        {"distill__variants": {"mild": {"loss": "skew_kl", "loss_settings": {"beta": 1}}}},
        "distill.variants.mild`: `skew_kl` has no",
        "explain",
    ),
    ({"distill__variants": {"mild": {"temperature": 2}}}, "distill.variants.mild.temperature`: sparse targets", "at 1"),
    ({"distill__variants": {"mild": {"los": "skew_kl"}}}, "`distill.variants.mild.los`: unknown key", "did you mean `loss`?"),
    ({"distill__learning_rate": [1e-3, -1]}, "a learning rate is a number above 0, not -1", "explain"),
    ({"distill__held_out": 0}, "several rates are compared on held-out records", "distill.held_out"),
    ({"evaluate__guard": {"require": True}, "evaluate__arms": ["sft"]}, "nothing to judge by", "general suite"),
]


@pytest.mark.parametrize(("changes", "told", "hint"), BAD_RECIPES)
def test_what_cannot_be_compared_is_refused_when_the_recipe_is_read(recipe: Path, changes: dict[str, Any], told: str, hint: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(other(recipe, "refused", **changes))
    assert told in caught.value.what
    assert hint in str(caught.value.hint)


def test_a_variant_of_a_loss_that_the_targets_refuse_is_refused(recipe: Path) -> None:
    """Reverse divergences cannot be computed from sampled targets."""
    path = other(recipe, "sampled", targets={"codec": "sampled"}, distill__variants={"mild": {"loss": "reverse_kl"}})
    with pytest.raises(RecipeError, match=r"`distill.variants.mild.loss`: `reverse_kl` cannot be computed from sampled targets"):
        load_recipe(path)
    assert load_recipe(other(recipe, "unused", targets={"codec": "sampled"}, evaluate__arms=["base", "distilled"]))


def test_a_rate_that_yaml_reads_as_text_is_a_number(recipe: Path) -> None:
    text = other(recipe, "text", distill__learning_rate="RATES").read_text(encoding="utf-8")
    path = recipe.with_name("rates.yaml")
    path.write_text(text.replace("RATES", "[1e-3, 2e-2]"), encoding="utf-8")
    assert load_recipe(path).distill.rates == (1e-3, 2e-2)
