"""Kills small pieces of teaching at random moments and goes on with them: what they end with is that of an unkilled one, bit for bit.

    python benchmarks/kill_teaching.py [--kills 50] [--seed 0] [--work capture|training]

Each kill is a SIGKILL to a process that does the work alone, at a moment drawn evenly over the time that the unkilled one takes. Then a
second process does the same work in the same folder, to its end.
"""

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from small_project import make_random_model

Work = Callable[[Path], None]
_PRELOADED = ["torch", "transformers.models.llama.modeling_llama", "safetensors.torch", "tensorboardX"]
_UNSTABLE = "events"  # a folder that holds times


@dataclass(frozen=True, slots=True)
class Killed:
    """What one kill left, and which files differ after the second process (empty: none)."""

    delay_s: float
    died: bool  # False: the work was done before the kill came
    num_files: int  # that were there when the process died
    different: tuple[str, ...]


def train(folder: Path) -> None:
    """Trains all weights of a random llama on made-up examples with targets, 60 steps of two packs, with early stop's state and curves."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from seodang.core.progress import Progress
    from seodang.distill.losses.forward_kl import divergence
    from seodang.distill.train import Trainer
    from seodang.distill.train_section import TrainSection

    torch.set_num_threads(1)
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    model = LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256))
    section = TrainSection(
        epochs=10, learning_rate=2e-3, pack_tokens=64, packs_per_step=2, checkpoint_steps=2, held_out=0.1, evaluations=20, patience=1000
    )
    trainer = Trainer(model, made_examples(), section, seed=3, divergence=divergence(), weight=0.5, first_layer=0)
    trainer.run(folder / "partial", Progress("train"), events=folder / _UNSTABLE)


def made_examples() -> list[Any]:
    """48 examples of random ids that begin alike, with 5 targets at each answer token."""
    import torch

    from seodang.distill.losses.target import Sparse
    from seodang.distill.packing import Example

    draw = torch.Generator().manual_seed(0)

    def ids(low: int, high: int) -> tuple[int, ...]:
        return tuple(torch.randint(3, 300, (int(torch.randint(low, high, (1,), generator=draw)),), generator=draw).tolist())

    found: list[Example] = []
    for number in range(48):
        answer = ids(1, 9)
        best = torch.log_softmax(torch.randn(len(answer), 300, generator=draw), -1).topk(5, -1)
        target = Sparse(best.indices.flatten(), best.values.flatten(), torch.arange(0, 5 * len(answer) + 1, 5))
        found.append(Example(f"r{number}", (*range(10, 16), *ids(2, 10)), answer, target))
    return found


def capture(folder: Path) -> None:
    """Captures a random teacher's targets for 60 answers, two a shard. The teacher stands beside `folder` and is made by the first call."""
    import torch

    from seodang.core.progress import Progress
    from seodang.core.records import Passage, Record
    from seodang.distill.section import TargetsSection
    from seodang.distill.targets import capture as module
    from seodang.distill.targets.cache import TargetCache
    from seodang.models.local import LocalModel

    torch.set_num_threads(1)
    module._SEQUENCES_A_SHARD = 2  # pyright: ignore[reportPrivateUsage]
    model = folder.parent / "teacher"
    teacher = LocalModel(model if model.is_dir() else make_random_model(model), dtype="float32", synthetic=True)
    section = TargetsSection(codec="head_and_sampled", draws=6)
    records = [Record("know", f"Question {n}?", f"lamp {n} burns oil", ("p",), "en") for n in range(60)]
    passages = {"p": Passage("lamps.md", 0, 5, "- x", "Lamps", "Rules:", "a lamp burns oil", "en", "CC0-1.0")}
    plan = module.lessons(teacher, records, passages, {"know": "{passages} {question}"}, section)
    module.capture(teacher, plan, section, TargetCache(folder, teacher.identity), Progress("targets"))


WORKS: dict[str, Work] = {"capture": capture, "training": train}


def start(work: Work, folder: Path, log: Path) -> ForkServerProcess:
    """Does the work in a process of its own, which has its libraries loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    process = context.Process(target=_do, args=(work, folder, log))
    process.start()
    return process


def _do(work: Work, folder: Path, log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    work(folder)


def to_end(work: Work, folder: Path) -> float:
    """Does the work without a kill and returns the seconds it took. RuntimeError, with the end of what it said, where it fails."""
    log, started = folder.with_suffix(".log"), time.monotonic()
    process = start(work, folder, log)
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"exit code {process.exitcode}: {log.read_text(encoding='utf-8')[-2000:]}")
    return time.monotonic() - started


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of each file that must not depend on kills, by its path in the folder."""
    files = [path for path in folder.rglob("*") if path.is_file() and _UNSTABLE not in path.relative_to(folder).parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(files)}


def kill_once(work: Work, folder: Path, delay_s: float, expected: dict[str, bytes], num_changes: int = 0) -> Killed:
    """Kills the work in a fresh `folder`, does it again to its end, and compares with what an unkilled one left.

    The kill comes `delay_s` after the folder was seen in its `num_changes`-th new state, or after the start where that is 0.
    """
    process = start(work, folder, folder.with_suffix(".log"))
    seen = set[frozenset[tuple[str, int]]]()
    while len(seen) < num_changes and process.is_alive():
        seen.add(_state(folder))
        time.sleep(0.001)
    process.join(delay_s)
    process.kill()
    process.join()
    died, num_files = process.exitcode != 0, len(contents(folder)) if folder.is_dir() else 0
    to_end(work, folder)
    found = contents(folder)
    different = tuple(sorted(name for name in found | expected if found.get(name) != expected.get(name)))
    return Killed(delay_s, died, num_files, different)


def _state(folder: Path) -> frozenset[tuple[str, int]]:
    """The stable files that stand there under their final names, with the moments at which they were written."""
    found = set[tuple[str, int]]()
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if _UNSTABLE not in path.relative_to(folder).parts:
                found.add((path.name, path.stat().st_mtime_ns))
    return frozenset(found)


def main() -> None:
    """Prints a line a kill and ends with 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=50, help="of each kind of work")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", choices=[*WORKS], action="append", help="all where none is named")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    num_wrong = num_kills = 0
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.work or WORKS:
            folder, work = Path(temporary) / name, WORKS[name]
            folder.mkdir()
            to_end(work, folder / "warm")
            seconds = to_end(work, folder / "reference")
            expected = contents(folder / "reference")
            print(f"{name}, unkilled: {seconds:.1f} s, {len(expected)} files", flush=True)
            for number in range(options.kills):
                found = kill_once(work, folder / f"kill-{number}", moments.uniform(0, seconds), expected)
                num_kills += 1
                num_wrong += bool(found.different)
                died = "died" if found.died else "was done"
                told = f"differs: {', '.join(found.different)}" if found.different else "identical"
                print(f"kill {number + 1} after {found.delay_s:.2f} s: {died} with {found.num_files} files, then {told}", flush=True)
    print(f"{num_kills - num_wrong} of {num_kills} were identical to the unkilled one")
    sys.exit(bool(num_wrong))


if __name__ == "__main__":
    main()
