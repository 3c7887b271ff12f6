"""Calibration and abstention of an evaluation, from its results alone."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import booleans, floats, lists, tuples

from seodang.evaluation.calibration import abstention_rows, confidence_row
from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.task import Item
from seodang.statistics.intervals import wilson


def evaluation(rows: Sequence[tuple[str, Result]]) -> Evaluation:
    items = tuple(Item(result.item, part, "q") for part, result in rows)
    results = {result.item: (result,) for _, result in rows}
    return Evaluation(Path("unused"), {"summary": {"model": "m", "task": "t"}, "synthetic": True}, items, results)


def judged(name: str, right: bool, confidence: float | None = None, abstained: bool = False) -> Result:
    return Result(name, 0, "judged", float(right), confidence=confidence, abstained=abstained)


def test_a_confidence_that_is_right_as_often_as_it_says_has_no_error():
    rows = [("p", judged(f"{level}-{number}", number < 10 * level, level)) for level in (0.1, 0.5, 0.9) for number in range(10)]
    row = confidence_row(evaluation(rows))
    assert row["expected_calibration_error"] == pytest.approx(0)
    assert row["brier"] == pytest.approx((0.09 + 0.25 + 0.09) / 3)
    assert row["coverage"] == pytest.approx([1 / 3, 2 / 3, 1])
    assert row["risk"] == pytest.approx([0.1, 0.3, 0.5])


def test_a_confidence_that_is_always_wrong_is_off_by_all_of_it():
    row = confidence_row(evaluation([("p", judged(str(number), False, 0.8)) for number in range(20)]))
    assert row["expected_calibration_error"] == pytest.approx(0.8)
    assert row["area_under_risk"] == 1


@given(lists(tuples(booleans(), floats(0, 1)), min_size=1, max_size=40))
def test_a_row_is_json_and_its_last_risk_is_the_share_of_wrong_answers(answers: list[tuple[bool, float]]):
    row = confidence_row(evaluation([("p", judged(str(n), right, confidence)) for n, (right, confidence) in enumerate(answers)]))
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert row["risk"][-1] == pytest.approx(sum(not right for right, _ in answers) / len(answers))
    assert sum(one["num_items"] for one in row["bins"]) == row["n"] == len(answers)


def test_without_a_confidence_of_every_answer_there_are_no_numbers():
    some = [("p", judged("a", True, 0.5)), ("p", judged("b", True))]
    error = [("p", Result("a", 0, "error", 0.0))]
    assert confidence_row(evaluation(some)) == {"model": "m", "task": "t", "n": 2, "reason": "no confidence"}
    assert confidence_row(evaluation(error)) == {"model": "m", "task": "t", "n": 0, "reason": "no judged answers"}


def test_an_error_is_neither_confident_nor_an_abstention():
    rows = [("should_decline", judged("a", True, 0.9, abstained=True)), ("should_decline", Result("b", 0, "error", 0.0))]
    assert confidence_row(evaluation(rows))["n"] == 1
    assert [(row["share"], row["n"]) for row in abstention_rows(evaluation(rows))] == [(1, 1)]


def test_each_part_has_its_share_and_meaning():
    """Where every item is its own cluster, the interval is Wilson's."""
    wanted = {"should_decline": 18, "should_answer": 3, "unanswerable": 12, "answerable": 1, "absent 4000": 9, "single 4000": 2}
    rows = [(part, judged(f"{part}-{n}", True, abstained=n < count)) for part, count in wanted.items() for n in range(20)]
    found = abstention_rows(evaluation(rows))
    assert [row["part"] for row in found] == list(wanted)
    assert [row["meaning"] for row in found] == ["refusal", "over-refusal", "abstention", "over-abstention", "abstention", ""]
    for row, count in zip(found, wanted.values(), strict=True):
        assert row["share"] == count / 20
        assert row["interval"] == pytest.approx(wilson(count, 20), abs=1e-4)
