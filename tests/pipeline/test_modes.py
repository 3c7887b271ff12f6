"""The modes of teaching, from a recipe to a report: what they compute, what they reuse, and what they refuse."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner

from seodang.cli.main import cli
from seodang.core.artifact import Artifact
from seodang.core.errors import InputError, ModelError
from seodang.core.files import read_json, read_json_lines, write_json
from seodang.core.progress import Progress
from seodang.distill.modes import rollouts
from seodang.distill.modes.guards import Counts, guard
from seodang.distill.modes.on_policy import OnPolicy
from seodang.distill.modes.rollouts import drawn, write
from seodang.distill.packing import Example
from seodang.distill.parallel import Team
from seodang.models.chat_model import Message
from seodang.models.decoding import Row
from seodang.models.local import LocalModel
from seodang.models.source import LocalTeacher
from seodang.pipeline import own_answers, teach
from seodang.pipeline.context import RunContext
from seodang.pipeline.modes import by_live_teacher
from seodang.pipeline.pairing import open_pair
from seodang.pipeline.recipe import load_recipe
from seodang.pipeline.run import _train_line, make_plan
from seodang.pipeline.workspace import Workspace, open_run
from small_project import write_project

pytestmark = pytest.mark.timeout(300)
LIVE: dict[str, Any] = {"mode": "live", "loss": "reverse_kl", "temperature": 1.5, "packs_per_step": 2}
ROLLOUTS = {"num", "mean_length", "ended", "cut", "replaced", "distinct_4"}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Sums are taken in the same order as in a process with one thread, and threads do not wait for one another."""
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "sched_getaffinity", lambda process: {0})
        yield
    torch.set_num_threads(before)


