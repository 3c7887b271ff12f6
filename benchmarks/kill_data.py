"""Kills the verification of made-up records at random moments and goes on: its ledger ends as that of an unkilled one, byte for byte.

    python benchmarks/kill_data.py [--kills 50] [--seed 0] [--workers 1 2 4] [--out FILE]

Each kill is a SIGKILL to the process that verifies, at a moment drawn evenly over the time that an unkilled one takes; its worker processes
end by themselves. A kill that came too late is told, not counted, and drawn again. A second process then goes on in the same folder, to the
end. The teacher is fixed: equal calls give equal scores. What must hold: shards and decisions are those of the unkilled verification with
one worker, no unit of work has two verdicts, and accepted + rejected + quarantined + failed = input.
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
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from data_project import FixedTeacher, hashed_files, verify_project
from seodang.core.files import write_json
from seodang.data.engine.open import open_executor
from seodang.data.ledger.audit import audit
from seodang.data.ledger.ledger import Ledger
from seodang.pipeline.collect import machine

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


def run(num_kills: int, seed: int, workers: Sequence[int], folder: Path) -> dict[str, Any]:
    """Prints a line a kill, the numbers of workers in turn, until `num_kills` processes died at work. Returns values that JSON can hold."""
    moments = random.Random(seed)
    to_end(folder / "warm", 1)
    to_end(folder / "reference", 1)
    expected = hashed_files(folder / "reference")
    whole: list[dict[str, Any]] = []
    for number in workers:
        seconds = to_end(folder / f"whole-{number}", number)
        faults = faults_of(folder / f"whole-{number}", expected)
        whole.append({"workers": number, "seconds": round(seconds, 2), "faults": faults})
        print(f"unkilled, {number} workers: {seconds:.1f} s: {'; '.join(faults) or f'{len(expected)} files, identical'}", flush=True)
    rows: list[dict[str, Any]] = []
    while (num_died := sum(row["died"] for row in rows)) < num_kills:
        one = whole[num_died % len(whole)]
        killed = kill_once(folder / f"kill-{len(rows)}", one["workers"], moments.uniform(0, one["seconds"]), expected)
        rows.append({"workers": one["workers"], **asdict(killed)})
        died = f"died with {killed.num_shards} shards and {killed.num_units} units" if killed.died else "was done, not counted"
        told = "; ".join(killed.faults) or "identical"
        print(f"kill {num_died + killed.died}, {one['workers']} workers, after {killed.delay_s:.2f} s: {died}, then {told}", flush=True)
    died_at = Counter(row["workers"] for row in rows if row["died"])
    return {
        "project": PROJECT,
        "num_files": len(expected),
        "unkilled": whole,
        "num_killed": sum(died_at.values()),
        "killed_by_workers": {str(number): died_at[number] for number in workers},
        "num_too_late": sum(not row["died"] for row in rows),
        "num_faulty": sum(bool(row["faults"]) for row in [*whole, *rows]),
        "kills": rows,
    }


def main() -> None:
    """Prints, and writes where it is asked to; ends with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=50, help="of processes at work, over all numbers of workers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--out", type=Path, help="a file for the JSON")
    given = parser.parse_args()
    before = os.getloadavg()
    with tempfile.TemporaryDirectory() as temporary:
        found = run(given.kills, given.seed, given.workers, Path(temporary))
    if given.out:
        load = {"load_before": before, "load_after": os.getloadavg()}
        command = " ".join(["python", *sys.argv])
        write_json(given.out, {"machine": machine(), "command": command, **load, "synthetic": True, "seed": given.seed, **found})
    print(f"{found['num_killed']} killed at work, {found['num_too_late']} too late, {found['num_faulty']} faulty")
    sys.exit(bool(found["num_faulty"]))


if __name__ == "__main__":
    main()
