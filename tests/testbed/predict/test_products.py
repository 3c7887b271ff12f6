"""Published products of matrices, and what priors say of them."""

import pytest

from seodang.testbed.predict.parameters import PRIORS
from seodang.testbed.predict.products import published, shares


def test_computing_and_reading_hide_each_other_in_part() -> None:
    """The root of the sum of squares is nearer to published products than the roofline; with plain sums a share passes its peak."""
    roofline, squares, sums = shares(50.0), shares(2.0), shares(1.0)
    assert squares.error < 0.8 * roofline.error
    assert max(squares.compute, squares.memory) < 1 < sums.memory


def test_priors_are_what_the_products_reach() -> None:
    found = shares(2.0)
    assert PRIORS["memory"].value == pytest.approx(found.memory, rel=0.02)
    assert PRIORS["gemm"].value < PRIORS["grouped"].value
    assert PRIORS["gemm"].value == pytest.approx(found.compute, rel=0.05)
    assert PRIORS["grouped"].value == pytest.approx(found.compute, rel=0.05)


def test_every_product_is_below_the_peaks() -> None:
    flops, num_bytes, seconds = published()
    assert (flops / seconds < 1.979e15).all()
    assert (num_bytes / seconds < 3.35e12).all()
