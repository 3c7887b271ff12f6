"""Retention, against a likelihood maximised by scipy, and where there is nothing to divide by."""

from math import inf, log

import numpy as np
import pytest
from scipy import optimize

from seodang.statistics.ratio import retention
from seodang.statistics.student import student_quantile


def scores(both: int, student: int, teacher: int, neither: int) -> tuple[list[list[int]], list[list[int]]]:
    return [[1] * (both + student) + [0] * (teacher + neither)], [[1] * both + [0] * student + [1] * teacher + [0] * neither]


@pytest.mark.parametrize("cells", [(40, 5, 9, 26), (90, 2, 12, 16), (15, 8, 6, 51)])
def test_each_end_is_where_a_score_test_turns(cells: tuple[int, int, int, int]) -> None:
    """The statistic at each end, with shares that scipy finds likeliest given that ratio, is Student's t, up to n for the effective n."""
    both, only_s, only_t, neither = cells
    n = sum(cells)
    found = retention(*scores(*cells))
    assert found.status == "bounded"
    assert found.interval is not None
    assert found.ratio is not None
    assert found.ratio == pytest.approx((both + only_s) / (both + only_t))
    student, teacher = (np.array(row[0], float) for row in scores(*cells))
    left_over = student - found.ratio * teacher
    inflation = np.sqrt(left_over.var(ddof=1) / (found.ratio * (only_s + only_t) / n))
    for ratio in found.interval:

        def loss(shares: np.ndarray, ratio: float = ratio) -> float:
            # The teacher-only and both shares are free; the ratio then gives the student-only share.
            t, b = shares
            s = ratio * (b + t) - b
            parts = [(both, b), (only_s, s), (only_t, t), (neither, 1 - b - s - t)]
            return inf if min(share for _, share in parts) <= 0 else -sum(count * log(share) for count, share in parts)

        start = (0.3 * (max(0.0, 1 / ratio - 1) + 0.2), 0.3)
        best = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 5000})
        t, b = best.x
        s = ratio * (b + t) - b
        statistic = ((both + only_s) - ratio * (both + only_t)) / np.sqrt(n * ratio * (s + t))
        assert abs(statistic) == pytest.approx(student_quantile(0.975, n - 1) * inflation, rel=1e-3)


def test_arms_that_agree_everywhere_still_get_a_width() -> None:
    found = retention(*scores(40, 0, 0, 10))
    assert found.ratio == 1
    assert found.interval is not None
    assert 0.8 < found.interval[0] < 1 < found.interval[1] < 1.2
    student, teacher = (np.repeat(rows, 3, axis=1) for rows in scores(40, 0, 0, 10))
    assert retention(student, teacher, np.repeat(np.arange(50), 3).tolist()).interval == pytest.approx(found.interval)


def test_repeated_items_make_nothing_more_certain() -> None:
    student, teacher = (np.array(rows, float) for rows in scores(30, 4, 7, 19))
    often = retention(np.repeat(student, 3, axis=1), np.repeat(teacher, 3, axis=1), np.repeat(np.arange(60), 3).tolist())
    assert often.interval == pytest.approx(retention(student, teacher).interval)
    assert retention(np.repeat(student, 3, axis=0), teacher).interval == pytest.approx(retention(student, teacher).interval)


def test_a_teacher_at_zero_leaves_nothing_defined_and_one_near_it_no_upper_end() -> None:
    nothing = retention(*scores(0, 3, 0, 50))
    assert (nothing.ratio, nothing.interval, nothing.status) == (None, None, "not defined")
    near = retention(*scores(0, 20, 1, 5))
    assert near.status == ("unbounded" if near.interval is not None and near.interval[1] == inf else "bounded")
    one = retention(*scores(5, 1, 1, 5), ["a"] * 12)
    assert (one.interval, one.status) == ((0.0, inf), "unbounded")


def test_a_student_at_zero_keeps_nothing_up_to_a_little() -> None:
    found = retention(*scores(0, 0, 30, 20))
    assert found.ratio == 0
    assert found.interval is not None
    assert found.interval[0] == 0 < found.interval[1] < 0.2


def test_scores_outside_of_0_to_1_or_of_other_items_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        retention([[2.0, 0.0]], [[1.0, 1.0]])
    with pytest.raises(ValueError, match="same items"):
        retention([[1.0]], [[1.0, 1.0]])
