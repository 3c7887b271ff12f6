"""Curves of a training as event files, which TensorBoard and others read."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seodang.core.files import storage_errors


class Events:
    """Writes values by step into a folder. After a kill, what was told of the steps that are computed again is hidden from readers.

    The library's own queue and thread are not used: they may still hold a value when a flush returns, and a kill would lose it.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto import event_pb2, summary_pb2

        self._folder = folder
        self._events: Any = event_pb2
        self._summaries: Any = summary_pb2
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # A file is named by the second in which it is begun, and a resumed training may begin in the same one.
            self._writer: Any = EventsWriter(str(folder / "events"), f".{first_step:08d}.{os.getpid()}")
            self._write(step=first_step, session_log=self._events.SessionLog(status=self._events.SessionLog.START))

    def _write(self, **fields: Any) -> None:
        self._writer.write_event(self._events.Event(wall_time=time.time(), **fields))

    def tell(self, step: int, values: Mapping[str, float]) -> None:
        """Writes the values that stand at a step, by their tags."""
        with storage_errors(self._folder):
            points = [self._summaries.Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
            self._write(step=step, summary=self._summaries.Summary(value=points))

    def flush(self) -> None:
        """Puts what was told on disk."""
        with storage_errors(self._folder):
            self._writer.flush()

    def close(self) -> None:
        with storage_errors(self._folder):
            self._writer.close()
