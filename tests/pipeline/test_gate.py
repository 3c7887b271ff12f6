"""A gate from its file to its verdict: models and waivers are looked at first, and answers are not asked for twice."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from pipeline.gated import NUM_ITEMS, Knows, Place
from seodang.core.errors import InputError, ModelError, RecipeError
from seodang.evaluation.gate_file import Waiver, load_gate
from seodang.evaluation.task import Family, find_task
from seodang.models.chat_model import ChatModel, Scores
from seodang.models.think import ThinkMode
from seodang.pipeline import gate as gates
from seodang.pipeline.asked_tasks import task_options


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
