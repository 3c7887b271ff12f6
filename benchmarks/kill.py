"""Kills a small run at a random moment and runs it again, many times: nothing finished is lost, nothing torn is adopted, all numbers agree.

    python benchmarks/kill.py [--kills 20] [--seed 0]

Each kill is a SIGKILL to the process of `seodang run`, at a moment drawn evenly over the time that an unkilled run takes.
"""

import argparse
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from small_project import make_random_model, write_project

NUMBERS = ("arms", "paired", "general", "paired_general", "data", "training", "export")
_VARYING = {"seconds", "tokens_per_s", "num_reused", "reused"}
_PRELOADED = ["torch", "transformers", "seodang.pipeline.run", "seodang.models.local", "seodang.distill.raise_student"]


@dataclass(frozen=True, slots=True)
class Killed:
    """What one kill left, and what is wrong after the second run (empty: nothing)."""

    delay_s: float
    num_finished: int  # steps that had a manifest when the process died
    num_torn: int  # folders that had none
    faults: tuple[str, ...]


def start(recipe: Path, root: Path, log: Path) -> ForkServerProcess:
    """`seodang run RECIPE --runs ROOT` in a process of its own, which has its libraries loaded already."""
    return start_command(["run", str(recipe), "--runs", str(root)], log, _PRELOADED)


def start_command(arguments: list[str], log: Path, preloaded: list[str]) -> ForkServerProcess:
    """`seodang ARGUMENTS`, whose words go to `log`, in a process of its own that has the modules `preloaded`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(preloaded)
    process = context.Process(target=_seodang, args=(arguments, log))
    process.start()
    return process


def _seodang(arguments: list[str], log: Path) -> None:
    from seodang.cli.main import main

    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.argv = ["seodang", *arguments]
    main()


def run_to_end(recipe: Path, root: Path, log: Path) -> float:
    """Runs without a kill and returns the seconds it took. RuntimeError, with the end of what it said, where it fails."""
    started = time.monotonic()
    process = start(recipe, root, log)
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"exit code {process.exitcode}: {log.read_text(encoding='utf-8')[-2000:]}")
    return time.monotonic() - started


def numbers(root: Path, name: str = "small") -> dict[str, Any]:
    """What of a run's report must not depend on kills."""
    report = json.loads((root / name / "report.json").read_text(encoding="utf-8"))
    return {key: _without_times(report[key]) for key in NUMBERS}


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(child) for key, child in value.items() if key not in _VARYING}
    return [_without_times(child) for child in value] if isinstance(value, list) else value


def manifests(root: Path) -> dict[str, tuple[bytes, int]]:
    """The bytes and time of change of each manifest in the store, by its path there."""
    store = root / ".store"
    return {str(p.relative_to(store)): (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(store.glob("*/*/manifest.json"))}


def files_by_step(root: Path) -> dict[str, dict[str, str]]:
    """The SHA-256 of each file of each finished step."""
    rows = [json.loads(content) for content, _ in manifests(root).values()]
    return {row["key"]: {name: file["sha256"] for name, file in row["files"].items()} for row in rows}


def kill_once(recipe: Path, root: Path, delay_s: float, reference: Path) -> Killed:
    """Kills a fresh run in `root` after `delay_s`, runs it again to its end, and compares with the unkilled run in `reference`."""
    log = root.with_suffix(".log")
    process = start(recipe, root, log)
    process.join(delay_s)
    process.kill()
    process.join()
    before = manifests(root)
    steps = {
        str(p.relative_to(root / ".store"))
        for p in (root / ".store").glob("*/*")
        if p.is_dir() and p.parent.name not in ("target-cache", "ledger")
    }
    torn = steps - {str(Path(name).parent) for name in before}
    run_to_end(recipe, root, log)
    after = manifests(root)
    faults = [f"{name} was computed again" for name, content in before.items() if after.get(name) != content]
    faults += [f"{key} differs from the unkilled run" for key, value in numbers(reference).items() if numbers(root)[key] != value]
    expected = files_by_step(reference)
    for key, files in files_by_step(root).items():
        if files != expected.get(key):
            different = sorted(name for name in files | expected.get(key, {}) if files.get(name) != expected.get(key, {}).get(name))
            faults.append(f"files of step {key[:16]} differ: {', '.join(different)}")
    faults += [f"{name} was adopted without a manifest" for name in torn if f"{name}/manifest.json" not in after]
    return Killed(delay_s, len(before), len(torn), tuple(faults))


def main() -> None:
    """Prints a line a kill and ends with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        recipe = write_project(folder / "project", make_random_model(folder / "model"))
        run_to_end(recipe, folder / "warm", folder / "warm.log")
        seconds = run_to_end(recipe, folder / "reference", folder / "reference.log")
        print(f"unkilled: {seconds:.1f} s, {len(manifests(folder / 'reference'))} steps", flush=True)
        num_wrong = 0
        for number in range(options.kills):
            found = kill_once(recipe, folder / f"kill-{number}", moments.uniform(0, seconds), folder / "reference")
            num_wrong += bool(found.faults)
            told = "; ".join(found.faults) or "identical"
            print(
                f"kill {number + 1} after {found.delay_s:.2f} s: {found.num_finished} finished, {found.num_torn} torn: {told}", flush=True
            )
    print(f"{options.kills - num_wrong} of {options.kills} runs were identical to the unkilled one")
    sys.exit(bool(num_wrong))


if __name__ == "__main__":
    main()
