"""Collectives between processes of one machine over sockets in a folder: plain, and right.

Every pair of ranks has a connection. A rank sends from a thread of its own while it receives, so that no two wait for each other.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np

from seodang.backends.contract import BackendError, Unsupported

_PATIENCE_S = 60.0
Answer = TypeVar("Answer")


class SocketGroup:
    """One rank's end. Entering it waits until every rank is there. BackendError where one does not come, or goes."""

    def __init__(self, rank: int, size: int, meeting: Path) -> None:
        if not 0 <= rank < size:
            raise Unsupported(f"rank {rank} of {size}", hint="ranks are 0 to size - 1")
        self.rank, self.size, self._meeting = rank, size, meeting
        self._peers: dict[int, Connection] = {}

    def __enter__(self) -> "SocketGroup":
        with Listener(str(self._meeting / f"{self.rank}.sock"), "AF_UNIX", backlog=self.size) as listener:
            for lower in range(self.rank):
                peer = self._reach(lower)
                peer.send(self.rank)
                self._peers[lower] = peer
            for _ in range(self.rank + 1, self.size):
                peer = self._accept(listener)
                self._peers[peer.recv()] = peer
        self._sender = ThreadPoolExecutor(1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._sender.shutdown()
        for peer in self._peers.values():
            peer.close()

    def all_reduce(self, values: np.ndarray) -> np.ndarray:
        """Summed in the order of ranks, so that every rank has the same bits."""
        return _sum(self.all_gather(values))

    def all_gather(self, values: np.ndarray) -> list[np.ndarray]:
        return self.all_to_all([values] * self.size)

    def reduce_scatter(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        return _sum(self.all_to_all(parts))

    def all_to_all(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        if len(parts) != self.size:
            raise Unsupported(f"{len(parts)} parts for {self.size} ranks", hint="give one to each, empty ones too")
        found = list(parts)
        for step in range(1, self.size):
            to, source = (self.rank + step) % self.size, (self.rank - step) % self.size
            sent = self._sender.submit(self._peers[to].send, np.ascontiguousarray(parts[to]))
            found[source] = self.receive(source)
            self._settle(sent)
        return found

    def send(self, values: np.ndarray, to: int) -> None:
        self._told(lambda: self._peers[to].send(np.ascontiguousarray(values)))

    def receive(self, source: int) -> np.ndarray:
        return self._told(self._peers[source].recv)

    def barrier(self) -> None:
        self.all_gather(np.zeros(0, np.float32))

    def _settle(self, sent: "Future[None]") -> None:
        self._told(sent.result)

    def _told(self, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except (EOFError, OSError) as error:
            raise BackendError(
                f"another rank is gone ({type(error).__name__})", where=f"rank {self.rank}", hint="start the group again"
            ) from error

    def _accept(self, listener: Listener) -> Connection:
        """The next of the higher ranks. A listener has no patience of its own, so that a call from here ends its wait."""
        address, late = str(listener.address), threading.Event()

        def give_up() -> None:
            late.set()
            with suppress(OSError):
                Client(address, "AF_UNIX").close()

        timer = threading.Timer(_PATIENCE_S, give_up)
        timer.daemon = True
        timer.start()
        peer = listener.accept()
        timer.cancel()
        if late.is_set():
            peer.close()
            there = ", ".join(map(str, sorted(self._peers))) or "nobody"
            raise BackendError(
                f"the {self.size} ranks did not all come; beside this one there is {there}",
                where=f"rank {self.rank}",
                hint="start every rank",
            )
        return peer

    def _reach(self, rank: int) -> Connection:
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return Client(str(self._meeting / f"{rank}.sock"), "AF_UNIX")
            except (FileNotFoundError, ConnectionRefusedError) as error:
                if time.monotonic() > until:
                    raise BackendError(f"rank {rank} did not come", where=f"rank {self.rank}", hint="start every rank") from error
                time.sleep(0.01)


def _sum(parts: Sequence[np.ndarray]) -> np.ndarray:
    total = parts[0].copy()
    for part in parts[1:]:
        total = total + part
    return total
