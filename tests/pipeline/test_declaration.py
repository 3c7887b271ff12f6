"""Nobody moves a bound, an exam or a model unseen once answers were there."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline.gated import NUM_ITEMS, Knows, Place
from seodang.core.errors import InputError
from seodang.evaluation.gate_file import parse_waiver


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
    place.declare_only(monkeypatch)
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


def test_all_models_are_kept_before_the_first_item_is_asked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.declare_only(monkeypatch)
    assert list(place.declared["others"]) == ["base (think none)", "teacher (think none)"]


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


def test_another_base_may_stand_there_as_long_as_nothing_was_answered(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.declare_only(monkeypatch)
    place.right["base"] = 10
    told = place.run()
    assert (told["verdict"], told["declared_before"], told["changes"]) == ("passed", True, [])


def test_an_exam_may_be_rewritten_as_long_as_nothing_was_answered(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.declare_only(monkeypatch)
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


BROKEN = ["", "{", "[]", "{}", '{"step": "eval"}', '{"step": "eval", "summary": {"task": "exam", "identity": NaN}}', "[" * 100_000, "\xff"]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_neighbour_that_cannot_be_read_stops_no_gate_and_is_told(place: Place, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    neighbour = place.runs / "eval/other__exam__12345678"
    neighbour.mkdir(parents=True)
    (neighbour / "manifest.json").write_bytes(content.encode("latin-1"))
    told = place.run()
    assert (told["verdict"], told["declared_before"], told["could_not_be_read"]) == ("passed", True, [str(neighbour)])
    assert place.declared["unreadable"] == [str(neighbour)]
    assert f"gate support: {neighbour} could not be read" in capsys.readouterr().err
    assert place.run()["could_not_be_read"] == [str(neighbour)]


def broken_answers(place: Place, file: str) -> tuple[Path, bytes]:
    """Answers of the student to the gate's items, asked otherwise and before its declaration, of which one file is broken."""
    place.write(("    role: primary", "    role: primary\n    limit: 59"))
    place.run()
    forget_gate(place)
    place.write()
    (before,) = (place.runs / "eval").glob("student__exam__*")
    whole = (before / file).read_bytes()
    (before / file).write_bytes(whole[: len(whole) // 2])
    return before / file, whole


@pytest.mark.parametrize("file", ["manifest.json", "items.jsonl"])
def test_answers_that_could_not_be_read_were_seen_once_they_can_be(place: Place, file: str) -> None:
    path, whole = broken_answers(place, file)
    told = place.run()
    assert (told["verdict"], told["could_not_be_read"]) == ("passed", [str(path.parent)])
    path.write_bytes(whole)
    told = place.run()
    assert (told["verdict"], told["declared_before"]) == ("inconclusive", False)
    assert (told["answers_seen"], told["could_not_be_read"]) == ([str(path.parent)], [])
    assert place.run(redeclare="asked for another purpose")["verdict"] == "passed"


def test_a_folder_that_is_gone_before_it_could_be_read_stays_told(place: Place) -> None:
    path, _ = broken_answers(place, "manifest.json")
    place.run()
    shutil.rmtree(path.parent)
    assert place.run()["could_not_be_read"] == [str(path.parent)]
    place.write(("margin: 0.05", "margin: 0.1"))
    assert place.run(redeclare="a typing error")["could_not_be_read"] == [str(path.parent)]


def test_answers_of_another_model_that_can_be_read_again_were_none_of_the_students(place: Place) -> None:
    path, whole = broken_answers(place, "manifest.json")
    place.run()
    path.write_bytes(whole.replace(b'"right": 40', b'"right": 41'))
    told = place.run()
    assert (told["verdict"], told["declared_before"], told["could_not_be_read"]) == ("passed", True, [])


@pytest.mark.parametrize("model", ["student", "base"])
def test_an_evaluation_of_the_gates_own_that_cannot_be_read_stops_it(place: Place, model: str) -> None:
    place.run()
    (mine,) = (place.runs / "eval").glob(f"{model}__exam__*")
    (mine / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError) as error:
        place.run()
    assert error.value.where == str(mine)


def test_another_kind_of_work_beside_the_evaluations_is_no_answer(place: Place) -> None:
    other = place.runs / "eval/notes"
    other.mkdir(parents=True)
    (other / "manifest.json").write_text('{"step": "notes"}', encoding="utf-8")
    told = place.run()
    assert (told["verdict"], told["could_not_be_read"]) == ("passed", [])
