"""pass@k is the share of all draws of k answers that hold a right one, pass^k of those that hold no wrong one."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.statistics.pass_at_k import pass_at_k, pass_hat_k


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_it_is_what_all_draws_give(case: tuple[int, int, int]) -> None:
    n, c, k = case
    draws = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))
    assert pass_hat_k(n, c, k) == pytest.approx(sum(map(all, draws)) / len(draws))


@pytest.mark.parametrize("case", [(3, 1, 4), (3, 1, 0), (3, 4, 1), (3, -1, 1)])
def test_an_impossible_draw_is_refused(case: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="is no draw"):
        pass_at_k(*case)
    with pytest.raises(ValueError, match="is no draw"):
        pass_hat_k(*case)
