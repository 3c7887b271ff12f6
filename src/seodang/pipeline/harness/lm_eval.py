"""EleutherAI's lm-eval as the client of a model of ours."""

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.pipeline.harness.serving import known_of, open_for_client, refuse_without, run_client, served
from seodang.pipeline.import_results import import_results
from seodang.pipeline.plain_name import plain_name
from seodang.serving.generation import context_size

_LONGEST = 1 << 20  # tokens, of a model that names no limit

_NO_HUB = re.compile(r"DatasetNotFound|ConnectionError|LocalEntryNotFound|offline|couldn'?t (?:reach|connect|find)", re.IGNORECASE)
_OWN_COPY = "the hub of its data sets is out of reach: give it your own copy, docs/evaluation.md, `Other harnesses`, shows how"


def run_lm_eval(
    spec: str, tasks: str, root: Path, *, chat: bool, limit: int | None, python: Path | None, arguments: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Scores of lm-eval's `tasks` (with commas between them). `chat` asks by conversation, otherwise raw text and log-likelihoods.

    `python` is the interpreter that has lm-eval (None: this one), `arguments` are passed on to it, and what it says goes to standard error.
    InputError where it is not there or fails, with its last words.
    """
    interpreter = str(python or sys.executable)
    refuse_without("lm_eval", interpreter, "pip install 'lm-eval[api]'")
    model = open_for_client(spec, root)
    out = root / ".harness" / f"{plain_name(model.name)}-{time.strftime('%Y%m%dT%H%M%S')}"
    with served(model) as address:
        kind, place = ("local-chat-completions", "chat/completions") if chat else ("local-completions", "completions")
        about = f"model={plain_name(model.name)},base_url={address}/v1/{place},num_concurrent=4,max_retries=3"
        if not chat:
            about += f",tokenizer={model.folder.resolve()},max_length={context_size(model) or _LONGEST}"
        command = [interpreter, "-m", "lm_eval", "run", "--model", kind, "--model_args", about, "--tasks", tasks]
        command += ["--log_samples", "--output_path", str(out), *(["--apply_chat_template"] if chat else [])]
        command += [*(["--limit", str(limit)] if limit else []), *arguments]
        code, words = run_client(command)
    if code or not out.is_dir():
        raise InputError(
            f"lm-eval {'failed' if code else 'left no results'}: {words}",
            where=tasks,
            hint=_OWN_COPY if _NO_HUB.search(words) else "what it said stands above",
        )
    return import_results(out, root, synthetic=model.synthetic, known=known_of(model))
