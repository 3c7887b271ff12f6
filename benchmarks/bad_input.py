"""Gives `seodang` bad input of many kinds: each must end in one `error:` line with a hint and its exit code, and never in a traceback.

    python benchmarks/bad_input.py [--mutations 200] [--seed 0]

A mutated recipe that is still valid must load; its run is stopped after the documents were read.
"""

import argparse
import contextlib
import copy
import errno
import http.server
import io
import json
import random
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from small_project import small_recipe, write_project

CODES = range(2, 9)
ENDED_BEFORE_MODELS = 0  # of a run that was valid as far as the documents
_JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, 1.5, float("inf"), float("nan"), -1e300, "", "x", "\x00", "../..", "/nonexistent", "a" * 300, [], {},
    [[]], [None], {"a": {"b": [{"c": None}]}}, ["x"] * 50, {"kind": "nosuch"}, "2026-01-01", "~", "{{", "서당", "\u202e", "http://user:pass@host/v1",
)  # fmt: skip
_TEXT_DAMAGE: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    lambda data, draw: data[: draw.randrange(1, len(data))],
    lambda data, draw: _insert(data, draw, b"\t"),
    lambda data, draw: _insert(data, draw, b"\x00"),
    lambda data, draw: _insert(data, draw, draw.randbytes(12)),
    lambda data, draw: _insert(data, draw, b": : ["),
    lambda data, draw: _insert(data, draw, b'"'),
    lambda data, draw: _insert(data, draw, b"&a [*a]"),
    lambda data, draw: _insert(data, draw, b"\n- x\n"),
    lambda data, draw: data + b"\nextra: &a [*a]\n",
    lambda data, draw: data + b"\nx: !!python/object/apply:os.getcwd []\n",
    lambda data, draw: data + b"\nseed: " + b"9" * 5000 + b"\n",
    lambda data, draw: data + b"\ny: " + b"[" * 5000 + b"\n",
    lambda data, draw: data + _many_aliases(),
    lambda data, draw: draw.randbytes(200),
    lambda data, draw: b"",
    lambda data, draw: b"just words",
    lambda data, draw: data.decode().encode("utf-16"),
)


def mutate(recipe: dict[str, Any], draw: random.Random) -> bytes:
    """A damaged recipe, as the bytes of its file."""
    value = copy.deepcopy(recipe)
    kind = draw.choice(["delete", "misspell", "replace", "replace", "replace", "extra", "text", "text"])
    holder, key = draw.choice(list(_places(value)))
    if kind == "delete":
        del holder[key]
    elif kind == "misspell" and isinstance(holder, dict):
        at = draw.randrange(len(key))
        holder[key[:at] + draw.choice("xyz_") + key[at + 1 :]] = holder.pop(key)
    elif kind == "extra" and isinstance(holder, dict):
        holder[draw.choice(["foo", "epoch", "Name", "1", "teacher.path"])] = draw.choice(_JUNK)
    else:
        holder[key] = draw.choice(_JUNK)
    data = yaml.safe_dump(value, sort_keys=False, allow_unicode=True).encode()
    return draw.choice(_TEXT_DAMAGE)(data, draw) if kind == "text" else data


def seodang(arguments: Sequence[str]) -> tuple[int, str]:
    """Exit code and stderr of `seodang`, run in this process. A step that needs a model ends the run with code 0."""
    from seodang.cli.main import main
    from seodang.pipeline import run as pipeline_run

    carry_out = pipeline_run.execute

    def only_documents(steps: Any, workspace: Any, **others: Any) -> Any:
        carry_out(steps[:1], workspace, **others)
        sys.exit(ENDED_BEFORE_MODELS)

    return _call(main, arguments, mock.patch.object(pipeline_run, "execute", only_documents))


def seodang_whole(arguments: Sequence[str]) -> tuple[int, str]:
    """Exit code and stderr of `seodang`, run in this process to its end."""
    from seodang.cli.main import main

    return _call(main, arguments, contextlib.nullcontext())


def fault_of(code: int, stderr: str) -> str | None:
    """What is wrong with the way a command ended; None where it is right. Code 0 is right for input that is still valid."""
    errors = [line for line in stderr.splitlines() if line.startswith("error:")]
    hints = [line for line in stderr.splitlines() if line.startswith("hint:") and len(line) > len("hint: ")]
    if "Traceback" in stderr:
        return "a traceback"
    if code == ENDED_BEFORE_MODELS:
        return "an error, and yet exit code 0" if errors else None
    if code not in CODES:
        return f"exit code {code}"
    return None if len(errors) == len(hints) == 1 else f"{len(errors)} error lines and {len(hints)} hints"


