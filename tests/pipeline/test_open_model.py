"""A think mode that was asked for is one that the endpoint heeds, or is refused."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seodang.core.errors import ModelError
from seodang.models.remote import opening
from seodang.models.think import ThinkMode
from seodang.pipeline.open_model import open_model


@pytest.mark.parametrize("mode", [ThinkMode.ON, ThinkMode.OFF])
@pytest.mark.parametrize("switch", ["no effect seen", "works"])
def test_a_switch_without_effect_is_refused_where_a_mode_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: ThinkMode, switch: str
) -> None:
    closed: list[bool] = []
    remote: Any = SimpleNamespace(preflight=SimpleNamespace(thinking_switch=switch, place="there"), close=lambda: closed.append(True))
    monkeypatch.setattr(opening, "open_remote", lambda *_, **__: remote)
    assert open_model("http://127.0.0.1:9/v1#m", tmp_path) is remote
    if switch == "works":
        assert open_model("http://127.0.0.1:9/v1#m", tmp_path, thinking=mode) is remote
        return
    with pytest.raises(ModelError, match=f"cannot be turned {mode}"):
        open_model("http://127.0.0.1:9/v1#m", tmp_path, thinking=mode)
    assert closed == [True]
