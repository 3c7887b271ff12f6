"""Scales, ticks and thinned curves: what a drawing rests on."""

import pytest
from hypothesis import example, given
from hypothesis.strategies import booleans, floats, integers, text

from seodang.pipeline.report.curves import MAX_POINTS, thinned
from seodang.pipeline.report.drawing import Scale, fitted, powers_of_ten, round_ticks, text_width
from seodang.pipeline.report.markup import element, escaped, own, visible

VALUES = floats(1e-6, 1e12)


@given(VALUES, VALUES, booleans())
def test_a_scale_keeps_order_and_ends(first: float, second: float, logarithmic: bool):
    low, high = sorted((first, second))
    if high > low * 1.001:
        scale = Scale(low, high, 10, 110, logarithmic)
        assert (scale(low), scale(high)) == (pytest.approx(10), pytest.approx(110))
        assert 10 <= scale((low + high) / 2) <= 110


@given(floats(-1e9, 1e9), floats(1e-3, 1e9), integers(3, 8))
@example(-879609303.0, 1e-3, 8)
@example(123456789.123, 1e-3, 7)
def test_ticks_surround_the_values_and_are_few(low: float, span: float, most: int):
    ticks = round_ticks(low, low + span, most)
    step = ticks[1] - ticks[0]
    assert ticks[0] <= low + step * 1e-6
    assert ticks[-1] >= low + span - step * 1e-6
    assert 2 <= len(ticks) <= most + 1


@given(VALUES, VALUES)
def test_powers_of_ten_surround_the_values(first: float, second: float):
    low, high = sorted((first, second))
    ticks = powers_of_ten(low, high)
    assert ticks[0] <= low * 1.0001
    assert ticks[-1] * 1.0001 >= high


@given(integers(1, 5000))
def test_a_thinned_curve_is_short_and_keeps_its_mean(length: int):
    curve = [[float(step), float(step % 7)] for step in range(length)]
    points = thinned(curve)
    assert len(points) <= MAX_POINTS
    if length <= MAX_POINTS:
        assert [list(point) for point in points] == curve
    elif length % MAX_POINTS == 0:
        assert sum(value for _, value in points) / len(points) == pytest.approx(sum(value for _, value in curve) / length)


@given(text(), floats(20, 400))
def test_a_label_keeps_to_its_width(words: str, width: float):
    shown = fitted(words, width)
    assert text_width(shown) <= width
    assert shown == visible(words, 200) or "…" in shown


def test_names_that_differ_at_an_end_stay_different_when_they_are_shortened():
    for names in (("telecom_demo-distilled:1", "telecom_demo-distilled:2"), ("new-telecom-student", "old-telecom-student")):
        first, second = (fitted(name, 100) for name in names)
        assert first != second
        assert (first[0], first[-1]) == (names[0][0], names[0][-1])


def test_an_empty_curve_has_no_points():
    assert thinned([]) == []


def test_text_is_escaped_once_and_markup_made_here_is_kept():
    inner = element("b", "a < b & \"c\" 'd'")
    assert element("p", inner, title='x"y') == '<p title="x&quot;y"><b>a &lt; b &amp; &quot;c&quot; &#x27;d&#x27;</b></p>'
    assert escaped(inner) is inner


def test_unseen_characters_are_shown_and_long_texts_counted():
    assert visible("a\u202eb\x00c\r\nd\te", 100) == "a⟨U+202E⟩b⟨U+0000⟩c\nd\te"
    assert visible("x" * 1300, 1200) == "x" * 1200 + " … (100 more characters)"
    assert visible("한국어 👩‍👩‍👧 \ufffd", 100) == "한국어 👩‍👩‍👧 \ufffd"


def test_our_own_numbers_keep_their_units_and_get_a_true_minus():
    assert own("difference -3.0 points, 95 % interval, n = 20, 2026-10 p < 0.001") == (
        "difference −3.0\u00a0points, 95\u00a0% interval, n\u00a0=\u00a020, 2026-10 p\u00a0&lt;\u00a00.001"
    )