def scenarios(folder: Path, recipe: Path) -> Iterator[tuple[str, int, Callable[[], tuple[int, str]]]]:
    """Other bad input: a name, the exit code that it must end with, and a call. `recipe` is a good one of `write_project`."""
    base, runs = recipe.parent, ["--runs", str(folder / "runs")]

    def changed(name: str, **changes: Any) -> Path:
        value = {**yaml.safe_load(recipe.read_text(encoding="utf-8")), "name": name, **changes}
        path = base / f"{name}.yaml"
        path.write_text(yaml.safe_dump(value), encoding="utf-8")
        return path

    def with_exam(name: str, content: bytes) -> Path:
        (base / f"{name}.jsonl").write_bytes(content)
        return changed(name, evaluate={"exam": [f"{name}.jsonl"]})

    def with_document(name: str, content: bytes) -> Path:
        shutil.copytree(base / "documents", base / name)
        (base / name / "more.md").write_bytes(content)
        return changed(name, documents=[{"folder": name, "license": "CC0-1.0"}])

    def run(path: Path) -> Callable[[], tuple[int, str]]:
        return lambda: seodang_whole(["run", str(path), *runs])

    teacher = small_recipe(base)["teacher"]
    item = {"id": "a", "part": "know", "question": "What?", "accepted": ["x"], "wrong": []}
    yield "no such recipe", 2, run(base / "nosuch.yaml")
    yield "a folder as recipe", 2, run(base)
    yield "no such folder of documents", 3, run(changed("no-documents", documents=[{"folder": "nosuch", "license": "CC0-1.0"}]))
    yield (
        "no document of that kind",
        3,
        run(changed("no-kind", documents=[{"folder": "documents", "files": ["*.pdf"], "license": "MIT"}])),
    )
    yield "a document that is not text", 3, run(with_document("binary", bytes(range(256)) * 40))
    yield "an empty document", 3, run(with_document("empty", b"\n\n"))
    yield "documents without a licence", 2, run(changed("no-licence", documents=[{"folder": "documents"}]))
    yield "a licence that SPDX does not have", 2, run(changed("misspelt-licence", teacher={**teacher, "license": "Apach-2.0"}))
    yield "a think mode that the template has no switch for", 4, run(changed("no-switch", teacher={**teacher, "thinking": True}))
    yield "reasoning of a teacher that does not think", 2, run(changed("no-thoughts", distill={"think_share": 0.5}))
    yield "no such model folder", 4, run(changed("no-model", teacher={**teacher, "path": "nosuch"}))
    yield "a folder without a model", 4, run(changed("not-a-model", teacher={**teacher, "path": "documents"}))
    yield "no such exam", 3, run(changed("no-exam", evaluate={"exam": ["exm.jsonl"]}))
    yield "a folder as exam", 3, run(changed("folder-exam", evaluate={"exam": ["documents"]}))
    yield "an exam that is not JSON", 3, run(with_exam("words", b"hello\n"))
    yield "an exam that is not text", 3, run(with_exam("bytes", b"\xff\xfe\x00\x01"))
    yield "an exam without items", 3, run(with_exam("nothing", b"\n"))
    yield "an exam item without answers", 3, run(with_exam("unanswered", json.dumps({**item, "accepted": []}).encode()))
    yield "no such check", 2, run(changed("no-check", verify={"checks": ["wel_formed"]}))
    yield "no such language of prompts", 2, run(changed("no-prompts", build={"prompts": "xx"}))
    yield (
        "a server's teacher without a student",
        2,
        run(changed("no-student", teacher={"kind": "openai_http", "url": "http://127.0.0.1:9/v1", "model": "m"})),
    )
    yield "a run's folder that is a file", 2, lambda: seodang_whole(["run", str(recipe), "--runs", str(recipe)])
    yield "no such run", 3, lambda: seodang_whole(["report", str(folder / "nosuch")])
    yield "a record that is none", 3, lambda: _broken_record(folder)
    yield "no such prompts", 3, lambda: seodang_whole(["generate", str(folder), "--prompts", str(folder / "nosuch.jsonl")])
    yield "no such command", 2, lambda: seodang_whole(["rnu"])
    yield "no such option", 2, lambda: seodang_whole(["run", str(recipe), "--fast"])
    yield "no such key to explain", 2, lambda: seodang_whole(["explain", "distil"])
    yield "no such run to remove", 3, lambda: seodang_whole(["runs", *runs, "prune", "--run", "../documents", "--yes"])
    yield "no such folder to start from", 3, lambda: seodang_whole(["init", str(folder / "nosuch"), "--dry-run"])
    yield "a disk that is full", 7, lambda: _full_disk(changed("full"), folder / "full")


