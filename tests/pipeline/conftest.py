"""What tests of the pipeline share."""

from pathlib import Path

import pytest

from pipeline.gated import Knows, Place
from seodang.pipeline import gate as gates


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place(tmp_path)
    monkeypatch.setattr(gates, "open_model", lambda spec, store, **told: Knows(spec, found.right[spec]))
    Knows.asked = 0
    return found
