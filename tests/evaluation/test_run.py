"""A task put to a model: every item counted, errors too; batches that do not depend on kills; the same files in the end."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers

from seodang.core.artifact import Artifact
from seodang.core.errors import EndpointError, InputError, ModelError
from seodang.evaluation.result import RESULTS, read_evaluation
from seodang.evaluation.retry import forget_errors
from seodang.evaluation.run import Settings, evaluation_key, run_task
from seodang.evaluation.score import summarise
from seodang.evaluation.task import Ask, Item, Judgement, Options, Rank, Solving, Task
from seodang.models.chat_model import Completion, Message, Sampling, TokenTargets
from seodang.models.think import ThinkMode

ITEMS = [Item(f"item-{number}", "even" if number % 2 == 0 else "odd", f"question {number}", {"turns": number % 4}) for number in range(19)]


class Talker:
    """Says the last message and how many were asked together. Dies at a chosen call; refuses questions with a chosen number."""

    name = "talker"
    synthetic = True

    def __init__(self, dies_at: int | None = None, refuses: Sequence[int] = (), error: type[Exception] = ModelError) -> None:
        self.dies_at, self.refuses, self.error = dies_at, refuses, error
        self.num_calls = 0
        self.asked: list[str] = []

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "talker"}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        if self.num_calls == self.dies_at:
            raise KeyboardInterrupt
        self.num_calls += 1
        for conversation in conversations:
            if any(conversation[0].content == f"question {number}" for number in self.refuses):
                raise self.error("this one is refused")
        self.asked += [conversation[-1].content for conversation in conversations]
        said = [f"{talk[-1].content}, {len(conversations)} together, seed {sampling.seed}" for talk in conversations]
        return [[Completion(text, "stop", len(talk), 2)] for text, talk in zip(said, conversations, strict=True)]

    def encode_chat(self, messages: Sequence[Message], thinking: Any = None) -> list[int]:
        return [ord(letter) for message in messages for letter in message.content]

    def encode_text(self, text: str) -> list[int]:
        return [ord(letter) for letter in text]

    def encode_answer(self, text: str, reasoning: str = "") -> list[int]:
        return self.encode_text(text)

    def score(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], top_k: int) -> list[TokenTargets]:
        return [TokenTargets([[min(c)] for _ in c], [[0.0] for _ in c], [-float(token) for token in c]) for c in continuations]


def several_turns(item: Item, options: Options) -> Solving:
    """As many turns as the item says, at least one; the score is the share of the texts that hold the question."""
    messages = [Message("user", item.question)]
    for turn in range(1 + item.content["turns"]):
        reply: Completion = yield Ask(tuple(messages), 8)
        messages += [Message("assistant", reply.text), Message("user", f"{item.question}, turn {turn + 1}")]
    return Judgement(1.0, messages[-2].content, {"turns": len(messages) // 2})


def ranks(item: Item, options: Options) -> Solving:
    found = yield Rank(f"{item.question}  ", ("ab", "b"))
    return Judgement(float(found[0].greedy), str(found[0].logprob), {"moved": found[1].num_tokens})


def make_task(solve: Any = several_turns, items: Sequence[Item] = ITEMS) -> Task:
    return Task("talk", "Talk", "domain", ("en",), lambda options, store: list(items), solve)


def run(model: Any, folder: Path, task: Task | None = None, **how: Any) -> Any:
    return run_task(model, task or make_task(), Options(), Settings(**{"batch_size": 5, **how}), ITEMS, folder)


@settings(max_examples=25, deadline=None)
@given(dies_at=integers(0, 15), batch_size=integers(1, 8), samples=integers(1, 3))
def test_a_killed_run_ends_in_the_same_bytes_and_asks_nothing_twice(
    tmp_path_factory: pytest.TempPathFactory, dies_at: int, batch_size: int, samples: int
):
    how: dict[str, Any] = {"batch_size": batch_size, "num_samples": samples, "temperature": 0.5}
    whole, broken = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("broken")
    unbroken, first, second = Talker(), Talker(dies_at=dies_at), Talker()
    run(unbroken, whole, **how)
    try:
        run(first, broken, **how)
    except KeyboardInterrupt:
        run(second, broken, **how)
    for name in ("items.jsonl", RESULTS):
        assert (whole / name).read_bytes() == (broken / name).read_bytes()
    assert sorted(first.asked + second.asked) == sorted(unbroken.asked)


def test_a_finished_evaluation_is_read_and_asks_nothing(tmp_path: Path):
    run(Talker(), tmp_path)
    again = Talker()
    evaluation = run(again, tmp_path)
    assert again.num_calls == 0
    assert [len(results) for results in evaluation.results.values()] == [1] * len(ITEMS)


def test_a_folder_of_another_evaluation_is_refused(tmp_path: Path):
    run(Talker(), tmp_path)
    with pytest.raises(InputError, match="another evaluation"):
        run(Talker(), tmp_path, seed=1)


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def read_files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"items.jsonl": "mine", ".tmp_notes": "mine", "sub/.draft.tmp": "mine"}, "no evaluation wrote"),
        ({"notes.txt": "mine"}, "no evaluation wrote"),
        ({".lock": "mine", "items.jsonl": "mine"}, "no evaluation wrote"),
        ({".lock": "", "notes.txt": "mine"}, "no evaluation wrote"),
        ({"partial/notes.jsonl": "mine"}, "no evaluation wrote"),
        ({"manifest.json": '{"name": "x"}'}, "another kind of work"),
        ({"manifest.json": "[]"}, "another kind of work"),
        ({"manifest.json": "{"}, "another kind of work"),
        ({"manifest.json": '{"step": "distill", "key": "k", "summary": {}}'}, "another kind of work"),
    ],
)
def test_a_folder_with_files_that_no_evaluation_wrote_is_refused_and_left_as_it_is(tmp_path: Path, files: dict[str, str], said: str):
    write_files(tmp_path, files)
    model = Talker()
    assert not forget_errors(tmp_path, "key")
    with pytest.raises(InputError, match=said) as caught:
        run(model, tmp_path)
    assert "--out" in (caught.value.hint or "")
    assert read_files(tmp_path) == files
    assert model.num_calls == 0


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path):
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="a file, not a folder"):
        run(Talker(), tmp_path / "out")


@pytest.mark.parametrize(
    "files",
    [
        {},
        {".lock": ""},
        {".lock": "", ".items.jsonl.12.tmp": "torn"},
        {".lock": "", "items.jsonl": "half of a copy", ".results.jsonl.12.tmp": "torn"},
        {"partial/0123456789abcdef.jsonl": "", "items.jsonl": "old"},
    ],
)
def test_what_an_interrupted_run_left_is_gone_on_with(tmp_path: Path, files: dict[str, str]):
    write_files(tmp_path / "broken", files)
    run(Talker(), tmp_path / "broken")
    run(Talker(), tmp_path / "whole")
    for name in ("items.jsonl", RESULTS):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not any(path.name.endswith(".tmp") for path in (tmp_path / "broken").rglob("*"))


def test_a_run_that_was_killed_when_it_made_the_folder_of_its_journal_is_gone_on_with(tmp_path: Path):
    write_files(tmp_path, {".lock": ""})
    (tmp_path / "partial").mkdir()
    assert len(run(Talker(), tmp_path).items) == len(ITEMS)


def test_what_a_model_refuses_is_an_error_of_that_item_alone_and_scores_zero(tmp_path: Path):
    evaluation = run(Talker(refuses=(3, 8)), tmp_path)
    wrong = {name: results[0] for name, results in evaluation.results.items() if results[0].outcome == "error"}
    assert set(wrong) == {"item-3", "item-8"}
    assert all(result.score == 0 and "refused" in result.error for result in wrong.values())
    row = summarise(evaluation)
    assert (row["n"], row["errors"]) == (19, 2)
    assert row["score"] == pytest.approx(17 / 19)


def test_a_lost_endpoint_ends_the_run_and_what_was_said_stays(tmp_path: Path):
    with pytest.raises(EndpointError):
        run(Talker(refuses=(8,), error=EndpointError), tmp_path)
    with pytest.raises(InputError, match="not finished"):
        read_evaluation(tmp_path)
    second = Talker()
    run(second, tmp_path)
    assert "question 0" not in second.asked


def test_samples_differ_by_their_seed_alone(tmp_path: Path):
    evaluation = run(Talker(), tmp_path, num_samples=2, temperature=0.7, seed=5)
    first, second = evaluation.results["item-0"]
    assert (first.answer.replace("seed 5", "seed 6"), first.sample, second.sample) == (second.answer, 0, 1)


def test_several_greedy_samples_are_refused():
    with pytest.raises(InputError, match="temperature"):
        Settings(num_samples=2)


def test_the_transcript_holds_each_turn_once_and_its_tokens(tmp_path: Path):
    (result,) = run(Talker(), tmp_path).results["item-3"]
    assert [turn["role"] for turn in result.transcript] == ["user", "assistant"] * 4
    assert (result.num_new_tokens, result.num_prompt_tokens) == (8, 1 + 3 + 5 + 7)


def test_white_space_at_a_contexts_end_belongs_to_the_continuation(tmp_path: Path):
    (result,) = run(Talker(), tmp_path, make_task(ranks)).results["item-3"]
    assert result.evidence["moved"] == 3
    assert float(result.answer) == -(32 + 32 + 97 + 98)
    assert [turn["role"] for turn in result.transcript] == ["context", "continuation", "continuation"]
    assert (result.num_prompt_tokens, result.num_new_tokens) == (7, 0)  # nothing was written


def test_the_key_changes_with_all_that_changes_the_answers():
    task, model = make_task(), Talker()
    keys = {
        evaluation_key(model, task, Options(), Settings(), ITEMS),
        evaluation_key(model, task, Options(seed=1), Settings(), ITEMS),
        evaluation_key(model, task, Options(), Settings(seed=1), ITEMS),
        evaluation_key(model, task, Options(), Settings(batch_size=4), ITEMS),
        evaluation_key(model, task, Options(), Settings(), ITEMS[1:]),
    }
    assert len(keys) == 5


class Thinker(Talker):
    """Keeps how many tokens it was allowed."""

    def __init__(self, **told: Any) -> None:
        super().__init__()
        self.allowed: set[int] = set()
        vars(self).update(told)

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        self.allowed.add(sampling.max_new_tokens)
        return super().chat(conversations, sampling, num_samples)


@pytest.mark.parametrize(
    ("told", "room"),
    [
        ({"thinking": ThinkMode.ON}, 7),
        ({"thinking": ThinkMode.OFF}, 0),
        ({"thinking": ThinkMode.NONE}, 7),
        ({"thinking": ThinkMode.NONE, "has_think_switch": True}, 7),
        ({"thinking": ThinkMode.NONE, "has_think_switch": False}, 0),
        ({"thinking": ThinkMode.NONE, "has_think_switch": False, "begins_inside": True}, 7),
    ],
)
def test_there_is_room_for_thoughts_unless_the_model_does_not_think(tmp_path: Path, told: dict[str, Any], room: int):
    model = Thinker(**told)
    run(model, tmp_path, max_reasoning_tokens=7)
    assert model.allowed == {8 + room}


def test_errors_are_asked_again_and_nothing_else(tmp_path: Path):
    key = evaluation_key(Talker(), make_task(), Options(), Settings(batch_size=5), ITEMS)
    run(Talker(refuses=(3,)), tmp_path / "broken")
    assert not forget_errors(tmp_path / "broken", "another key")
    assert forget_errors(tmp_path / "broken", key)
    again = Talker()
    evaluation = run(again, tmp_path / "broken")
    run(Talker(), tmp_path / "whole")
    assert (tmp_path / "broken" / RESULTS).read_bytes() == (tmp_path / "whole" / RESULTS).read_bytes()
    assert {asked.split(",")[0] for asked in again.asked} <= {f"question {number}" for number in range(5)}
    assert evaluation.manifest["summary"]["num_errors"] == 0
    assert not forget_errors(tmp_path / "broken", key)


def test_results_that_were_changed_are_refused(tmp_path: Path):
    run(Talker(), tmp_path)
    path = tmp_path / RESULTS
    path.write_text(path.read_text(encoding="utf-8").replace('"score": 1.0', '"score": 0.0', 1), encoding="utf-8")
    with pytest.raises(InputError, match="changed since it was written"):
        read_evaluation(tmp_path)


@pytest.mark.parametrize("row", ['{"item": "item-0"}', "[]", '{"item": "item-0", "transcript": [], "strange": 1}'])
def test_a_malformed_row_is_named_by_its_line(tmp_path: Path, row: str):
    told = run(Talker(), tmp_path).manifest
    (tmp_path / RESULTS).write_text(row + "\n", encoding="utf-8")
    Artifact(tmp_path).finish(step=told["step"], key=told["key"], summary=told["summary"], measured={}, synthetic=True)
    with pytest.raises(InputError, match="not a row"):
        read_evaluation(tmp_path)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("[]", "not the folder of an evaluation"),
        ("3", "not the folder of an evaluation"),
        ('{"name": "x"}', "not the folder of an evaluation"),
        ('{"step": "eval"}', "lacks `key`"),
        ('{"step": "eval", "key": "k", "synthetic": true, "summary": [], "files": {}}', "lacks `summary`"),
        ('{"step": "eval", "key": "k", "synthetic": true, "summary": {"model": "m"}, "files": {}}', "lacks `task`"),
    ],
)
def test_a_manifest_that_is_no_evaluations_is_named(tmp_path: Path, told: str, said: str):
    run(Talker(), tmp_path)
    (tmp_path / "manifest.json").write_text(told, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_evaluation(tmp_path)