def told(recipe: Path, root: Path) -> dict[str, bool]:
    """Runs a recipe; each step's name, and whether it was reused."""
    done = CliRunner().invoke(cli, ["run", str(recipe), "--runs", str(root)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return {line.split()[0]: line.endswith("(reused)") for line in done.stdout.splitlines() if line.endswith((" s)", "(reused)"))}


def with_mode(project: Path, name: str, *, arms: list[str] | None = None, **distill: Any) -> Path:
    """A recipe beside the project's, with other settings of `distill`."""
    recipe = yaml.safe_load((project / "small.yaml").read_text(encoding="utf-8"))
    recipe["name"] = name
    recipe["distill"].update(distill)
    recipe["evaluate"]["arms"] = arms or ["base", "distilled"]
    path = project / f"{name}.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path


def planned(recipe: Path, root: Path) -> RunContext:
    """The context of a recipe whose plan was made."""
    context = RunContext(load_recipe(recipe), recipe.parent, Workspace(root))
    make_plan(context)
    return context


@pytest.fixture(scope="module")
def project(random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def smaller(recipe: dict[str, Any]) -> None:
        recipe["build"].update(question_openers=1, utterances_per_action=2, messages_per_rule=2, general_questions=3)
        recipe["verify"]["checks"] = ["near_duplicate", "decontaminated"]
        recipe["distill"].update(epochs=1, pack_tokens=160)
        recipe["evaluate"].update(max_items=2, max_general=1)
        recipe["export"]["formats"] = []

    return write_project(tmp_path_factory.mktemp("modes"), random_model, smaller).parent


@pytest.fixture(scope="module")
def tuned(project: Path) -> RunContext:
    """A finished run in the mode `offline_on_policy`."""
    recipe = with_mode(project, "offline", mode="offline_on_policy", rollout_tokens=12, rollout_samples=2, rollout_temperature=0.8)
    told(recipe, project / "runs")
    return planned(recipe, project / "runs")


def test_live_keeps_no_targets(project: Path, tuned: RunContext) -> None:
    steps = told(with_mode(project, "live", **LIVE), project / "runs")
    assert list(steps) == ["ingest", "build", "verify", "train.distilled.0", "evaluate.base", "evaluate.distilled.0"]
    assert not steps["train.distilled.0"]
    report = read_json(project / "runs" / "live" / "report.json")
    (trained,) = report["training"]["distilled"]
    assert report["targets"] is None
    assert trained["num_steps"] > 3
    assert trained["held_out_curve"]
    assert "rollouts" not in trained


def test_on_policy_tells_of_the_answers(project: Path, tuned: RunContext) -> None:
    recipe = with_mode(project, "own", mode="on_policy", on_policy_share=0.8, rollout_tokens=8)
    assert "targets" not in told(recipe, project / "runs")
    (trained,) = read_json(project / "runs" / "own" / "report.json")["training"]["distilled"]
    assert set(trained["rollouts"]) == ROLLOUTS
    assert trained["rollouts"]["num"] > 5
    assert 0 < trained["rollouts"]["mean_length"] <= 9
    assert trained["on_policy_stopped_at"] is None


def test_offline_goes_on_from_the_fine_tuned_student(project: Path, tuned: RunContext) -> None:
    """It is trained though no arm asks for it, and the report is complete."""
    names = [row["name"] for row in open_run(project / "runs" / "offline").row["steps"]]
    assert names[3:7] == ["train.sft.0", "rollouts.0", "targets.0", "train.distilled.0"]
    report = read_json(project / "runs" / "offline" / "report.json")
    assert [arm["name"] for arm in report["arms"]] == ["base", "distilled"]
    (sft,), (trained,) = report["training"]["sft"], report["training"]["distilled"]
    assert trained["num_steps"] == sft["num_steps"]
    assert trained["num_tokens_before"] == sft["num_tokens"]  # so that nobody takes the two for equal
    rows = read_json_lines(tuned.artifacts["rollouts.0"].folder / "rollouts.jsonl")
    assert report["targets"]["num_sequences"] == len(rows) == 2 * len(tuned.accepted)
    summary = tuned.artifacts["rollouts.0"].manifest["summary"]
    assert {"num_questions", *ROLLOUTS} == set(summary)
    assert all(told(project / "offline.yaml", project / "runs").values())
    folder = tuned.artifacts["targets.0"].manifest["summary"]["cache"]
    done = CliRunner().invoke(cli, ["targets", "show", folder, "--runs", str(project / "runs"), "--json"])
    uses = {(use["run"], use["step"]): use for use in json.loads(done.stdout)["uses"]}
    assert uses["offline", "train.distilled.0"]["num_reused"] == uses["offline", "targets.0"]["num_sequences"] == len(rows)


def test_what_is_kept_of_own_answers_is_what_the_student_writes(tuned: RunContext) -> None:
    """Its first answers, decoded again from its checkpoint; what did not end has no end."""
    rows = read_json_lines(tuned.artifacts["rollouts.0"].folder / "rollouts.jsonl")
    student = LocalModel(tuned.artifacts["train.sft.0"].folder / "checkpoint", dtype="float32")
    end = student.encode_answer("")[-1]
    accepted = {record.id: record for record in tuned.accepted}
    assert [row["id"] for row in rows] == [f"{record}.{number}" for record in accepted for number in range(2)]
    for row in rows:
        assert (row["answer_ids"][-1] == end) == row["ended"]
        if not row["own"]:
            assert row["answer_ids"] == student.encode_answer(accepted[row["record"]].answer)
        assert 0 < len(row["answer_ids"]) <= 13 or not row["own"]
    assert len({tuple(row["answer_ids"]) for row in rows}) > len(rows) / 2
    first = tuned.accepted[:16]  # with two samples each, as many as are written together
    prompts = [student.encode_chat([Message("user", record.question)]) for record in first]
    settings: dict[str, Any] = {"max_new_tokens": 12, "temperature": 0.8, "num_samples": 2}
    written = write(student.model, prompts, seed=drawn(0, 0, "own answers"), stop_ids=student.stop_ids, **settings)
    taught = [guard(row, end).answer_ids for samples in written for row in samples]
    assert [tuple(row["answer_ids"]) if row["own"] else () for row in rows[: len(taught)]] == taught


def test_killed_rollouts_go_on(tuned: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_answers, "_TOGETHER", 8)  # four questions with two samples each
    told = own_answers.rollouts(tuned, Artifact(tmp_path / "whole"), Progress("rollouts"), seed=0)
    answers, asked = own_answers._answers, 0

    def dying(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise KeyboardInterrupt
        return answers(*arguments)

    monkeypatch.setattr(own_answers, "_answers", dying)
    with pytest.raises(KeyboardInterrupt):
        own_answers.rollouts(tuned, Artifact(tmp_path / "broken"), Progress("rollouts"), seed=0)
    assert own_answers.rollouts(tuned, Artifact(tmp_path / "broken"), Progress("rollouts"), seed=0) == told
    assert asked == 1 + -(-len(tuned.accepted) // 4)  # what was finished is not asked for again
    whole, broken = (tmp_path / name / "rollouts.jsonl" for name in ("whole", "broken"))
    assert whole.read_bytes() == broken.read_bytes()


def test_what_a_fine_tuned_student_is_taught_on(tuned: RunContext) -> None:
    """Own answers by the divergence alone, from its checkpoint; a student that is not made of adapters is not made once more."""
    examples = [Example(record.id, (1, 2), (5, 2), None, 0.3) for record in tuned.accepted]
    rows = read_json_lines(tuned.artifacts["rollouts.0"].folder / "rollouts.jsonl")
    kept: dict[str, Any] = {row["id"]: object() for row in rows}
    taught = own_answers.on_rollouts(tuned, examples, kept, 0)
    assert taught.start == tuned.artifacts["train.sft.0"].folder / "checkpoint"
    assert taught.student == tuned.recipe.student
    for example, row in zip(taught.examples, rows, strict=True):
        assert (example.record, list(example.answer_ids)) == (row["record"], row["answer_ids"])
        assert example.target is kept[row["id"]]
        assert example.weight == (1.0 if row["own"] else 0.3)
    pruned = tuned.recipe.model_copy(update={"student": tuned.recipe.student.model_copy(update={"method": "fresh"})})
    context = RunContext(pruned, tuned.base, tuned.workspace, tuned.artifacts)
    assert own_answers.on_rollouts(context, examples, kept, 0).student.method == "full"


def ending_otherwise(model: Path, folder: Path) -> Path:
    """The same model, whose tokenizer names another end than the chat's, at which it stops too."""
    shutil.copytree(model, folder)
    for file, told in (("tokenizer_config.json", {"eos_token": "<|endoftext|>"}), ("generation_config.json", {"eos_token_id": [0, 2]})):
        write_json(folder / file, read_json(folder / file) | told)
    return folder


def test_own_answers_end_as_the_teachers(tuned: RunContext, random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the chat's end, also where the student's tokenizer names another one: those that are written, replaced, and taught live."""
    source = tuned.student_source.model_copy(update={"path": str(ending_otherwise(random_model, tmp_path / "student"))})
    recipe, sft = tuned.recipe.model_copy(update={"student_model": source}), Artifact(tmp_path / "sft")
    ending_otherwise(tuned.artifacts["train.sft.0"].folder / "checkpoint", sft.folder / "checkpoint")
    context = RunContext(recipe, tuned.base, tuned.workspace, {**tuned.artifacts, "train.sft.0": sft})
    pair = open_pair(context)
    assert (pair.end, pair.student.encode_answer("")[-1]) == (2, 0)
    with monkeypatch.context() as patch:
        kept = [[Row([5, 6], "stop"), Row([], "stop")]]
        patch.setattr(rollouts, "write", lambda model, prompts, **options: kept * len(prompts))  # pyright: ignore
        own_answers.rollouts(context, Artifact(tmp_path / "rollouts"), Progress("rollouts"), seed=0)
    rows = read_json_lines(tmp_path / "rollouts" / "rollouts.jsonl")
    assert [row["answer_ids"] for row in rows[::2]] == [[5, 6, pair.end]] * len(context.accepted)
    assert [row["answer_ids"] for row in rows[1::2]] == [list(pair.answer_ids(record.answer)) for record in context.accepted]
    examples = [Example(record.id, (5, 6), pair.answer_ids(record.answer)) for record in context.accepted]
    distill = context.recipe.distill.model_copy(update={"mode": "on_policy"})
    lessons = by_live_teacher(context, distill, pair, examples, (), 0).lessons()
    assert isinstance(lessons, OnPolicy)
    assert (lessons.end, lessons.stop_ids) == (2, {0, 2})


def test_a_live_teacher_with_another_width_of_logits_is_refused(tuned: RunContext, random_model: Path, tmp_path: Path) -> None:
    """Also where all tokens are equal: a model may have more rows than its tokenizer has tokens."""
    shutil.copytree(random_model, tmp_path / "wider")
    write_json(tmp_path / "wider" / "config.json", read_json(tmp_path / "wider" / "config.json") | {"vocab_size": 402})
    source = tuned.student_source.model_copy(update={"path": str(tmp_path / "wider")})
    recipe = tuned.recipe.model_copy(update={"student_model": source})
    context = RunContext(recipe, tuned.base, tuned.workspace, tuned.artifacts)
    pair = open_pair(context)
    examples = [Example(record.id, (5, 6), pair.answer_ids(record.answer)) for record in context.accepted]
    with pytest.raises(ModelError, match="logits a token and the student 402"):
        by_live_teacher(context, recipe.distill, pair, examples, (), 0)


@pytest.mark.parametrize(("samples", "questions"), [(1, 32), (2, 16), (64, 1)])
def test_a_batch_is_as_large_with_many_samples(
    tuned: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: int, questions: int
) -> None:
    """Memory is needed by the answer, not by the question. Each batch of each seed is drawn by a seed of its own."""
    asked: list[int] = []
    drawn_by: set[int] = set()

    def writes(model: Any, prompts: Any, **options: Any) -> list[list[Row]]:
        asked.append(len(prompts))
        drawn_by.add(options["seed"])
        return [[Row([5], "stop")] * options["num_samples"] for _ in prompts]

    monkeypatch.setattr(rollouts, "write", writes)
    recipe = tuned.recipe.model_copy(update={"distill": tuned.recipe.distill.model_copy(update={"rollout_samples": samples})})
    context = RunContext(recipe, tuned.base, tuned.workspace, tuned.artifacts)
    context.artifacts = tuned.artifacts | {"train.sft.1": tuned.artifacts["train.sft.0"]}
    told = [own_answers.rollouts(context, Artifact(tmp_path / str(seed)), Progress("rollouts"), seed=seed) for seed in (0, 1)]
    assert max(asked) == min(questions, len(tuned.accepted))
    assert (sum(asked), len(drawn_by)) == (2 * len(tuned.accepted), len(asked))
    assert [row["num"] for row in told] == [samples * len(tuned.accepted)] * 2


def other_teacher(random_model: Path, folder: Path) -> LocalTeacher:
    """The same shape and tokenizer, other weights."""
    shutil.copytree(random_model, folder)
    model: Any = LocalModel(random_model, dtype="float32").model
    with torch.no_grad():
        model.lm_head.weight.mul_(1.5)
    model.save_pretrained(folder)
    return LocalTeacher(kind="local", name="other", license="CC0-1.0", path=str(folder), synthetic=True)


def test_another_teacher_than_the_records_author_is_refused(tuned: RunContext, random_model: Path, tmp_path: Path) -> None:
    author = tuned.artifacts["build"].folder / own_answers.AUTHOR
    assert read_json(author) == tuned.teacher.identity
    recipe = tuned.recipe.model_copy(update={"teacher": other_teacher(random_model, tmp_path / "other")})
    context = RunContext(recipe, tuned.base, tuned.workspace, tuned.artifacts)
    with pytest.raises(ModelError, match=r"written by another teacher than the one that scores \(other: weights\)"):
        teach.targets(context, Artifact(tmp_path / "targets"), Progress("targets"), seed=0)
    own_answers.refuse_other_author(author, tuned.teacher.identity)
    own_answers.refuse_other_author(author, {**tuned.teacher.identity, "engine": "a later one"})
    with pytest.raises(ModelError, match="not known which teacher"):
        own_answers.refuse_other_author(tmp_path / "none.json", tuned.teacher.identity)


def test_a_way_back_is_told_in_the_line_of_the_training() -> None:
    training: dict[str, Any] = {"num_steps": 9, "num_tokens": 90, "loss_curve": [[1, 2.0], [9, 1.0]]}
    plain = _train_line(training)
    own = {**training, "rollouts": Counts(num=4, num_tokens=10).told(), "on_policy_stopped_at": None, "on_policy_stopped_because": None}
    assert _train_line(own) == f"{plain}, 4 own answers of 2.5 tokens"
    back = {**own, "on_policy_stopped_at": 8, "on_policy_stopped_because": "more than half repeated themselves"}
    assert _train_line(back) == f"{plain}, 4 own answers of 2.5 tokens, none after step 8, because more than half repeated themselves"


def keys(recipe: Path, root: Path) -> dict[str, str]:
    return {step.name: step.key for step in make_plan(RunContext(load_recipe(recipe), recipe.parent, Workspace(root)))}


@pytest.mark.parametrize(
    ("mode", "change", "computed"),
    [
        ("cached", {"rollout_tokens": 9, "on_policy_share": 0.1, "rollout_samples": 3}, set[str]()),
        ("live", {"rollout_tokens": 9}, set[str]()),
        ("on_policy", {"rollout_samples": 3}, set[str]()),
        ("on_policy", {"rollout_tokens": 9}, {"train.distilled.0"}),
        ("on_policy", {"on_policy_share": 0.1}, {"train.distilled.0"}),
        ("offline_on_policy", {"on_policy_share": 0.1}, set[str]()),
        ("offline_on_policy", {"rollout_temperature": 0.7}, {"rollouts.0", "targets.0", "train.distilled.0"}),
        ("offline_on_policy", {"weight": 0.7}, {"train.distilled.0"}),
    ],
)
def test_a_key_holds_what_its_mode_uses(project: Path, mode: str, change: dict[str, Any], computed: set[str]) -> None:
    arms = ["sft", "distilled"]
    before = keys(with_mode(project, "before", arms=arms, mode=mode), project / "none")
    after = keys(with_mode(project, "after", arms=arms, mode=mode, **change), project / "none")
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name] and not name.startswith("evaluate")} == computed


def test_the_fine_tuned_student_does_not_hang_on_the_mode(project: Path) -> None:
    modes = ("cached", "live", "on_policy", "offline_on_policy")
    found = [keys(with_mode(project, "each", arms=["sft", "distilled"], mode=mode), project / "none") for mode in modes]
    assert len({each["train.sft.0"] for each in found}) == 1
    assert len({each["train.distilled.0"] for each in found}) == 4


@pytest.mark.parametrize("mode", ["cached", "offline_on_policy"])
def test_a_remote_teachers_targets_are_those_of_the_students_tokens(project: Path, mode: str, tmp_path: Path) -> None:
    """It is asked in them, so that another student's have to be asked for anew; a local teacher has its own."""
    path = with_mode(project, "remote", mode=mode)
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    local, remote = recipe["teacher"], {"kind": "openai_http", "url": "http://127.0.0.1:9/v1", "model": "x"}
    other = {**local, "path": str(ending_otherwise(Path(local["path"]), tmp_path / "other"))}
    recipe["targets"] = {"codec": "top_k"}

    def targets(teacher: dict[str, Any], student: dict[str, Any]) -> str:
        path.write_text(yaml.safe_dump(recipe | {"teacher": teacher, "student_model": student}), encoding="utf-8")
        return next(key for name, key in keys(path, project / "none").items() if name.startswith("targets"))

    assert targets(remote, local) == targets(remote, local) != targets(remote, other)
    assert mode == "offline_on_policy" or targets(local, local) == targets(local, other)


@pytest.mark.parametrize("mode", ["live", "on_policy"])
def test_a_remote_teacher_is_refused_before_it_is_asked(project: Path, mode: str) -> None:
    path = with_mode(project, "remote", mode=mode)
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    recipe["student_model"], recipe["teacher"] = recipe["teacher"], {"kind": "openai_http", "url": "http://127.0.0.1:9/v1", "model": "x"}
    recipe["targets"] = {"codec": "top_k"}
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    with pytest.raises(ModelError, match=f"`distill.mode: {mode}` needs whole distributions") as caught:
        planned(path, project / "none")
    assert "offline_on_policy" in caught.value.render()


def test_several_processes_are_refused_own_answers_before_any_work(project: Path) -> None:
    recipe = with_mode(project, "team", mode="on_policy")
    context = RunContext(load_recipe(recipe), project, Workspace(project / "none"), team=Team(0, 2))
    with pytest.raises(InputError, match="cannot train in the mode `on_policy`"):
        make_plan(context)


def test_shares_of_kept_answers_are_told(tuned: RunContext) -> None:
    summary = tuned.artifacts["rollouts.0"].manifest["summary"]
    rows = read_json_lines(tuned.artifacts["rollouts.0"].folder / "rollouts.jsonl")
    assert summary["replaced"] == pytest.approx(sum(not row["own"] for row in rows) / len(rows), abs=1e-4)
    assert summary["num"] == len(rows)
    assert Counts().told()["num"] == 0
