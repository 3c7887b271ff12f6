"""What the report says in words: a negative or unclear result reads as one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import floats

from seodang.pipeline.report.build import build_report
from seodang.pipeline.report.reading import reading

Row = dict[str, Any]
FRACTIONS = floats(-1, 1)


def row(b: str, difference: float, low: float, high: float, p: float, n: int = 120) -> Row:
    return {"a": "distilled", "b": b, "difference": difference, "interval": [low, high], "p": p, "n": n}


def report(*paired: Row, **more: Any) -> Row:
    return build_report({"name": "x", "synthetic": False, "paired": list(paired), **more})


BETTER, UNCLEAR, WORSE = (0.3, 0.2, 0.4, 0.0004), (0.012, -0.03, 0.054, 0.62), (-0.2, -0.3, -0.1, 0.001)


def test_an_unclear_result_reads_as_one():
    found = report(row("base", *UNCLEAR))
    assert found["verdict"][0] == (
        "The distilled student is not distinguishable from the undistilled student "
        "(difference +1.2 points, 95 % interval -3.0 to +5.4, p = 0.620, n = 120)."
    )
    assert found["headline"]["sentence"] == "No learning could be shown"


@pytest.mark.parametrize(
    ("numbers", "headline", "words"), [(BETTER, "The student learned", "beats"), (WORSE, "The student got worse", "is worse than")]
)
def test_a_clear_result_is_named(numbers: tuple[float, float, float, float], headline: str, words: str):
    found = report(row("base", *numbers), row("sft", *numbers))
    assert found["headline"]["sentence"] == headline
    assert found["verdict"][0].startswith(f"The distilled student {words} the undistilled student (")
    assert found["verdict"][1].startswith(f"The distilled student {words} supervised fine-tuning (number of training tokens not recorded)")


@given(FRACTIONS, FRACTIONS, floats(0, 1))
def test_a_reading_turns_with_its_arms_and_never_goes_against_the_interval(first: float, second: float, p: float):
    low, high = sorted((first, second))
    found = reading({"interval": [low, high], "p": p})
    turned = reading({"interval": [-high, -low], "p": p})
    assert turned == {"better": "worse", "worse": "better"}.get(found, found)
    assert found == "not distinguishable" or (not low <= 0 <= high and p < 0.05)


def test_an_interval_that_touches_zero_is_unclear_and_without_one_nothing_was_tested():
    assert reading({"interval": [0.0, 0.2], "p": 0.01}) == "not distinguishable"
    assert reading({"interval": [0.1, 0.2], "p": 0.06}) == "not distinguishable"
    assert reading({"interval": [0.1, 0.2]}) == "better"
    assert reading({"interval": None, "p": 0.01}) == "not tested"


def test_equal_training_tokens_are_claimed_only_where_they_are_equal():
    def sentence(sft: int, distilled: int, before: int | None = None) -> str:
        training = {
            "sft": [{"seed": 1, "num_tokens": sft}],
            "distilled": [{"seed": 1, "num_tokens": distilled, "num_tokens_before": before}],
        }
        return report(row("sft", *UNCLEAR), training=training)["verdict"][1]

    assert "supervised fine-tuning with equal training tokens (" in sentence(12_000, 12_000)
    assert "supervised fine-tuning with 12,000 training tokens against its 11,000 (" in sentence(12_000, 11_000)
    assert "supervised fine-tuning with 12,000 training tokens against its 24,000 (" in sentence(12_000, 12_000, before=12_000)


def test_the_teacher_and_what_was_forgotten_are_named():
    found = report(row("teacher_open", *WORSE), paired_general=[row("base", -0.019, -0.054, 0.017, 0.377, n=320)])["verdict"]
    assert found[2].startswith("The distilled student stays below its teacher, which has the book open (difference -20.0 points")
    assert found[3].startswith("No forgetting could be shown")
    assert found[3].endswith("a loss of up to 5.4 points is not ruled out.")
    forgot = report(paired_general=[row("base", *WORSE)])["verdict"]
    assert forgot[3].startswith("Something was forgotten")


def test_what_was_not_run_is_said():
    assert [sentence.endswith(": not run.") for sentence in report()["verdict"]] == [True] * 4


def test_parts_seeds_and_the_least_similar_half_are_told(run: Row):
    text = "\n".join(build_report(run)["verdict"])
    assert "On the part know it beats the undistilled student (difference +46.3 points" in text
    assert "least similar to its training questions it is right in 57.8 % (95 % interval 48.4 to 66.6 %, n = 109)" in text
    assert "Over 3 seeds of training its score runs from 63.3 % to 64.2 %." in text


def test_a_synthetic_run_says_so_first(run: Row):
    found = build_report(run)
    assert found["verdict"][0].startswith("Synthetic:")
    assert found["headline"]["sentence"] == "Synthetic run: the student learned"


def test_an_exam_that_nobody_approved_is_said():
    assert report(unapproved_items=1)["verdict"][-1].startswith("Caution: 1 exam item came from a draft that no person has approved")
    assert report(unapproved_items=0)["verdict"] == report()["verdict"]
