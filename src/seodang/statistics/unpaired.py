"""Two groups of items of one arm, such as items like training data and others: other questions, so not paired."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seodang.statistics.clustered import as_clusters
from seodang.statistics.intervals import as_items


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """Mean of the first group minus mean of the second, with its 95 % interval."""

    difference: float
    interval: tuple[float, float]
    method: str


def group_difference(
    values: ArrayLike, first: NDArray[np.bool_], clusters: Sequence[Hashable] | None, *, seed: int, draws: int = 10_000
) -> GroupDifference:
    """Difference of the means of `values`, shape (num_items,), where `first` holds and where it does not.

    Percentile bootstrap of whole clusters, which may have items in both groups (Davison and Hinkley 1997, Bootstrap Methods, section 3.8);
    draws without an item of either group are left out. ValueError where one group is empty.
    """
    array = as_items(values)
    if first.shape != array.shape or first.all() or not first.any():
        raise ValueError("each of two groups needs an item, and each item a group")
    groups = as_clusters(clusters, array.size)
    columns = np.stack(
        [groups.sums(part) for part in (array * first, first.astype(np.float64), array * ~first, (~first).astype(np.float64))]
    )
    generator = np.random.default_rng(seed)

    def draw(count: int) -> NDArray[np.float64]:
        weights = generator.multinomial(groups.num, np.full(groups.num, 1 / groups.num), count).astype(np.float64)
        return weights @ columns.T

    sums = np.concatenate([draw(500) for _ in range(max(1, draws // 500))])
    whole = sums[(sums[:, 1] > 0) & (sums[:, 3] > 0)]
    differences = whole[:, 0] / whole[:, 1] - whole[:, 2] / whole[:, 3]
    low, high = np.quantile(differences, [0.025, 0.975])
    found = float(array[first].mean() - array[~first].mean())
    return GroupDifference(found, (float(low), float(high)), "bootstrap over clusters 95 %, not paired")
