"""The verify step says in which isolation it runs the records' code, before it runs any."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.verify.section import VerifySection
from seodang.pipeline import teach
from seodang.scoring.sandbox.isolation import IsolationError
from seodang.scoring.sandbox.run import isolation_lines


class _Stop(Exception):
    pass


def _stop(*_: Any, **__: Any) -> Any:
    raise _Stop


@pytest.mark.parametrize(("checks", "told"), [(("well_formed", "code_runs"), True), (("well_formed",), False)])
def test_the_isolation_is_told_once_before_code_is_run(
    checks: tuple[str, ...], told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        lines = isolation_lines()
    except IsolationError as fault:
        pytest.skip(fault.what)
    records = [Record("sample", f"q{n}", "f = abs", (), "en", truth={"tests": "assert f(2) == 2", "entry_point": "f"}) for n in range(2)]
    (tmp_path / "records.jsonl").write_text("".join(json.dumps(record.row()) + "\n" for record in records))
    monkeypatch.setattr(teach, "recipe_policy", lambda context: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    monkeypatch.setattr(teach, "load_exam", lambda paths: [])  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    monkeypatch.setattr(teach, "open_executor", _stop)
    recipe = SimpleNamespace(verify=VerifySection(checks=checks), evaluate=SimpleNamespace(exam=[], general=[]))
    context: Any = SimpleNamespace(recipe=recipe, artifacts={"build": SimpleNamespace(folder=tmp_path)}, resolve=list)
    artifact: Any = None
    with pytest.raises(_Stop):
        teach.verify(context, artifact, Progress("verify"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [f"  verify: {line}" for line in lines] * told
