"""Collectives between processes by torch.distributed: gloo for processors, NCCL for accelerators."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, distributed

from seodang.backends.contract import BackendError, Unsupported

_PATIENCE = timedelta(seconds=60)
Answer = TypeVar("Answer")


class TorchGroup:
    """One rank's end. Entering it waits until every rank is there, leaving it ends the process group. A process is in one at a time."""

    def __init__(self, rank: int, size: int, meeting: Path, kind: str) -> None:
        if not 0 <= rank < size:
            raise Unsupported(f"rank {rank} of {size}", hint="ranks are 0 to size - 1")
        self.rank, self.size, self._meeting = rank, size, meeting
        self._gloo = kind == "cpu"
        self._device = "cpu" if self._gloo else f"cuda:{rank % torch.cuda.device_count()}"

    def __enter__(self) -> "TorchGroup":
        def begin() -> None:
            if not self._gloo:
                torch.cuda.set_device(self._device)
            store = distributed.FileStore(str(self._meeting / "ranks"), self.size)
            name = "gloo" if self._gloo else "nccl"
            distributed.init_process_group(name, store=store, rank=self.rank, world_size=self.size, timeout=_PATIENCE)

        self._told(begin)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if distributed.is_initialized():
            distributed.destroy_process_group()

    def all_reduce(self, values: np.ndarray) -> np.ndarray:
        given = self._given(values)
        self._told(lambda: distributed.all_reduce(given))
        return given.cpu().numpy()

    def all_gather(self, values: np.ndarray) -> list[np.ndarray]:
        """Arrays may differ in length."""
        return self.all_to_all([values] * self.size)

    def reduce_scatter(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """By the collective of that name where all parts are alike, else each part goes to its rank and is summed there."""
        self._check(parts)
        if len({part.shape for part in parts}) > 1:
            return np.sum(self.all_to_all(parts), 0)
        given = [self._given(part) for part in parts]
        found = torch.empty_like(given[0])
        self._told(lambda: distributed.reduce_scatter(found, given))
        return found.cpu().numpy()

    def all_to_all(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Ranks tell each other how many rows will come; then one exchange."""
        self._check(parts)
        rows = torch.tensor([len(part) for part in parts], device=self._device)
        coming = torch.empty_like(rows)
        self._told(lambda: distributed.all_to_all_single(coming, rows))
        given = self._given(np.concatenate(parts))
        lengths, sent = coming.tolist(), rows.tolist()
        found = given.new_empty(sum(lengths), *given.shape[1:])
        self._told(lambda: distributed.all_to_all_single(found, given, lengths, sent))
        return [part.cpu().numpy() for part in found.split(lengths)]

    def send(self, values: np.ndarray, to: int) -> None:
        """A header of its shape goes first."""
        given = self._given(values)
        shape = torch.tensor([given.ndim, *given.shape, *[0] * (_MOST_AXES - given.ndim)], device=self._device)
        self._told(lambda: distributed.send(shape, to))
        self._told(lambda: distributed.send(given, to))

    def receive(self, source: int) -> np.ndarray:
        head = torch.empty(1 + _MOST_AXES, dtype=torch.int64, device=self._device)
        self._told(lambda: distributed.recv(head, source))
        axes, *shape = head.tolist()
        found = torch.empty(shape[:axes], device=self._device)
        self._told(lambda: distributed.recv(found, source))
        return found.cpu().numpy()

    def barrier(self) -> None:
        self._told(distributed.barrier)

    def _given(self, values: np.ndarray) -> Tensor:
        if values.ndim > _MOST_AXES:
            raise Unsupported(f"an array of {values.ndim} axes", hint=f"at most {_MOST_AXES}")
        return torch.from_numpy(np.array(values, np.float32)).to(self._device)

    def _check(self, parts: Sequence[np.ndarray]) -> None:
        if len(parts) != self.size:
            raise Unsupported(f"{len(parts)} parts for {self.size} ranks", hint="give one to each, empty ones too")

    def _told(self, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except RuntimeError as error:
            first = str(error).splitlines()[0]
            raise BackendError(f"the group broke: {first}", where=f"rank {self.rank}", hint="start every rank again") from error


_MOST_AXES = 8
