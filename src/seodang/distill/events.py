"""Curves of a training as event files, which TensorBoard and others read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seodang.core.files import storage_errors


class Events:
    """Writes values by step into a folder. After a kill, what was told of the steps that are computed again is hidden from readers."""

    def __init__(self, folder: Path, first_step: int) -> None:
        from tensorboardX import SummaryWriter

        with storage_errors(folder):
            self._writer: Any = SummaryWriter(str(folder), purge_step=first_step)

    def tell(self, step: int, values: Mapping[str, float]) -> None:
        """Writes the values that stand at a step, by their tags."""
        for tag, value in values.items():
            self._writer.add_scalar(tag, value, step)

    def flush(self) -> None:
        """Puts what was told on disk."""
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