def dying_endpoint(folder: Path, recipe: Path, model: Path, answered: int = 6) -> tuple[int, str]:
    """A remote teacher that dies after some answers, and is tried once more. Exit code and stderr."""
    value = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    with _serve_then_die(answered) as address:
        value["teacher"] = {"kind": "openai_http", "url": address, "model": "dying", "license": "CC0-1.0", "retries": 1, "timeout_s": 5}
        value["targets"] = {"codec": "top_k", "top_k": 5}
        value["student_model"] = {"kind": "local", "name": "random", "license": "CC0-1.0", "path": str(model), "synthetic": True}
        path = recipe.with_name("dying.yaml")
        path.write_text(yaml.safe_dump({**value, "name": "dying"}), encoding="utf-8")
        return seodang_whole(["run", str(path), "--runs", str(folder / "dying-runs")])


@contextlib.contextmanager
def _serve_then_die(answered: int) -> Generator[str]:
    """The address of a server that speaks the protocol for some requests, and then closes every connection without an answer."""
    left = threading.Semaphore(answered)

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not left.acquire(blocking=False):
                self.close_connection = True
                return
            asked = json.loads(body or b"{}")
            text = {"message": {"role": "assistant", "content": "ok"}} if "messages" in asked else {"text": " ok"}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            choices = [{"index": i, "finish_reason": "stop", "logprobs": None, **text} for i in range(asked.get("n") or 1)]
            row = {
                "id": "1",
                "object": "list",
                "model": "dying",
                "created": 0,
                "choices": choices,
                "usage": usage,
                "data": [{"id": "dying"}],
            }
            content = json.dumps(row).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _call(main: Callable[[], None], arguments: Sequence[str], patch: contextlib.AbstractContextManager[Any]) -> tuple[int, str]:
    said = io.StringIO()
    with (
        patch,
        mock.patch.object(sys, "argv", ["seodang", *arguments]),
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()


def _full_disk(recipe: Path, root: Path) -> tuple[int, str]:
    """Writing any file below `root` fails as on a full disk."""
    replace = Path.replace

    def no_space(path: Path, target: Any) -> Path:
        if root in path.parents and path.suffix == ".tmp":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return replace(path, target)

    with mock.patch.object(Path, "replace", no_space):
        return seodang_whole(["run", str(recipe), "--runs", str(root)])


def _broken_record(folder: Path) -> tuple[int, str]:
    (folder / "broken").mkdir(exist_ok=True)
    (folder / "broken" / "run.json").write_text('{"name": "broken"}', encoding="utf-8")
    return seodang_whole(["report", str(folder / "broken")])


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each holder and key of a nested value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield value, key
        yield from _places(child)


def _insert(data: bytes, draw: random.Random, piece: bytes) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + piece + data[at:]


def _many_aliases() -> bytes:
    """Eight lists, each of ten times the one before: 10^8 values in 500 bytes."""
    rows = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    return "\n".join(["", "a0: &a0 [x, x]", *rows, ""]).encode()


def check_mutations(project: Path, model: Path, count: int, seed: int) -> Iterator[tuple[int, bytes, int, str, str | None]]:
    """Number, bytes, exit code, stderr and fault of each mutated recipe."""
    recipe = small_recipe(model)
    for number in range(count):
        data = mutate(recipe, random.Random(f"{seed}/{number}"))
        path = project / "mutated.yaml"
        path.write_bytes(data)
        code, said = seodang(["run", str(path), "--runs", str(project / "runs")])
        yield number, data, code, said, fault_of(code, said)


def main() -> None:
    """Prints what went wrong and the counts by exit code; ends with 1 where anything did."""
    from small_project import make_random_model

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mutations", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print every error line")
    options = parser.parse_args()
    wrong: list[str] = []
    counts: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = make_random_model(folder / "model")
        recipe = write_project(folder / "project", model)

        def note(name: str, code: int, said: str, fault: str | None) -> None:
            counts[code] = counts.get(code, 0) + 1
            if fault:
                wrong.append(f"{name}: {fault}: {re.sub(r'[^ -~]+', ' ', said)[-400:]}")
            if options.show:
                print(code, name, next((line for line in said.splitlines() if line.startswith("error:")), "valid"), flush=True)

        for number, _, code, said, fault in check_mutations(recipe.parent, model, options.mutations, options.seed):
            note(f"mutation {number}", code, said, fault)
        for name, expected, call in scenarios(folder, recipe):
            code, said = call()
            note(name, code, said, fault_of(code, said) or (None if code == expected else f"exit code {code}, not {expected}"))
        code, said = dying_endpoint(folder, recipe, model)
        note("an endpoint that dies half-way", code, said, fault_of(code, said) or (None if code == 5 else f"exit code {code}, not 5"))
    print(f"{sum(counts.values())} inputs; exit codes: {', '.join(f'{code}: {count}' for code, count in sorted(counts.items()))}")
    print("\n".join(wrong) or "each ended in one error line with a hint, or was valid")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
