"""A run's taught student answers exam questions on backends, through the contract alone, beside transformers' code in float32.

    python benchmarks/student_on_backends.py RUN [--backends A,B] [--questions 24] [--batch 4] [--arm distilled] [--json]

Answers are greedy, of at most `--tokens` tokens. For each backend: how many answers are token for token those of transformers, and the
share of their tokens before the first other one; tokens a second by the device's own time, `--batch` sequences at once; bytes that the
session tells, and what the process grew by.
"""

import argparse
import gc
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from seodang.backends.build_graph import build_graph, read_config
from seodang.backends.contract import BackendError, Feed, Limits, Session
from seodang.backends.host import describe_host, give_back_memory
from seodang.backends.registry import open_backend
from seodang.backends.weights import FolderWeights
from seodang.core.processors import num_threads
from seodang.evaluation.exam import load_exam
from seodang.models.chat_model import Message
from seodang.models.reader import Reader
from seodang.pipeline.workspace import open_run

Rows = list[list[int]]


def resident_bytes() -> int:
    """Of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def transformers_answers(folder: Path, prompts: Rows, num_tokens: int, ends: frozenset[int]) -> Rows:
    """Greedy answers by transformers' own generation, with the token that ends them."""
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    answers: Rows = []
    for prompt in prompts:
        ids = torch.tensor([prompt])
        with torch.inference_mode():
            out = model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=num_tokens, do_sample=False, eos_token_id=sorted(ends),
                pad_token_id=min(ends),
            )  # fmt: skip
        answers.append(out[0, len(prompt) :].tolist())
    return answers


def backend_answers(session: Session, prompts: Rows, num_tokens: int, ends: frozenset[int]) -> tuple[Rows, float, int, float]:
    """Greedy answers of sequences that run together, seconds of the prefill, and tokens and seconds of decoding."""
    handles = [session.kv.allocate() for _ in prompts]
    result = session.prefill([Feed(handle, np.array(prompt)) for handle, prompt in zip(handles, prompts, strict=True)])
    prefill_s, decoded, decode_s = result.device_s, 0, 0.0
    answers: Rows = [[int(values.argmax())] for values in result.logits]
    while open_ones := [place for place, row in enumerate(answers) if row[-1] not in ends and len(row) < num_tokens]:
        result = session.decode([Feed(handles[place], np.array(answers[place][-1:])) for place in open_ones])
        decoded, decode_s = decoded + len(open_ones), decode_s + result.device_s
        for place, values in zip(open_ones, result.logits, strict=True):
            answers[place].append(int(values.argmax()))
    for handle in handles:
        session.kv.free(handle)
    return answers, prefill_s, decoded, decode_s


def measure(name: str, folder: Path, prompts: Rows, truth: Rows, options: argparse.Namespace, ends: frozenset[int]) -> dict[str, Any]:
    """One backend on all questions, or the reason why not."""
    context = max(len(prompt) for prompt in prompts) + options.tokens
    limits = Limits(options.batch, context, options.batch * context, options.dtype)
    gc.collect()
    give_back_memory()
    before = resident_bytes()
    with tempfile.TemporaryDirectory() as work:
        try:
            backend, weights = open_backend(name), FolderWeights(folder)
            session, _ = backend.load(backend.compile(build_graph(read_config(folder), set(weights)), limits, Path(work)), weights)
        except BackendError as error:
            return {"backend": name, "refused": str(error)}
        batches = [prompts[begin : begin + options.batch] for begin in range(0, len(prompts), options.batch)]
        done = [backend_answers(session, batch, options.tokens, ends) for batch in batches]
        told, grown = sum(session.memory().values()), resident_bytes() - before
        session.close()
    pairs = list(zip((row for rows, *_ in done for row in rows), truth, strict=True))
    sames = [[a == b for a, b in zip(row, wanted, strict=False)] for row, wanted in pairs]
    num_tokens = sum(map(len, truth))
    return {
        "backend": name,
        "num_answers": len(truth),
        "equal_answers": sum(row == wanted for row, wanted in pairs),
        "num_tokens": num_tokens,
        "equal_share": sum(int(np.cumprod(same).sum()) for same in sames) / num_tokens,
        "decode_tokens_per_s": sum(step[2] for step in done) / sum(step[3] for step in done),
        "prefill_tokens_per_s": sum(map(len, prompts)) / sum(step[1] for step in done),
        "session_bytes": told,
        "process_bytes": grown,
    }


def line(row: dict[str, Any]) -> str:
    """For people."""
    if "refused" in row:
        return f"{row['backend']}: {row['refused']}"
    return (
        f"{row['backend']}: {row['equal_answers']} of {row['num_answers']} answers equal, {row['equal_share']:.2%} of {row['num_tokens']} "
        f"tokens; decode {row['decode_tokens_per_s']:.1f} tokens/s, prefill {row['prefill_tokens_per_s']:.1f} tokens/s; "
        f"session {row['session_bytes'] / 1e6:.0f} MB, process {row['process_bytes'] / 1e6:.0f} MB"
    )


def main() -> None:
    """Prints one row a backend."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="the folder of a finished run")
    parser.add_argument("--backends", default="torch_cpu,llama_cpp,onnx_cpu")
    parser.add_argument("--arm", default="distilled")
    parser.add_argument("--dtype", default="auto", help="what weights are stored in")
    for name, default in (("questions", 24), ("batch", 4), ("tokens", 48)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if min(options.questions, options.batch) < 1 or options.tokens < 2:
        parser.error("a question, a batch of one and two tokens at least")
    run = open_run(options.run)
    folder = run.model_folder(options.arm)
    items = load_exam([Path(run.row["base"]) / path for path in run.row["recipe"]["evaluate"]["exam"]])
    reader = Reader(folder)
    chosen = items[:: max(1, len(items) // options.questions)][: options.questions]
    prompts = [reader.encode_chat([Message("user", item.question)]) for item in chosen]
    truth = transformers_answers(folder, prompts, options.tokens, reader.stop_ids)
    rows = [measure(name, folder, prompts, truth, options, reader.stop_ids) for name in options.backends.split(",")]
    if options.json:
        told = {
            "command": f"python benchmarks/student_on_backends.py runs/{run.name} --questions {options.questions} --json",
            "date": time.strftime("%Y-%m-%d"),
            "machine": {"name": describe_host().name, "threads": num_threads(), "load": os.getloadavg()[0]},
            "student": {"arm": options.arm, "batch": options.batch, "synthetic": run.row["synthetic"]},
        }
        print(json.dumps(told | {"rows": rows}, indent=1))
    else:
        print(*map(line, rows), sep="\n")


if __name__ == "__main__":
    main()
