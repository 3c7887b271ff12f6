"""A gate from its file to its verdict: the declaration comes first, answers are not asked for twice, and nobody moves a bound unseen."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from seodang.core.errors import InputError, ModelError, RecipeError
from seodang.evaluation.gate_file import Waiver, load_gate, parse_waiver
from seodang.evaluation.task import Family, find_task
from seodang.models.chat_model import ChatModel, Completion, Message, Sampling, Scores
from seodang.models.think import ThinkMode
from seodang.pipeline import gate as gates
from seodang.pipeline.evaluate import task_options
from seodang.pipeline.gate import run_gate

NUM_ITEMS = 60
GATE = """name: support
student: student
base: base
teacher: teacher
tasks:
  - task: exam
    options: {files: [EXAM]}
    role: primary
    rules:
      - {rule: superior}
regression:
  - {family: domain, margin: 0.05}
"""


class Knows:
    """Answers the first `right` questions of the exam, and counts what it was asked."""

    synthetic = True
    asked = 0
    thinking = ThinkMode.NONE

    def __init__(self, name: str, right: int) -> None:
        self.name, self._right = name, right

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "knows", "name": self.name, "right": self._right}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        Knows.asked += len(conversations)
        numbers = [int(conversation[-1].content.split()[2]) for conversation in conversations]
        return [[Completion(f"answer{number}" if number < self._right else "no", "stop", 5, 3)] for number in numbers]


class Place:
    """A gate's file, its exam and its models, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.path, self.runs = folder / "gate.yaml", folder / "runs"
        self.right = {"student": 40, "base": 20, "teacher": 55}
        self.exam = folder / "exam.jsonl"
        self.write_exam(range(NUM_ITEMS))
        self.text = GATE.replace("EXAM", str(self.exam))
        self.write()

    def write_exam(self, numbers: Sequence[int]) -> None:
        rows = [
            {"id": f"q{n}", "part": "know", "document": None, "question": f"What is {n} here?", "accepted": [f"answer{n}"], "wrong": []}
            for n in numbers
        ]
        self.exam.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def write(self, *changes: tuple[str, str]) -> None:
        text = self.text
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.path.write_text(text, encoding="utf-8")

    def run(self, **told: Any) -> dict[str, Any]:
        return run_gate(self.path, self.runs, **told)

    @property
    def declared(self) -> dict[str, Any]:
        return json.loads((self.runs / "eval/gates/support/declared.json").read_text(encoding="utf-8"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place(tmp_path)
    monkeypatch.setattr(gates, "open_model", lambda spec, store, **told: Knows(spec, found.right[spec]))
    Knows.asked = 0
    return found


def test_a_gate_asks_decides_and_keeps_its_verdict(place: Place) -> None:
    told = place.run()
    assert told["verdict"] == "passed"
    assert told["declared_before"] is True
    assert told["retention"]["domain"]["ratio"] == pytest.approx(40 / 55)
    kept = json.loads((Path(told["folder"]) / "verdict.json").read_text(encoding="utf-8"))
    assert kept["rules"] == told["rules"]
    assert place.declared["digest"] == told["digest"]


def test_what_was_answered_is_not_asked_again_and_decides_the_same(place: Place) -> None:
    first = place.run()
    assert Knows.asked == 3 * NUM_ITEMS
    assert place.run() == first
    assert Knows.asked == 3 * NUM_ITEMS


def test_the_declaration_is_kept_before_the_first_item_is_asked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Knows, "chat", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        place.run()
    monkeypatch.undo()
    assert place.declared["seen"] == []


def test_a_bound_that_was_moved_afterwards_is_told_and_cannot_pass(place: Place) -> None:
    place.right["student"] = 21
    assert place.run()["verdict"] != "passed"
    place.write(("{rule: superior}", "{rule: at_least, threshold: 0.2}"), ("margin: 0.05", "margin: 0.1"))
    told = place.run()
    assert all(row["outcome"] == "passed" for row in told["rules"])
    assert told["verdict"] == "inconclusive"
    assert told["declared_before"] is False
    assert "regression.0.margin: 0.05 -> 0.1" in told["changes"]
    assert "--redeclare" in told["held_back"]
    again = place.run(redeclare="the margin was a typing error", waivers=[parse_waiver("Kim: fine")])
    assert again["verdict"] == "passed"
    assert again["declared_before"] is False
    assert again["redeclared"][0]["reason"] == "the margin was a typing error"
    assert "regression.0.margin: 0.05 -> 0.1" in again["redeclared"][0]["changes"]
    assert place.run()["redeclared"] == again["redeclared"]  # it stays on record


def test_a_waiver_does_not_lift_a_bound_that_was_moved(place: Place) -> None:
    place.run()
    place.write(("margin: 0.05", "margin: 0.1"))
    assert place.run(waivers=[parse_waiver("Kim: fine")])["verdict"] == "inconclusive"


def test_a_bound_may_be_moved_as_long_as_nothing_was_answered(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(gates, "answer", stop)
        with pytest.raises(KeyboardInterrupt):
            place.run()
    place.write(("margin: 0.05", "margin: 0.1"))
    told = place.run()
    assert (told["verdict"], told["declared_before"]) == ("passed", True)


def test_answers_that_were_there_before_the_first_declaration_are_told(place: Place) -> None:
    place.run()
    for path in (place.runs / "eval/gates/support").iterdir():
        path.unlink()
    told = place.run()
    assert (told["verdict"], told["declared_before"], len(told["answers_seen"])) == ("inconclusive", False, 1)
    assert place.run(redeclare="the student was evaluated for another purpose")["verdict"] == "passed"


def test_another_student_of_a_gate_whose_answers_were_seen_is_a_changed_gate(place: Place) -> None:
    """A second try after a failure is not hidden: the name is declared again."""
    place.right |= {"student": 21, "second": 45}
    place.run()
    place.write(("student: student", "student: second"))
    told = place.run()
    assert told["verdict"] == "inconclusive"
    assert told["changes"] == ["student: student -> second"]


def test_an_exam_that_was_rewritten_at_the_same_path_is_told_and_cannot_pass(place: Place) -> None:
    place.right["student"] = 21
    assert place.run()["verdict"] != "passed"
    place.write_exam(range(NUM_ITEMS)[:45])
    place.right |= {"student": 40, "base": 10}
    told = place.run()
    assert all(row["outcome"] == "passed" for row in told["rules"])
    assert (told["verdict"], told["declared_before"]) == ("inconclusive", False)
    assert "items of exam: changed" in told["changes"]
    again = place.run(redeclare="fifteen questions had two right answers")
    assert (again["verdict"], again["declared_before"]) == ("passed", False)
    assert "items of exam: changed" in again["redeclared"][0]["changes"]
    assert place.run()["redeclared"] == again["redeclared"]


def test_weights_that_were_swapped_at_the_same_path_are_told_and_cannot_pass(place: Place) -> None:
    place.right["student"] = 21
    assert place.run()["verdict"] != "passed"
    place.right["student"] = 45
    told = place.run()
    assert (told["verdict"], told["declared_before"]) == ("inconclusive", False)
    assert [line.partition(",")[0] for line in told["changes"]] == ["student: other weights"]


@pytest.mark.parametrize("other", ["base", "teacher"])
def test_what_the_student_is_held_against_cannot_be_swapped_either(place: Place, other: str) -> None:
    before = place.right[other]
    place.right[other] = 50 if other == "base" else 30
    place.run()
    place.right[other] = before
    told = place.run()
    assert all(row["outcome"] == "passed" for row in told["rules"])
    assert (told["verdict"], told["declared_before"]) == ("inconclusive", False)
    assert told["changes"] == [f"{other} (think none): other weights, or another template or engine"]
    again = place.run(redeclare="the wrong folder was named")
    assert (again["verdict"], again["declared_before"]) == ("passed", False)
    assert list(again["redeclared"][0]["changes"]) == told["changes"]
    assert place.run()["redeclared"] == again["redeclared"]


def test_an_exam_may_be_rewritten_as_long_as_nothing_was_answered(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(gates, "answer", stop)
        with pytest.raises(KeyboardInterrupt):
            place.run()
    place.write_exam(range(NUM_ITEMS)[:50])
    told = place.run()
    assert (told["verdict"], told["declared_before"], told["changes"]) == ("passed", True, [])


def test_a_declaration_that_did_not_keep_its_items_vouches_for_none(place: Place) -> None:
    place.run()
    kept = place.declared
    del kept["asked"], kept["students"]
    (place.runs / "eval/gates/support/declared.json").write_text(json.dumps(kept), encoding="utf-8")
    told = place.run()
    assert (told["verdict"], told["changes"]) == ("inconclusive", ["exam: its items were not declared"])


def test_what_changed_is_told_and_not_that_answers_were_there_before(place: Place) -> None:
    place.right["teacher"] = 50
    place.run()
    place.right["teacher"] = 55
    told = place.run()
    assert (told["verdict"], told["answers_seen"]) == ("inconclusive", [])
    assert "not as it was declared before answers were seen: teacher (think none): other weights" in told["held_back"]
    assert "were there before" not in told["held_back"]


def forget_gate(place: Place, files: str = "*") -> None:
    for path in (place.runs / "eval/gates/support").glob(files):
        path.unlink()


def forget_answers(place: Place) -> None:
    for folder in (place.runs / "eval").glob("*__exam__*"):
        shutil.rmtree(folder)


ASKED_OTHERWISE = ["limit: 59", "batch_size: 7", "max_reasoning_tokens: 0", "seed: 3"]


@pytest.mark.parametrize("otherwise", ASKED_OTHERWISE)
def test_answers_to_the_same_items_that_were_asked_otherwise_were_seen_too(place: Place, otherwise: str) -> None:
    place.run()
    forget_gate(place)
    (mine,) = (place.runs / "eval").glob("student__exam__*")
    place.write(("    role: primary", f"    role: primary\n    {otherwise}"))
    told = place.run()
    assert all(row["outcome"] == "passed" for row in told["rules"])
    assert (told["verdict"], told["declared_before"], told["answers_seen"]) == ("inconclusive", False, [str(mine)])
    assert "were there before this was declared" in told["held_back"]
    assert place.run(redeclare="the student was evaluated for another purpose")["verdict"] == "passed"


def test_a_gate_that_was_declared_beforehand_has_not_seen_what_came_later(place: Place) -> None:
    place.run()
    place.write(("    role: primary", "    role: primary\n    limit: 59"), ("name: support", "name: other"))
    assert place.run()["declared_before"] is False
    place.write()
    assert (again := place.run())["verdict"] == "passed"
    assert again["declared_before"] is True


def test_answers_to_other_items_that_are_numbered_alike_were_not_seen(place: Place) -> None:
    place.run()
    forget_gate(place)
    rows = [json.loads(line) for line in place.exam.read_text(encoding="utf-8").splitlines()]
    turned = [row | {"id": other["id"]} for row, other in zip(rows, reversed(rows), strict=True)]
    place.exam.write_text("".join(json.dumps(row) + "\n" for row in turned), encoding="utf-8")
    assert (told := place.run())["verdict"] == "passed"
    assert (told["declared_before"], told["answers_seen"]) == (True, [])


@pytest.mark.parametrize("gone", ["no file", "declared.json"])
def test_a_bound_that_was_moved_after_a_verdict_cannot_pass_though_all_answers_are_gone(place: Place, gone: str) -> None:
    place.right["student"] = 21
    assert place.run()["verdict"] != "passed"
    forget_answers(place)
    forget_gate(place, gone)
    place.write(("{rule: superior}", "{rule: at_least, threshold: 0.2}"), ("margin: 0.05", "margin: 0.1"))
    told = place.run()
    assert all(row["outcome"] == "passed" for row in told["rules"])
    assert (told["verdict"], told["declared_before"]) == ("inconclusive", False)
    again = place.run(redeclare="the margin was a typing error")
    assert (again["verdict"], again["declared_before"]) == ("passed", False)


class Opening:
    """Opens the models that there are, tells in which order, and does not open one while another than the student is open."""

    def __init__(self, right: dict[str, int]) -> None:
        self.names: list[str] = []
        self._right, self._open = right, list[str]()

    def __call__(self, spec: str, store: Path, **told: Any) -> "Closes":
        if spec not in self._right:
            raise ModelError("no model here", where=spec)
        assert set(self._open) <= {"student"}
        self.names.append(spec)
        self._open.append(spec)
        return Closes(spec, self._right[spec], self._open)


class Closes(Knows):
    """Is of those that are open until it is closed."""

    def __init__(self, name: str, right: int, among: list[str]) -> None:
        super().__init__(name, right)
        self._among = among

    def close(self) -> None:
        self._among.remove(self.name)


@pytest.mark.parametrize("name", ["student", "base", "teacher"])
def test_a_model_that_is_not_there_is_told_before_anything_is_asked_or_declared(
    place: Place, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(gates, "open_model", Opening(place.right))
    place.write((f"{name}: {name}", f"{name}: typo"))
    with pytest.raises(ModelError, match="typo: no model here"):
        place.run()
    assert Knows.asked == 0
    assert not (place.runs / "eval/gates").exists()
    place.write()
    assert place.run()["declared_before"] is True


@pytest.mark.parametrize(("name", "line"), [("student", 2), ("base", 3), ("teacher", 4)])
def test_a_model_that_cannot_do_a_task_is_told_with_its_line_before_anything_is_asked(
    place: Place, monkeypatch: pytest.MonkeyPatch, name: str, line: int
) -> None:
    def check(model: ChatModel, _: Any) -> None:
        if model.name == name:
            raise ModelError("no template")

    monkeypatch.setattr(gates, "find_task", lambda name: replace(find_task(name), check=check))
    with pytest.raises(ModelError, match=rf"gate.yaml:{line}: no template"):
        place.run()
    monkeypatch.setattr(gates, "find_task", lambda name: replace(find_task(name), needs=(Scores,)))
    with pytest.raises(ModelError, match="needs log-probabilities of given tokens"):
        place.run()
    assert Knows.asked == 0
    assert not (place.runs / "eval/gates").exists()


def test_models_are_opened_one_at_a_time_and_looked_at_before_the_declaration_only(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opening(place.right)
    monkeypatch.setattr(gates, "open_model", opened)
    place.run()
    assert opened.names == ["base", "teacher", "student", "base", "teacher"]
    place.run()
    assert opened.names[5:] == ["student", "base", "teacher"]


def test_a_waiver_of_a_rule_that_is_not_there_is_told_before_anything_is_asked(place: Place) -> None:
    for waiver, told in (
        (Waiver(waived_by="Kim", reason="because", rules=("exam.superior",)), r"no rule `exam.superior` decides"),
        (Waiver(waived_by="Kim", reason="because", gate="0" * 64), "another gate"),
    ):
        with pytest.raises(InputError, match=told):
            place.run(waivers=[waiver])
    assert Knows.asked == 0
    assert not (place.runs / "eval/gates").exists()
    known = Waiver(waived_by="Kim", reason="because", rules=("regression.domain.exam.base",))
    place.right["student"] = 21
    place.write(("margin: 0.05", "margin: 0.02"))
    assert place.run(waivers=[known])["rules"][1]["outcome"] == "waived"


@pytest.mark.parametrize("finished", [True, False])
def test_answers_of_the_student_under_another_name_were_seen_too(place: Place, finished: bool) -> None:
    place.run()
    (mine,) = (place.runs / "eval").glob("student__exam__*")
    other = mine.rename(mine.with_name(mine.name.replace("student", "elsewhere")))
    if not finished:
        (other / "manifest.json").unlink()
        (other / "partial").mkdir(exist_ok=True)
        (other / "partial" / "some.jsonl").write_text("{}\n", encoding="utf-8")
    (place.runs / "eval/gates/support/declared.json").unlink()
    told = place.run()
    assert (told["verdict"], told["declared_before"]) == ("inconclusive", False)
    assert told["answers_seen"] == [str(other)]


def test_similarities_of_a_task_give_clean_and_dirty_scores_of_every_arm(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "similar.jsonl"
    rows = [{"item": f"q{n}", "similarity": 0.9 if n < 20 else 0.1} for n in range(NUM_ITEMS)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    told = place.run(similarity={"exam": file})["similarity"]["exam"]
    assert told["student"]["dirty"]["score"] == 1
    assert told["student"]["clean"]["score"] == pytest.approx(0.5)
    assert told["base"]["clean_minus_dirty"]["difference"] == -1
    assert place.run(similarity={"exam": file}, threshold=0.95)["similarity"]["exam"]["student"]["dirty"] is None
    with pytest.raises(InputError, match="no task `x`"):
        place.run(similarity={"x": file})


SECOND = "  - {task: exam, name: again, options: {files: [EXAM]}, "


@pytest.mark.parametrize(
    "changes",
    [
        [("role: primary", "role: primary\n    think: 'on'")],
        [("student: student", "student: one/model"), ("base: base", "base: other/model")],
        [("base: base", "base: teacher"), ("{rule: superior}", "{rule: at_least, threshold: 0.4}")],
        [("regression:", SECOND + "samples: 2, temperature: 0.7}\nregression:")],
        [("regression:", SECOND + "limit: 20}\nregression:")],
        [("regression:", SECOND + "limit: 20}\nregression:"), ("role: primary", "role: primary\n    think: 'on'")],
    ],
    ids=["think", "equal basenames", "base is the teacher", "samples", "limit", "two think modes"],
)
def test_every_valid_gate_has_a_report_with_its_own_names(
    place: Place, monkeypatch: pytest.MonkeyPatch, changes: list[tuple[str, str]]
) -> None:
    def opened(spec: str, _: Path, *, thinking: Any, **__: Any) -> Knows:
        model = Knows(Path(spec).name, place.right[spec])
        model.thinking = thinking or ThinkMode.NONE
        return model

    monkeypatch.setattr(gates, "open_model", opened)
    place.right |= {"one/model": 40, "other/model": 20}
    place.write(*((old, new.replace("EXAM", str(place.exam))) for old, new in changes))
    told = place.run()
    report = json.loads((Path(told["folder"]) / "report.json").read_text(encoding="utf-8"))
    assert report["first"] == "student"
    assert [model["name"] for model in report["models"]] == ["student", "base", "teacher"]
    titles = [task.title for task in load_gate(place.path).tasks]
    assert [task["name"] for task in report["tasks"]] == titles
    assert {(task["name"], score["model"]) for task in report["tasks"] for score in task["scores"]} == {
        (title, arm) for title in titles for arm in ("student", "base", "teacher")
    }
    assert [row["other"] for task in report["tasks"] for row in task["comparisons"]] == ["base", "teacher"] * len(titles)
    assert (Path(told["folder"]) / "report.html").is_file()


def test_faults_of_a_task_are_told_with_their_line(place: Place) -> None:
    place.write(("task: exam", "task: exams"))
    with pytest.raises(RecipeError, match=r"gate.yaml:6"):
        place.run()
    place.write(("family: domain", "family: code"))
    with pytest.raises(RecipeError, match=r"gate.yaml:12: no task of the family `code`"):
        place.run()
    place.write(("options: {", "options: {tokens: 3, "))
    with pytest.raises(InputError, match=r"gate.yaml:6: option `tokens`"):
        place.run()
    assert not (place.runs / "eval/gates").exists()


def test_the_gates_of_the_packs_name_tasks_and_options_that_exist_and_every_family() -> None:
    (path,) = (Path(__file__).parents[2] / "packs").glob("*/gate.yaml")
    gate = load_gate(path)
    tasks = [find_task(told.task) for told in gate.tasks]
    for told, task in zip(gate.tasks, tasks, strict=True):
        task_options(task, {**told.options, **({} if told.limit is None else {"limit": told.limit})})
    assert {task.family for task in tasks} == set(get_args(Family))
    assert {"student", "base", "teacher"} <= set(gate.models)
