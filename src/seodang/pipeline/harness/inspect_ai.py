"""UK AISI's inspect-ai as the client of a model of ours."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.pipeline.harness.serving import known_of, open_for_client, refuse_without, run_client, served
from seodang.pipeline.import_results import import_results
from seodang.pipeline.plain_name import plain_name

_SERVICE = "seodang"  # as inspect-ai names the variables with an OpenAI-compatible service's address and key


def run_inspect(
    spec: str,
    tasks: Sequence[str],
    root: Path,
    *,
    limit: int | None,
    python: Path | None,
    metric: str | None = None,
    arguments: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Scores of inspect-ai's `tasks` (such as `inspect_evals/ifeval`, or files), asked by conversation.

    `python` is the interpreter that has inspect-ai and the tasks (None: this one), `metric` the scorer that is read (None: a log's first),
    `arguments` are passed on. InputError where inspect-ai is not there or fails, with its last words, and where a log has no score from 0
    to 1, after all the others were imported.
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
    rows: list[dict[str, Any]] = []
    faults: list[InputError] = []
    for log in logs:
        try:
            rows += import_results(log, root, metric=metric, synthetic=model.synthetic, known=known_of(model))
        except InputError as error:
            faults.append(error)
    if faults:
        done = f"{len(rows)} of {len(logs)} logs were imported"
        hint = f"{faults[0].hint}; {done}, and `seodang eval import-results LOG --metric SCORER` imports {faults[0].where}"
        raise InputError(faults[0].what, where=faults[0].where, hint=hint) from faults[0]
    return rows
