"""One think mode from label to exam: what the teacher reads, what the student is taught, how it is asked, and what a key holds."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seodang.cli.main import cli
from seodang.core.artifact import Artifact
from seodang.core.errors import ModelError, RecipeError
from seodang.core.files import read_json_lines, write_json, write_json_lines
from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.data.build.prompt_text import load_prompts
from seodang.distill.modes.live import Live
from seodang.distill.students.own_tokenizer import make_own_start
from seodang.distill.targets.capture import open_book
from seodang.distill.think_share import Length, choose_thought
from seodang.models.chat_model import Message, Sampling
from seodang.models.local import LocalModel
from seodang.models.reader import Reader
from seodang.models.think import ThinkMode
from seodang.pipeline import own_answers, prove, teach
from seodang.pipeline.context import RunContext
from seodang.pipeline.recipe import load_recipe
from seodang.pipeline.run import make_plan, run_recipe
from seodang.pipeline.think import open_student, open_teacher, taught_mode, thought_records
from seodang.pipeline.workspace import Workspace
from small_project import write_project

PASSAGE = Passage("lamps.md", 0, 32, "The main lamp burns rapeseed oil.", "", "", "The main lamp burns rapeseed oil.", "en", "CC0-1.0")
RECORDS = [
    Record("know", f"What does lamp {n} burn?", f"It burns oil number {n}.", (PASSAGE.id,), "en", reasoning="The lamp is big." * (n % 3))
    for n in range(12)
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[ThinkMode, int]]:
    """The mode in which each call of a local model is asked, and how many tokens its answer may have."""
    found: list[tuple[ThinkMode, int]] = []
    answer = LocalModel.chat

    def listen(model: LocalModel, conversations: Any, sampling: Sampling, num_samples: int = 1) -> Any:
        found.append((model.thinking, sampling.max_new_tokens))
        return answer(model, conversations, sampling, num_samples)

    monkeypatch.setattr(LocalModel, "chat", listen)
    return found


def context_of(folder: Path, model: Path, share: float, **teacher: Any) -> RunContext:
    """A run whose records are accepted already."""

    def change(recipe: dict[str, Any]) -> None:
        recipe["teacher"] |= {"thinking": "on", **teacher}
        recipe["distill"] |= {"think_share": share, "epochs": 1, "precision": "float32"}
        recipe["evaluate"] |= {"max_items": 2, "max_general": 1, "max_new_tokens": 2, "max_reasoning_tokens": 3}

    path = write_project(folder, model, change)
    context = RunContext(load_recipe(path), folder, Workspace(folder / "runs"))
    make_plan(context)
    documents = [{"name": path.name, "text": path.read_text(encoding="utf-8")} for path in (folder / "documents").iterdir()]
    write_json_lines(context.artifacts["ingest"].folder / "documents.jsonl", documents)
    write_json_lines(context.artifacts["ingest"].folder / "passages.jsonl", [{"id": PASSAGE.id, **vars_of(PASSAGE)}])
    for step, name in (("build", "records.jsonl"), ("verify", "accepted.jsonl")):
        write_json_lines(context.artifacts[step].folder / name, [record.row() for record in RECORDS])
    return context


def vars_of(passage: Passage) -> dict[str, Any]:
    return {name: getattr(passage, name) for name in Passage.__slots__}


def computed(context: RunContext, name: str, work: Any, **options: Any) -> dict[str, Any]:
    artifact = context.artifacts[name]
    summary = work(context, artifact, Progress(name), **options)
    artifact.finish(step=name, key="k", summary=summary, measured={}, synthetic=True)
    return summary


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_teacher_and_student_read_each_record_in_the_mode_it_is_taught_in(tiny_switch_dir: Path, tmp_path: Path, share: float) -> None:
    from seodang.distill.losses.target import Sparse
    from seodang.distill.targets.cache import TargetCache

    context = context_of(tmp_path, tiny_switch_dir, share)
    chosen = thought_records(context)
    assert chosen <= {record.id for record in RECORDS if record.reasoning}
    assert bool(chosen) == (share > 0)
    summary = computed(context, "targets", teach.targets)
    reader = LocalModel(tiny_switch_dir, dtype="float32", thinking=ThinkMode.OFF)
    answers = {r.id: reader.encode_answer(r.answer, r.reasoning if r.id in chosen else "") for r in RECORDS}
    with closing(TargetCache(context.workspace.store / "target-cache" / summary["cache"])) as cache:
        for row in read_json_lines(context.artifacts["targets"].folder / "plan.jsonl"):
            target = cache.get(row["key"])
            assert isinstance(target, Sparse)
            assert len(target.offsets) - 1 == len(answers[row["record"]])
    told = computed(context, "train.distilled.0", teach.train, arm="distilled", seed=0)["thinking"]
    total = sum(map(len, answers.values()))
    assert told["num_thought"] == len(chosen)
    assert told["share"] == pytest.approx(sum(len(answers[name]) for name in chosen) / total, abs=1e-6)
    assert abs(told["share"] - share) <= max(map(len, answers.values())) / total
    assert told["mode"] == taught_mode(share) == ("on" if share >= 0.5 else "off")
    assert (told["mean_reasoning_tokens"] > 0) == bool(chosen)
    checkpoint = LocalModel(context.artifacts["train.distilled.0"].folder / "checkpoint", dtype="float32")
    question = [Message("user", "What does the main lamp burn?")]
    assert checkpoint.encode_chat(question) == reader.encode_chat(question, taught_mode(share)), "other programs ask it as it was taught"


def test_lengths_are_measured_in_the_tokens_that_are_taught(tiny_switch_dir: Path, tmp_path: Path) -> None:
    """In those of a tokenizer of the student's own, where it has one: here a token a byte."""
    context = context_of(tmp_path, tiny_switch_dir, 0.3)
    shares, recipe, own = [n / 20 for n in range(1, 12)], context.recipe, Artifact(tmp_path / "own")

    def chosen() -> list[frozenset[str]]:
        recipes = (recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"think_share": share})}) for share in shares)
        return [thought_records(RunContext(each, context.base, context.workspace, context.artifacts)) for each in recipes]

    by_source = chosen()
    context.artifacts["tokenizer"] = own
    make_own_start(tiny_switch_dir, own.folder, [], 300)
    reader = Reader(own.folder)
    lengths = [
        Length(r.id, len(reader.encode_answer(r.answer)), len(reader.encode_answer(r.answer, r.reasoning)) if r.reasoning else None)
        for r in RECORDS
    ]
    assert chosen() == [choose_thought(lengths, share) for share in shares] != by_source


