"""How fast a backend decodes and prefills beside transformers' own `generate`: same weights, same tokens, same threads, taken in turn.

    python benchmarks/backends.py MODEL [--backend torch_cpu ...] [--rounds 5] [--prompt 128] [--new 32] [--threads N] [--json]

MODEL is a Hugging Face folder of the Llama family. A round is one run of each contestant, in alternating order: prompts of `--prompt`
random tokens in batches of 1 and 8, then `--new` tokens greedily. Prefill is a run with one new token; decoding is what the other tokens
take beyond that. What is reported is the median over rounds of transformers' time divided by the backend's, with its quartiles: above 1
the backend is faster. Everything is float32. Backends that are not here are listed with their reason.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seodang.backends.build_graph import build_graph, read_config
from seodang.backends.contract import BackendError, Feed, Limits, Session
from seodang.backends.registry import open_backend
from seodang.backends.weights import FolderWeights

Run = Callable[[np.ndarray, int], np.ndarray]  # prompts (B, P) and a number of tokens -> new tokens (B, n)


@dataclass(frozen=True)
class Times:
    """Seconds of one run with one new token, and with all of them; the tokens of the latter."""

    first_s: float
    all_s: float
    tokens: np.ndarray


def open_transformers(folder: Path) -> Run:
    """Greedy decoding by transformers, without a stop token."""
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None

    def run(prompts: np.ndarray, count: int) -> np.ndarray:
        ids = torch.from_numpy(prompts)
        with torch.inference_mode():
            out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, do_sample=False, pad_token_id=0)
        return out[:, prompts.shape[1] :].numpy()

    return run


def open_session(name: str, folder: Path, limits: Limits, work: Path) -> Session:
    """A backend's session of the model."""
    weights = FolderWeights(folder)
    backend = open_backend(name)
    program = backend.compile(build_graph(read_config(folder), set(weights)), limits, work)
    return backend.load(program, weights)[0]


def greedy(session: Session) -> Run:
    """Greedy decoding through the contract."""

    def run(prompts: np.ndarray, count: int) -> np.ndarray:
        handles = [session.kv.allocate() for _ in prompts]
        step = session.prefill([Feed(handle, row) for handle, row in zip(handles, prompts, strict=True)])
        found = [step.logits.argmax(-1)]
        while len(found) < count:
            step = session.decode([Feed(handle, found[-1][place : place + 1]) for place, handle in enumerate(handles)])
            found.append(step.logits.argmax(-1))
        for handle in handles:
            session.kv.free(handle)
        return np.stack(found, 1)

    return run


def timed(run: Run, prompts: np.ndarray, count: int) -> Times:
    """One run with one token, one with all."""
    begun = time.perf_counter()
    run(prompts, 1)
    between = time.perf_counter()
    tokens = run(prompts, count)
    return Times(between - begun, time.perf_counter() - between, tokens)


def compare(name: str, run: Run, peer: Run, options: argparse.Namespace, batch: int, vocabulary: int) -> dict[str, Any]:
    """Rounds of both in alternating order."""
    rng = np.random.default_rng(batch)
    timed(run, rng.integers(3, vocabulary, (batch, options.prompt)), 2)
    timed(peer, rng.integers(3, vocabulary, (batch, options.prompt)), 2)
    pairs: list[tuple[Times, Times]] = []
    for number in range(options.rounds):
        prompts = rng.integers(3, vocabulary, (batch, options.prompt))
        order = (peer, run) if number % 2 == 0 else (run, peer)
        first, second = (timed(one, prompts, options.new) for one in order)
        pairs.append((first, second) if number % 2 == 0 else (second, first))
    told: dict[str, Any] = {"backend": name, "batch": batch, "prompt_tokens": options.prompt, "new_tokens": options.new}
    equal = [float((theirs.tokens == ours.tokens).mean()) for theirs, ours in pairs]
    told["equal_tokens"] = statistics.mean(equal)
    for what in ("prefill", "decode"):
        seconds = [tuple(_seconds(one, what, options.new) for one in pair) for pair in pairs]
        low, middle, high = statistics.quantiles([theirs / ours for theirs, ours in seconds], n=4)
        tokens = batch * (options.prompt if what == "prefill" else 1)
        told[what] = {
            "ratio": middle,
            "ratio_quartiles": [low, high],
            "tokens_per_s": tokens / statistics.median(ours for _, ours in seconds),
            "transformers_tokens_per_s": tokens / statistics.median(theirs for theirs, _ in seconds),
        }
    return told


def _seconds(times: Times, what: str, count: int) -> float:
    """Of the prompt, or of one more token for each sequence."""
    return times.first_s if what == "prefill" else (times.all_s - times.first_s) / (count - 1)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Every backend in batches of 1 and 8."""
    import torch
    import transformers

    torch.set_num_threads(options.threads)
    limits = Limits(max(options.batches), options.prompt + options.new, max(options.batches) * options.prompt, "float32")
    peer, rows, absent = open_transformers(options.model), list[dict[str, Any]](), dict[str, str]()
    vocabulary = read_config(options.model)["vocab_size"]
    for name in options.backend:
        try:
            with tempfile.TemporaryDirectory() as folder:
                session = open_session(name, options.model, limits, Path(folder))
                rows += [compare(name, greedy(session), peer, options, batch, vocabulary) for batch in options.batches]
                session.close()
        except BackendError as error:
            absent[name] = str(error)
    return {
        "model": options.model.name,
        "num_threads": options.threads,
        "num_rounds": options.rounds,
        "load_average": list(os.getloadavg()),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "rows": rows,
        "absent": absent,
        "bar": {"torch_cpu decode": 1.0},
    }


def main() -> None:
    """Prints a line for each row, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path, help="a Hugging Face folder")
    parser.add_argument("--backend", nargs="+", default=["torch_cpu", "onnx_cpu", "llama_cpp"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=128, help="tokens")
    parser.add_argument("--new", type=int, default=32, help="tokens")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.rounds < 2 or options.new < 2 or options.prompt < 1 or min(options.batches) < 1 or options.threads < 1:
        parser.error("two rounds and two new tokens at least; prompts, batches and threads of one or more")
    found = measure(options)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for row in found["rows"]:
        for what in ("prefill", "decode"):
            told, (low, high) = row[what], row[what]["ratio_quartiles"]
            print(
                f"{row['backend']}, batch {row['batch']}, {what}: {told['tokens_per_s']:.1f} tokens/s, transformers "
                f"{told['transformers_tokens_per_s']:.1f}, ratio {told['ratio']:.2f} (quartiles {low:.2f} to {high:.2f}, "
                f"n = {found['num_rounds']}); equal tokens {row['equal_tokens']:.1%}"
            )
    for name, reason in found["absent"].items():
        print(f"{name}: {reason}")


if __name__ == "__main__":
    main()
