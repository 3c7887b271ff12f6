"""lm-eval put to a model of ours: the model is served on a port of this machine, lm-eval asks it, and its results are imported."""

import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError, ModelError
from seodang.models.local import LocalModel, use_threads
from seodang.pipeline.import_results import import_results
from seodang.pipeline.open_model import open_model
from seodang.pipeline.workspace import Workspace
from seodang.serving.generation import context_size
from seodang.serving.section import ServeSection
from seodang.serving.server import address_of, make_server, open_port

_STARTS_WITHIN_S = 30
_PIECE = 1 << 12  # bytes of a program's words
_LONGEST = 1 << 20  # tokens, of a model that names no limit


def run_lm_eval(
    spec: str, tasks: str, root: Path, *, chat: bool, limit: int | None, python: Path | None, arguments: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Scores of lm-eval's `tasks` (with commas between them). `chat` asks by conversation, otherwise raw text and log-likelihoods.

    `python` is the interpreter that has lm-eval (None: this one), `arguments` are passed on to it, and what it says goes to standard error.
    InputError where it is not there or fails, with its last words.
    """
    interpreter = str(python or sys.executable)
    if subprocess.run([interpreter, "-c", "import lm_eval"], capture_output=True, check=False).returncode:
        hint = "`pip install 'lm-eval[api]'` into it, or name the Python that has it with `--python`"
        raise InputError("lm-eval is not installed", where=interpreter, hint=hint)
    model = open_model(spec, Workspace(root).store)
    if not isinstance(model, LocalModel):
        raise ModelError("only a model with weights here is served to lm-eval", where=spec, hint="give lm-eval the endpoint's own address")
    out = root / ".harness" / f"{model.name.replace(':', '_')}-{time.strftime('%Y%m%dT%H%M%S')}"
    with served(model) as address:
        kind, place = ("local-chat-completions", "chat/completions") if chat else ("local-completions", "completions")
        about = f"model={model.name},base_url={address}/v1/{place},num_concurrent=4,max_retries=3"
        if not chat:
            about += f",tokenizer={model.folder.resolve()},max_length={context_size(model) or _LONGEST}"
        command = [interpreter, "-m", "lm_eval", "run", "--model", kind, "--model_args", about, "--tasks", tasks]
        command += ["--log_samples", "--output_path", str(out), *(["--apply_chat_template"] if chat else [])]
        command += [*(["--limit", str(limit)] if limit else []), *arguments]
        code, words = _run(command)
    if code or not out.is_dir():
        raise InputError(f"lm-eval {'failed' if code else 'left no results'}: {words}", where=tasks, hint="what it said stands above")
    return import_results(out, root, synthetic=model.synthetic)


def _run(command: Sequence[str]) -> tuple[int, str]:
    """A program's exit code and its last line. What it says is passed on to standard error while it runs."""
    said = b""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0) as process:
        assert process.stdout is not None
        while piece := process.stdout.read(_PIECE):
            sys.stderr.write(piece.decode(errors="replace"))
            sys.stderr.flush()
            said = (said + piece)[-_PIECE:]
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    return process.returncode, lines[-1] if lines else "it said nothing"


@contextmanager
def served(model: LocalModel) -> Generator[str]:
    """The address at which a model is served while the block lasts."""
    section = ServeSection(port=0, max_prompt_tokens=1_000_000, max_new_tokens=1_000_000, queue_size=4096, request_timeout_s=86_400)
    server = make_server({model.name: model}, section)
    use_threads(section.num_threads)
    with open_port(section) as listener:
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
        thread.start()
        began = time.monotonic()
        while not server.started:
            if not thread.is_alive() or time.monotonic() - began > _STARTS_WITHIN_S:
                raise InputError("the server does not start", hint="`seodang serve` says why")
            time.sleep(0.05)
        try:
            yield address_of(listener)
        finally:
            server.should_exit = True
            thread.join()
