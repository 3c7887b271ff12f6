"""Collectives that exchange over sockets and take, on a virtual clock, what a described link would take."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from seodang.backends.contract import Unsupported
from seodang.backends.description import Description
from seodang.backends.socket_group import SocketGroup


class EmulatedGroup:
    """One rank's end. `clock_s` is the virtual time of all that it has sent: each message takes the link's latency and its bytes over the
    bandwidth (Hockney 1994). Messages are those of a ring for reductions and gathers, and one to each other rank for an all-to-all.

    A latency that is not described counts as none, so that the clock is a lower bound.
    """

    def __init__(self, rank: int, size: int, meeting: Path, device: Description) -> None:
        link = device.link
        if link is None or link.bandwidth is None:
            raise Unsupported(f"no link with a bandwidth is described of {device.name}", hint="describe one with reach scale_up")
        self.rank, self.size, self.clock_s = rank, size, 0.0
        self._alpha_s = link.latency.value if link.latency else 0.0
        self._bytes_per_s = link.bandwidth.value
        self._group = SocketGroup(rank, size, meeting)

    def __enter__(self) -> "EmulatedGroup":
        self._group.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._group.__exit__(kind, error, trace)

    def all_reduce(self, values: np.ndarray) -> np.ndarray:
        self._pass(2 * (self.size - 1), 2 * (self.size - 1) / self.size * values.nbytes)
        return self._group.all_reduce(values)

    def all_gather(self, values: np.ndarray) -> list[np.ndarray]:
        self._pass(self.size - 1, (self.size - 1) * values.nbytes)
        return self._group.all_gather(values)

    def reduce_scatter(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        self._pass(self.size - 1, self._others(parts))
        return self._group.reduce_scatter(parts)

    def all_to_all(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        self._pass(self.size - 1, self._others(parts))
        return self._group.all_to_all(parts)

    def send(self, values: np.ndarray, to: int) -> None:
        self._pass(1, values.nbytes)
        self._group.send(values, to)

    def receive(self, source: int) -> np.ndarray:
        return self._group.receive(source)

    def barrier(self) -> None:
        self._pass(self.size - 1, 0)
        self._group.barrier()

    def _others(self, parts: Sequence[np.ndarray]) -> int:
        return sum(part.nbytes for rank, part in enumerate(parts) if rank != self.rank)

    def _pass(self, messages: int, num_bytes: float) -> None:
        self.clock_s += messages * self._alpha_s + num_bytes / self._bytes_per_s
