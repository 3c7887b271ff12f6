"""A finished run's student, served."""

from pathlib import Path

from seodang.pipeline.think import open_student
from seodang.pipeline.workspace import open_run
from seodang.serving.limits import read_key
from seodang.serving.section import ServeSection
from seodang.serving.server import run_server


def serve_run(folder: Path, *, arm: str, host: str, port: int, api_key_env: str | None) -> None:
    """Serves one arm's student under the run's name until Ctrl-C. InputError where the run, the key or the port cannot be had."""
    run = open_run(folder)
    section = ServeSection(host=host, port=port, api_key_env=api_key_env)
    read_key(section)  # refused before the weights are opened
    # float32, so that an answer does not hang on what else is asked at the same time.
    model = open_student(run.model_folder(arm), run.think_share, name=run.name, dtype="float32", synthetic=run.row["synthetic"])
    run_server({run.name: model}, section)
