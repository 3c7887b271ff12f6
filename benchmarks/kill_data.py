"""Kills the verification of made-up records at random moments and goes on: its ledger ends as that of an unkilled one, byte for byte.

    python benchmarks/kill_data.py [--kills 50] [--seed 0] [--workers 1 2 4]

Each kill is a SIGKILL to the process that verifies, at a moment drawn evenly over the time that an unkilled one takes; its worker processes
end by themselves. A second process then goes on in the same folder, to the end. The teacher is fixed: equal calls give equal scores. What
must hold: shards and decisions are those of the unkilled verification with one worker, no unit of work has two verdicts, and
accepted + rejected + quarantined + failed = input.
"""

import argparse
import multiprocessing
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from data_project import FixedTeacher, hashed_files, verify_project
from seodang.data.engine.open import open_executor
from seodang.data.ledger.audit import audit
from seodang.data.ledger.ledger import Ledger

_PRELOADED = ["data_project", "pyarrow.parquet", "seodang.pipeline.ledger"]
_PAUSE_S = 0.02  # of the teacher, at each call
PROJECT: dict[str, Any] = {"num_records": 400, "num_passages": 120, "group": 16}


@dataclass(frozen=True, slots=True)
class Killed:
    """What one kill left, and what is wrong after the second process (empty: nothing)."""

    delay_s: float
    died: bool  # False: the work was done before the kill came
    num_shards: int  # that stood when the process died
    num_units: int  # that were marked as done then
    faults: tuple[str, ...]


def start(folder: Path, workers: int, project: Mapping[str, Any] = PROJECT) -> ForkServerProcess:
    """Verifies in a process of its own, which has its libraries loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    process = context.Process(target=_verify, args=(folder, workers, dict(project)))
    process.start()
    return process


def _verify(folder: Path, workers: int, project: dict[str, Any]) -> None:
    file = os.open(folder.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    verify_project(folder, open_executor("local", workers), teacher=FixedTeacher(_PAUSE_S), **project)


def to_end(folder: Path, workers: int, project: Mapping[str, Any] = PROJECT) -> float:
    """Verifies without a kill and returns the seconds it took. RuntimeError, with the end of what it said, where it fails."""
    started = time.monotonic()
    process = start(folder, workers, project)
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"exit code {process.exitcode}: {folder.with_suffix('.log').read_text(encoding='utf-8')[-2000:]}")
    return time.monotonic() - started


def faults_of(folder: Path, expected: dict[str, bytes]) -> list[str]:
    """What is wrong with a finished ledger; `expected` are the bytes of the unkilled one's files."""
    found = hashed_files(folder)
    faults = [f"{name} differs" for name in sorted(found | expected) if found.get(name) != expected.get(name)]
    with Ledger(folder / "ledger") as ledger:
        told = audit(ledger)
        faults += told["faults"]
        done = Counter((row["check"], row["config"], row["record"]) for row in ledger.all_rows("verdict"))
    faults += [f"{unit} was done {number} times" for unit, number in done.items() if number > 1]
    if told["input"] != sum(told[name] for name in ("accepted", "rejected", "quarantined", "failed")):
        faults.append("the decisions do not add up")
    return faults


def kill_once(folder: Path, workers: int, delay_s: float, expected: dict[str, bytes], project: Mapping[str, Any] = PROJECT) -> Killed:
    """Kills a fresh verification in `folder` after `delay_s`, goes on with it to its end, and compares with what an unkilled one left."""
    process = start(folder, workers, project)
    process.join(delay_s)
    process.kill()
    process.join()
    num_shards = len([*folder.glob("ledger/*/*.parquet")])
    num_units = _num_units(folder)
    to_end(folder, workers, project)
    return Killed(delay_s, process.exitcode != 0, num_shards, num_units, tuple(faults_of(folder, expected)))


def _num_units(folder: Path) -> int:
    """Also of a ledger that a kill left without an index, or with an empty one: 0."""
    try:
        with closing(sqlite3.connect(f"file:{folder}/ledger/index.sqlite?mode=rw", uri=True)) as index:
            return index.execute("SELECT count(*) FROM unit").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def main() -> None:
    """Prints a line a kill and ends with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=50, help="over all numbers of workers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    options = parser.parse_args()
    moments, num_wrong = random.Random(options.seed), 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        to_end(folder / "warm", 1)
        to_end(folder / "reference", 1)
        expected = hashed_files(folder / "reference")
        seconds = {workers: to_end(folder / f"whole-{workers}", workers) for workers in options.workers}
        for workers in options.workers:
            faults = faults_of(folder / f"whole-{workers}", expected)
            num_wrong += bool(faults)
            told = "; ".join(faults) or f"{len(expected)} files, identical"
            print(f"unkilled, {workers} workers: {seconds[workers]:.1f} s: {told}", flush=True)
        for number in range(options.kills):
            workers = options.workers[number % len(options.workers)]
            found = kill_once(folder / f"kill-{number}", workers, moments.uniform(0, seconds[workers]), expected)
            num_wrong += bool(found.faults)
            died = f"died with {found.num_shards} shards and {found.num_units} units" if found.died else "was done"
            told = "; ".join(found.faults) or "identical"
            print(f"kill {number + 1}, {workers} workers, after {found.delay_s:.2f} s: {died}, then {told}", flush=True)
    print(f"{options.kills} kills, {num_wrong} faulty")
    sys.exit(bool(num_wrong))


if __name__ == "__main__":
    main()
