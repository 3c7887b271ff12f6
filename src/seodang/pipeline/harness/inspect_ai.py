"""UK AISI's inspect-ai as the client of a model of ours."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.pipeline.harness.serving import open_for_client, refuse_without, run_client, served
from seodang.pipeline.import_results import import_results
from seodang.pipeline.plain_name import plain_name

_SERVICE = "seodang"  # as inspect-ai names the variables with an OpenAI-compatible service's address and key


def run_inspect(
    spec: str, tasks: Sequence[str], root: Path, *, limit: int | None, python: Path | None, arguments: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Scores of inspect-ai's `tasks` (such as `inspect_evals/ifeval`, or files), asked by conversation.

    `python` is the interpreter that has inspect-ai and the tasks (None: this one), `arguments` are passed on to it. InputError where it is
    not there or fails, with its last words.
    """
    interpreter = str(python or sys.executable)
    refuse_without("inspect_ai", interpreter, "pip install inspect-ai inspect-evals")
    model = open_for_client(spec, root)
    out = root / ".harness" / f"inspect-{plain_name(model.name)}-{time.strftime('%Y%m%dT%H%M%S')}"
    with served(model) as address:
        about = {f"{_SERVICE.upper()}_BASE_URL": f"{address}/v1", f"{_SERVICE.upper()}_API_KEY": "none"}
        command = [interpreter, "-m", "inspect_ai", "eval", *tasks, "--model", f"openai-api/{_SERVICE}/{plain_name(model.name)}"]
        command += ["--log-dir", str(out), "--log-format", "json", "--display", "none"]
        command += [*(["--limit", str(limit)] if limit else []), *arguments]
        code, words = run_client(command, os.environ | about)
    logs = sorted(out.glob("*.json"))
    if code or not logs:
        raise InputError(f"inspect-ai failed: {words}", where=" ".join(tasks), hint="what it said stands above")
    return [row for log in logs for row in import_results(log, root, synthetic=model.synthetic)]
