"""The end of a process in the middle of its work, without a process."""

from seodang.core.progress import Progress


class KilledError(Exception):
    """Stands for the end of the process."""


class StopsAt(Progress):
    """Ends the process, as it were, when step `last` is told."""

    def __init__(self, last: int) -> None:
        super().__init__("train")
        self.last = last

    def advance(self, count: int = 1, note: str | None = None) -> None:
        super().advance(count, note)
        if self.done == self.last:
            raise KilledError
