"""Progress on stderr: a line at least every five seconds, whatever the work underneath is doing."""

import sys
import threading
import time
from types import TracebackType

_INTERVAL_S = 4.0


class Progress:
    """Prints `name: done/total unit, seconds s` from a thread of its own, so that a long call cannot silence it."""

    def __init__(self, name: str, total: int | None = None, unit: str = "") -> None:
        self.name = name
        self.total = total
        self.unit = unit
        self.done = 0
        self.note = ""
        self._start = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Progress":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def advance(self, count: int = 1, note: str | None = None) -> None:
        """Adds finished units; `note` stays beside them until the next one."""
        self.done += count
        if note is not None:
            self.note = note

    def tell(self, line: str) -> None:
        """Prints a line at once."""
        print(f"  {self.name}: {line}", file=sys.stderr, flush=True)

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL_S):
            share = f"{self.done}/{self.total}" if self.total else f"{self.done}" if self.done else ""
            parts = [part for part in (f"{share} {self.unit}".strip() if share else "", self.note, f"{self.seconds:.0f} s") if part]
            print(f"  {self.name}: {', '.join(parts)}", file=sys.stderr, flush=True)
