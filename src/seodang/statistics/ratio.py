"""Retention: which share of a teacher's score a student keeps, on the same items."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from numpy.typing import ArrayLike

from seodang.statistics.clustered import as_clusters
from seodang.statistics.paired import average_seeds, paired_clusters

Status = Literal["bounded", "unbounded", "not defined"]


@dataclass(frozen=True, slots=True)
class Retention:
    """Mean of the student's scores over the teacher's. `status` says what holds where there is no ratio or no interval."""

    ratio: float | None  # None: the teacher's mean is 0 ("not defined")
    interval: tuple[float, float] | None  # 95 %; None unless "bounded"
    status: Status  # unbounded: the teacher's mean cannot be told from 0, so no upper end exists
    num_items: int
    num_clusters: int
    method: str


def retention(student: ArrayLike, teacher: ArrayLike, clusters: Sequence[Hashable] | None = None) -> Retention:
    """Ratio of mean scores within 0..1, student over teacher, with Fieller's interval.

    Scores have shape (num_samples, num_items), the items in the same order; `clusters` is one label an item, None for items that stand for
    themselves. The interval holds all ratios r for which the mean of student - r * teacher is not told from 0 by its cluster-robust
    standard error and Student's t of `Clusters.effective` - 1 degrees of freedom.
    Source: Fieller 1954, J. R. Stat. Soc. B 16:175.
    """
    raise NotImplementedError("retention")
