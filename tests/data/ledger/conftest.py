"""A ledger through which made-up records went once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data_project import verify_project
from seodang.data.engine.local import InProcess
from seodang.data.ledger.view import Ruled

SMALL: dict[str, Any] = {"num_records": 60, "num_passages": 24, "group": 16}


@dataclass(frozen=True, slots=True)
class Verified:
    """A project's folder and what was decided; its ledger is not to be changed."""

    folder: Path
    ruled: list[Ruled]

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"


@pytest.fixture(scope="session")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Verified:
    folder = tmp_path_factory.mktemp("verified")
    return Verified(folder, verify_project(folder, InProcess(), **SMALL))
