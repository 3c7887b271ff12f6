"""Faults of collectives."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import numpy as np

from seodang.backends.contract import Collectives
from seodang.backends.socket_group import SocketGroup
from seodang.testbed.certify.broken.fault import Broken


class _Group(Broken):
    level = 5
    group: ClassVar[type[SocketGroup]] = SocketGroup

    @contextmanager
    def join(self, rank: int, size: int, meeting: Path) -> Generator[Collectives]:
        with self.group(rank, size, meeting) as group:
            yield group


class _DropsLast(SocketGroup):
    def all_to_all(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = super().all_to_all(parts)
        return [*found[:-1], found[-1] * 0]


class DropsTheLastChunk(_Group):
    """The last rank's part of an all-to-all is lost."""

    group = _DropsLast


class _Even(SocketGroup):
    def all_to_all(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        longest = max(len(part) for part in parts)
        return super().all_to_all([np.concatenate([part, np.zeros((longest - len(part), *part.shape[1:]), part.dtype)]) for part in parts])


class PadsUnevenParts(_Group):
    """Parts of an all-to-all come padded to the longest one."""

    group = _Even


class _HalfSum(SocketGroup):
    def all_reduce(self, values: np.ndarray) -> np.ndarray:
        parts = self.all_gather(values.astype(np.float16).astype(values.dtype))
        total = parts[0]
        for part in parts[1:]:
            total = (total + part).astype(np.float16).astype(values.dtype)
        return total


class SumsInHalf(_Group):
    """Sums travel and are kept in float16."""

    group = _HalfSum


class _Pairs(SocketGroup):
    def reduce_scatter(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        return super().reduce_scatter(list(parts)[::-1] if self.size % 2 else parts)


class OddWorldsAreMirrored(_Group):
    """With an odd number of ranks a reduce-scatter goes to the mirrored rank."""

    group = _Pairs
