"""inspect-ai put to a model of ours: the model is served on a port of this machine, inspect-ai asks it, and its log is imported."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError, ModelError
from seodang.models.local import LocalModel
from seodang.pipeline.harness import served
from seodang.pipeline.import_results import import_results
from seodang.pipeline.open_model import open_model
from seodang.pipeline.workspace import Workspace

_SERVICE = "seodang"  # as inspect-ai names the variables with an OpenAI-compatible service's address and key


def run_inspect(
    spec: str, tasks: Sequence[str], root: Path, *, limit: int | None, python: Path | None, arguments: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Scores of inspect-ai's `tasks` (such as `inspect_evals/ifeval`, or files), asked by conversation.

    `python` is the interpreter that has inspect-ai and the tasks (None: this one), `arguments` are passed on to it. InputError where it is
    not there or fails, with its last words.
    """
    interpreter = str(python or sys.executable)
    if subprocess.run([interpreter, "-c", "import inspect_ai"], capture_output=True, check=False).returncode:
        hint = "`pip install inspect-ai inspect-evals` into it, or name the Python that has them with `--python`"
        raise InputError("inspect-ai is not installed", where=interpreter, hint=hint)
    model = open_model(spec, Workspace(root).store)
    if not isinstance(model, LocalModel):
        raise ModelError("only a model with weights here is served", where=spec, hint="give inspect-ai the endpoint's own address")
    out = root / ".harness" / f"inspect-{model.name.replace(':', '_')}-{time.strftime('%Y%m%dT%H%M%S')}"
    with served(model) as address:
        about = {f"{_SERVICE.upper()}_BASE_URL": f"{address}/v1", f"{_SERVICE.upper()}_API_KEY": "none"}
        command = [interpreter, "-m", "inspect_ai", "eval", *tasks, "--model", f"openai-api/{_SERVICE}/{model.name}"]
        command += ["--log-dir", str(out), "--log-format", "json", "--display", "none"]
        command += [*(["--limit", str(limit)] if limit else []), *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=os.environ | about)
    logs = sorted(out.glob("*.json"))
    if done.returncode or not logs:
        words = next((line for line in reversed(done.stdout.splitlines()) if line.strip()), "it wrote no log")
        raise InputError(f"inspect-ai failed: {words}", where=" ".join(tasks), hint="run it by hand to see more: " + " ".join(command))
    return [row for log in logs for row in import_results(log, root, None, None)]
