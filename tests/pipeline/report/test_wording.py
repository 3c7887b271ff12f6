"""How numbers are written."""

import pytest
from hypothesis import given
from hypothesis.strategies import floats

from seodang.pipeline.report import wording


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (wording.percent(0.612), "61.2 %"),
        (wording.percent(None), "-"),
        (wording.points(0.584), "+58.4"),
        (wording.points(-0.0001), "+0.0"),
        (wording.points_interval((-0.03, 0.054)), "-3.0 to +5.4"),
        (wording.percent_interval((0.572, 0.699)), "57.2 to 69.9 %"),
        (wording.interval_numbers((0.572, 0.699)), "57.2 to 69.9"),
        (wording.interval_numbers(None), "-"),
        (wording.p_value(0.0004), "< 0.001"),
        (wording.p_value(0.0421), "= 0.042"),
        (wording.size(999), "999 bytes"),
        (wording.size(144_811_360), "144.8 MB"),
        (wording.size(1_038_000_000_000), "1,038.0 GB"),
        (wording.size(None), "-"),
        (wording.duration(0.43), "0.4 s"),
        (wording.duration(59.97), "1 min 0 s"),
        (wording.duration(192.2), "3 min 12 s"),
        (wording.duration(7384), "2 h 3 min"),
        (wording.count(12345), "12,345"),
        (wording.plural(1, "seed"), "1 seed"),
        (wording.plural(3, "seed"), "3 seeds"),
        (wording.brief({"top_k": 32, "at": {"sha": "ab"}, "ok": True}), "top k 32, at (sha ab), ok yes"),
        (wording.brief({"cost": None, "skipped": []}), "cost unknown, skipped none"),
        (wording.brief({"kl": 0.00087123}), "kl 0.000871"),
    ],
)
def test_a_number_is_written_with_its_unit(written: str, expected: str):
    assert written == expected


@given(floats(0, 1))
def test_p_is_never_written_as_zero(p: float):
    assert "0.000" not in wording.p_value(p)


def test_errors_and_clusters_are_told_where_there_are_some():
    arms = [{"name": "base", "errors": 2}, {"name": "sft", "errors": 0}, {"name": "old"}]
    assert wording.errors_words(arms, str.upper) == " Answers that ended in an error count as wrong: 2 of BASE."
    assert wording.errors_words(arms[1:], str.upper) == ""
    assert wording.items_column([{"n": 120, "num_clusters": 61}, {"n": 1200}]) == ("n (clusters)", ["120 (61)", "1,200 (1,200)"])
    assert wording.items_column([{"n": 120, "num_clusters": 120}, {"n": None}]) == ("n", ["120", "-"])
