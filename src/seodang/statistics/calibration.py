"""Whether a confidence means what it says: calibration error, Brier score, and what is risked at which coverage."""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seodang.statistics.clustered import ClusteredMean, Labels, clustered_mean
from seodang.statistics.intervals import as_items

Binning = Literal["equal mass", "equal width"]


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a reliability diagram."""

    num_items: int
    confidence: float  # mean
    correct: float  # share


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """How far shares of right answers lie from confidences, over bins."""

    expected: float  # ECE, mean of |share - confidence|: above 0 even for a calibrated model, the more so the fewer items a bin has
    root_mean_square: float  # debiased, 0 where no error is seen beyond chance
    interval: tuple[float, float]  # 95 %, of the root mean square
    bins: tuple[Bin, ...]  # by rising confidence, none empty


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """What is risked by answering only the most confident items."""

    coverage: tuple[float, ...]  # shares of items answered, rising to 1; one a different confidence
    risk: tuple[float, ...]  # share of wrong answers among those
    area: float  # mean risk over the coverages 1/n, 2/n, ... 1; equal confidences are in random order, on average


def calibration_error(
    confidences: ArrayLike, correct: ArrayLike, *, num_bins: int = 10, binning: Binning = "equal mass"
) -> CalibrationError:
    """Calibration error of `confidences` within 0..1 for answers that were `correct` or not, each of shape (num_items,).

    The debiased form takes from each bin's squared distance what chance gives it (Kumar et al. 2019, arXiv 1909.10155, section 5; Ferro
    and Fricker 2012, Q. J. R. Meteorol. Soc. 138:1954). Its interval inverts a score test of the squared error.
    Domain (93 to 97 % covered, see tests/statistics/test_coverage.py): 300 to 1,000 items that stand for themselves, 10 bins of equal mass,
    confidences that are all too high by one amount from 0 to .15. ValueError for what is no confidence, no answer, or fewer bins than one.
    """
    confidence, right = _answers(confidences, correct)
    codes = _bins(confidence, num_bins, binning)
    counts = np.bincount(codes, minlength=num_bins).astype(np.float64)
    kept = counts > 0
    sizes = counts[kept]
    gaps = right - confidence
    means, squares = (np.bincount(codes, weights=values, minlength=num_bins)[kept] / sizes for values in (gaps, gaps**2))
    parts = [np.bincount(codes, weights=values, minlength=num_bins)[kept] / sizes for values in (confidence, right)]
    weights = sizes / sizes.sum()
    squared, interval = _squared_error(sizes, means, squares)
    bins = tuple(Bin(int(size), float(x), float(y)) for size, x, y in zip(sizes, *parts, strict=True))
    return CalibrationError(float(weights @ np.abs(means)), sqrt(max(0.0, squared)), interval, bins)


def _squared_error(
    sizes: NDArray[np.float64], means: NDArray[np.float64], squares: NDArray[np.float64], z: float = 1.96
) -> tuple[float, tuple[float, float]]:
    """Debiased mean squared distance of bins, and the interval of its root.

    The estimate's variance at a true squared error t is about slope * t + floor: the first part from bins that are off, the second left
    where none is. (found - t)^2 = z^2 (slope t + floor) has the ends as its roots.
    """
    several = sizes > 1
    n, sizes, means, squares = sizes.sum(), sizes[several], means[several], squares[several]
    spread = (squares - means**2) * sizes / (sizes - 1)
    found = float((sizes * means**2 - spread).sum() / n)
    slope, floor = 4 * float((sizes * spread).sum()) / n**2, 2 * float((spread**2).sum()) / n**2
    centre = max(found, 0.0) + z * z * slope / 2
    half = sqrt(max(0.0, centre**2 - max(found, 0.0) ** 2 + z * z * floor))
    return found, (sqrt(max(0.0, centre - half)), min(1.0, sqrt(centre + half)))


def _bins(confidence: NDArray[np.float64], num_bins: int, binning: Binning) -> NDArray[np.intp]:
    """The bin of each item. Equal mass puts equal confidences into one bin, so bins may differ in size where there are ties."""
    if num_bins < 1:
        raise ValueError(f"at least one bin is needed, not {num_bins}")
    if binning == "equal width":
        return np.minimum((confidence * num_bins).astype(np.intp), num_bins - 1)
    ordered = np.sort(confidence)
    return (np.searchsorted(ordered, confidence, side="left") * num_bins // confidence.size).astype(np.intp)


def brier_score(confidences: ArrayLike, correct: ArrayLike, clusters: Labels | None = None) -> ClusteredMean:
    """Mean squared distance of confidence and outcome, 0 at best (Brier 1950, Mon. Weather Rev. 78:1).

    Domain (93 to 97 % covered, see tests/statistics/test_coverage.py): measured at 100 items that stand for themselves, a calibrated model.
    """
    confidence, right = _answers(confidences, correct)
    return clustered_mean((confidence - right) ** 2, clusters)


def risk_coverage(confidences: ArrayLike, correct: ArrayLike) -> RiskCoverage:
    """The curve of risk over coverage and its area, for answering the most confident items first.

    Sources: El-Yaniv and Wiener 2010, JMLR 11:1605; Geifman and El-Yaniv 2017, arXiv 1705.08500. Items of equal confidence are answered
    together on the curve; in the area they come one by one in random order, of which the mean is taken.
    """
    confidence, right = _answers(confidences, correct)
    values, place = np.unique(-confidence, return_inverse=True)
    counts = np.bincount(place, minlength=values.size)
    wrong = np.bincount(place, weights=1 - right, minlength=values.size)
    answered, mistakes = np.cumsum(counts), np.cumsum(wrong)
    steps = np.arange(1, confidence.size + 1)
    expected = np.interp(steps, np.concatenate([[0], answered]), np.concatenate([[0.0], mistakes]))
    return RiskCoverage(
        tuple((answered / confidence.size).tolist()), tuple((mistakes / answered).tolist()), float((expected / steps).mean())
    )


def _answers(confidences: ArrayLike, correct: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    confidence, right = as_items(confidences), as_items(correct)
    if confidence.size != right.size:
        raise ValueError(f"each answer needs one confidence: {right.size} and {confidence.size}")
    if confidence.min() < 0 or confidence.max() > 1 or not np.isin(right, (0.0, 1.0)).all():
        raise ValueError("confidences lie between 0 and 1, and an answer is right (1) or wrong (0)")
    return confidence, right
