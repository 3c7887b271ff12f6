"""Models that a run still needs stay in the store: those with a recipe's chat template, and those in pieces."""

import json
import shutil
from pathlib import Path

from click.testing import CliRunner

from seodang.cli.main import cli
from seodang.core.artifact import Artifact
from seodang.models.source import LocalTeacher, model_folder

PARTS = [{"package": f"part{n}", "version": "1", "sha256": f"{n}" * 64, "file": "f"} for n in range(2)]


def test_pruning_keeps_templates_and_pieces_of_a_run_and_removes_those_of_none(tiny_model_dir: Path, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    store = root / ".store"
    shutil.copytree(tiny_model_dir, tmp_path / "base")
    (tmp_path / "plain.jinja").write_text("Q: {{ messages[0]['content'] }}", encoding="utf-8")
    section = LocalTeacher(name="base", license="CC0-1.0", path="base", chat_template="plain.jinja")
    folder = model_folder(section, store, tmp_path)
    several = LocalTeacher.model_validate({"name": "several", "license": "CC0-1.0", "parts": PARTS})
    kept = [folder, store / "models" / several.key()[:16]]
    Artifact(kept[1]).finish(step="model", key=several.key(), summary={"name": "several"}, measured={}, synthetic=False)
    other = LocalTeacher.model_validate({"name": "other", "license": "CC0-1.0", "parts": PARTS[:1]})
    lonely = store / "models" / other.key()[:16]
    Artifact(lonely).finish(step="model", key=other.key(), summary={"name": "other"}, measured={}, synthetic=False)
    row = {"teacher": section.model_dump(mode="json"), "student_model": several.model_dump(mode="json"), "documents": []}
    told = {"name": "run", "recipe": row, "base": str(tmp_path), "student_source": row["student_model"], "synthetic": False, "steps": []}
    (root / "run").mkdir()
    (root / "run" / "run.json").write_text(json.dumps(told), encoding="utf-8")
    done = CliRunner().invoke(cli, ["runs", "--runs", str(root), "prune", "--unused", "--yes"], catch_exceptions=False)
    assert done.exit_code == 0
    assert all(path.is_dir() for path in kept)
    assert not lonely.exists()