def test_own_answers_and_a_live_teacher_have_each_record_s_mode(
    tiny_switch_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fine-tuned student is asked in it, an empty answer gives way to the verified one with its reasoning, and the teacher reads it."""
    from seodang.distill.modes import rollouts
    from seodang.distill.packing import Example
    from seodang.models.decoding import Row
    from seodang.pipeline.modes import by_live_teacher
    from seodang.pipeline.pairing import open_pair

    context = context_of(tmp_path, tiny_switch_dir, 0.6)
    shutil.copytree(tiny_switch_dir, context.artifacts["train.sft.0"].folder / "checkpoint")
    pair, chosen = open_pair(context), thought_records(context)
    assert 0 < len(chosen) < len(RECORDS)
    modes = {record.id: ThinkMode.ON if record.id in chosen else ThinkMode.OFF for record in RECORDS}
    asked: list[list[int]] = []
    with monkeypatch.context() as patch:

        def writes(model: Any, prompts: list[list[int]], **options: Any) -> list[list[Row]]:
            asked.extend(prompts)
            return [[Row([], "stop")]] * len(prompts)

        patch.setattr(rollouts, "write", writes)
        own_answers.rollouts(context, Artifact(tmp_path / "rollouts"), Progress("rollouts"), seed=0)
    assert asked == [pair.student.encode_chat([Message("user", record.question)], modes[record.id]) for record in RECORDS]
    answers = [pair.answer_ids(record.answer, record.reasoning if record.id in chosen else "") for record in RECORDS]
    rows = read_json_lines(tmp_path / "rollouts" / "rollouts.jsonl")
    assert [tuple(row["answer_ids"]) for row in rows] == answers
    examples = [Example(record.id, (5, 6), answer) for record, answer in zip(RECORDS, answers, strict=True)]
    live = context.recipe.distill.model_copy(update={"mode": "live"})
    lessons = by_live_teacher(context, live, pair, examples, chosen, 0).lessons()
    assert isinstance(lessons, Live)
    template = load_prompts(context.recipe.build.prompts)["open_book"]
    for record in RECORDS:
        prompt = pair.teacher.encode_chat(open_book(record, {PASSAGE.id: PASSAGE}, template), modes[record.id])
        assert list(lessons.teacher._prompts[record.id]) == prompt


def test_the_exam_is_sat_in_the_mode_that_was_taught(tiny_switch_dir: Path, tmp_path: Path, asked: list[tuple[ThinkMode, int]]) -> None:
    for share, thinking in ((0.0, "off"), (0.6, "on")):
        context = context_of(tmp_path / thinking, tiny_switch_dir, share)
        prove.evaluate(context, context.artifacts["evaluate.base"], Progress("evaluate"), arm="base", seed=None)
        prove.evaluate(context, context.artifacts["evaluate.teacher_open"], Progress("evaluate"), arm="teacher_open", seed=None)
    assert asked[:2] == [(ThinkMode.OFF, 2)] * 2
    assert set(asked[2:]) == {(ThinkMode.ON, 2 + 3)}


def test_keys_hold_the_think_mode_where_it_matters_and_nowhere_else(tiny_switch_dir: Path, tmp_path: Path) -> None:
    number = iter(range(99))

    def keys(share: float = 0.0, thinking: str = "on", **evaluate: int) -> dict[str, str]:
        def change(recipe: dict[str, Any]) -> None:
            recipe["teacher"]["thinking"] = thinking
            recipe["distill"]["think_share"] = share
            recipe["evaluate"] |= evaluate

        path = write_project(tmp_path / "project", tiny_switch_dir, change)
        context = RunContext(load_recipe(path), path.parent, Workspace(tmp_path / str(next(number))))
        return {step.name: step.key for step in make_plan(context)}

    def changed(a: dict[str, str], b: dict[str, str]) -> set[str]:
        return {name.split(".", 1)[-1] if name.startswith("evaluate") else name.split(".", 1)[0] for name in a if a[name] != b[name]}

    trained = {"targets", "train", "sft.0", "distilled.0", "export"}
    assert changed(keys(), keys(thinking="off")) == {"build", "verify", "teacher_open"} | trained
    assert changed(keys(), keys(0.3)) == trained
    assert changed(keys(0.3), keys(0.6)) == trained | {"base"}
    assert changed(keys(0.3), keys(0.3, max_reasoning_tokens=9)) == {"teacher_open"}
    assert changed(keys(0.6), keys(0.6, max_reasoning_tokens=9)) == {"teacher_open", "base", "sft.0", "distilled.0"}
    assert changed(keys(thinking="off"), keys(thinking="off", max_reasoning_tokens=9)) == set()


def test_a_switch_that_the_recipe_leaves_open_is_refused(tiny_switch_dir: Path, tiny_model_dir: Path) -> None:
    with pytest.raises(ModelError, match="does not say how it is set") as caught:
        open_teacher(tiny_switch_dir, ThinkMode.NONE, dtype="float32")
    assert "`teacher.thinking`" in str(caught.value.hint)
    with pytest.raises(ModelError, match="no switch"):
        open_teacher(tiny_model_dir, ThinkMode.OFF, dtype="float32")
    assert open_teacher(tiny_model_dir, ThinkMode.NONE, dtype="float32").thinking is ThinkMode.NONE


def test_a_student_is_asked_in_the_mode_in_which_most_was_taught(tiny_switch_dir: Path, tiny_model_dir: Path) -> None:
    modes = [open_student(folder, share, dtype="float32").thinking for folder in (tiny_switch_dir, tiny_model_dir) for share in (0.2, 0.5)]
    assert modes == ["off", "on", "none", "none"]


def test_reasoning_cannot_be_taught_to_a_student_without_a_switch(tiny_switch_dir: Path, tiny_model_dir: Path, tmp_path: Path) -> None:
    def other_student(recipe: dict[str, Any]) -> None:
        recipe["student_model"] = {**recipe["teacher"], "path": str(tiny_model_dir)}
        recipe["teacher"]["thinking"] = "on"
        recipe["distill"]["think_share"] = 0.5

    path = write_project(tmp_path, tiny_switch_dir, other_student)
    with pytest.raises(ModelError, match="student's chat template has no switch"):
        run_recipe(RunContext(load_recipe(path), tmp_path, Workspace(tmp_path / "runs")))
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("teacher", "student", "share", "what"),
    [("off", None, 0.5, "the teacher does not think"), ("on", "on", 0.0, "`student_model.thinking` has no effect")],
)
def test_modes_that_do_not_fit_are_told_when_the_recipe_is_read(
    tmp_path: Path, teacher: str, student: str | None, share: float, what: str
) -> None:
    def change(recipe: dict[str, Any]) -> None:
        if student:
            recipe["student_model"] = {**recipe["teacher"], "thinking": student}
        recipe["teacher"]["thinking"] = teacher
        recipe["distill"]["think_share"] = share

    with pytest.raises(RecipeError, match=what) as caught:
        load_recipe(write_project(tmp_path, tmp_path, change))
    assert caught.value.hint


def test_generate_asks_a_run_s_student_in_its_mode(tiny_switch_dir: Path, tmp_path: Path, asked: list[tuple[ThinkMode, int]]) -> None:
    (tmp_path / "prompts.jsonl").write_text('{"id": 1, "prompt": "Hello"}\n', encoding="utf-8")
    for share in (0.0, 0.6):
        folder = tmp_path / f"runs{share}" / "small"
        source = {"kind": "local", "name": "tiny", "license": "MIT", "path": str(tiny_switch_dir)}
        recipe = {"evaluate": {"seeds": [0], "max_reasoning_tokens": 5}, "distill": {"think_share": share}}
        row = {"name": "small", "recipe": recipe, "base": "/", "student_source": source, "synthetic": True, "steps": []}
        folder.mkdir(parents=True)
        write_json(folder / "run.json", row)
        arguments = ["generate", str(folder), "--prompts", str(tmp_path / "prompts.jsonl"), "--arm", "base", "--max-new-tokens", "3"]
        done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert done.exit_code == 0
    assert asked == [(ThinkMode.OFF, 3), (ThinkMode.ON, 8)]
