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
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.proto.summary_pb2 import Summary

        self._folder = folder
        self._event: Any = Event
        self._summary: Any = Summary
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # A file is named by the second in which it is begun, and a resumed training may begin in the same one.
            self._writer: Any = EventsWriter(str(folder / "events"), f".{first_step:08d}.{os.getpid()}")
            self._write(step=first_step, session_log=SessionLog(status=SessionLog.START))

    def _write(self, **fields: Any) -> None:
        self._writer.write_event(self._event(wall_time=time.time(), **fields))

    def tell(self, step: int, values: Mapping[str, float]) -> None:
        """Writes the values that stand at a step, by their tags."""
        with storage_errors(self._folder):
            points = [self._summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
            self._write(step=step, summary=self._summary(value=points))

    def flush(self) -> None:
        """Puts what was told on disk."""
        with storage_errors(self._folder):
            self._writer.flush()

    def close(self) -> None:
        with storage_errors(self._folder):
            self._writer.close()
