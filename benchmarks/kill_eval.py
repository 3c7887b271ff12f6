"""Kills an evaluation at a random moment and runs it again, many times: its files are those of an unkilled one, byte for byte.

    python benchmarks/kill_eval.py [--kills 20] [--seed 0] [--model SPEC] [--task exam] [--option files=packs/general] [--json FILE]

Each kill is a SIGKILL to the process of `seodang eval run`, at a moment drawn evenly over the time that an unkilled run takes once it has
begun to ask. Without --model a model with random weights answers, three samples each at temperature 0.7.
"""

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from kill import start_command
from seodang.pipeline.collect import machine
from small_project import make_random_model

_PRELOADED = ["torch", "transformers", "seodang.models.local", "seodang.pipeline.evaluate", "seodang.evaluation.tasks.exam"]
_FILES = ("items.jsonl", "results.jsonl")


def start(arguments: list[str], out: Path) -> ForkServerProcess:
    """`seodang eval run` into the folder `out`."""
    return start_command([*arguments, "--out", str(out)], out.with_suffix(".log"), _PRELOADED)


def finish(arguments: list[str], out: Path) -> None:
    """Runs to the end; RuntimeError with the end of what it said where it fails."""
    process = start(arguments, out)
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"exit code {process.exitcode}: {out.with_suffix('.log').read_text(encoding='utf-8')[-2000:]}")


def contents(out: Path) -> dict[str, str]:
    """The SHA-256 of what an evaluation found, and its manifest but for the time it took."""
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    told = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in _FILES}
    return told | {"manifest": json.dumps({name: value for name, value in manifest.items() if name != "measured"}, sort_keys=True)}


def asked(out: Path) -> int:
    """Whole lines in the journal of what a model said: batches that a kill did not lose."""
    return sum(path.read_bytes().count(b"\n") for path in (out / "partial").glob("*.jsonl"))


def wait_for_first(out: Path, process: ForkServerProcess) -> float:
    """Seconds until the first batch was answered."""
    began = time.monotonic()
    while process.is_alive() and not asked(out):
        time.sleep(0.005)
    return time.monotonic() - began


def kill_once(arguments: list[str], out: Path, moment: float, seconds: float, reference: dict[str, str]) -> dict[str, Any]:
    """Kills at the share `moment` of an evaluation's time, runs it to its end, and compares."""
    process = start(arguments, out)
    wait_for_first(out, process)
    process.join(moment * seconds)
    was_alive = process.is_alive()
    process.kill()
    process.join()
    kept = asked(out)
    finish(arguments, out)
    found = contents(out)
    differing = [name for name, value in reference.items() if found.get(name) != value]
    return {"moment": round(moment, 4), "killed_at_work": was_alive, "batches_kept": kept, "batches": asked(out), "differing": differing}


def main() -> None:
    """Prints a line a kill and ends with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model")
    parser.add_argument("--task", default="exam")
    parser.add_argument("--option", action="append", default=[])
    parser.add_argument("--runs", default="runs")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = options.model or str(make_random_model(folder / "model"))
        given = options.option or ["files=packs/general"]
        arguments = ["eval", "run", "--model", model, "--task", options.task, "--runs", options.runs, "--batch-size", "16"]
        arguments += ["--samples", "3", "--temperature", "0.7", *(part for option in given for part in ("--option", option))]
        finish(arguments, folder / "warm")
        process = start(arguments, folder / "whole")
        wait_for_first(folder / "whole", process)
        began = time.monotonic()
        process.join()
        seconds, reference = time.monotonic() - began, contents(folder / "whole")
        print(f"unkilled: {asked(folder / 'whole')} batches, {seconds:.1f} s after the first", flush=True)
        rows: list[dict[str, Any]] = []
        while sum(row["killed_at_work"] for row in rows) < options.kills:
            row = kill_once(arguments, folder / f"kill-{len(rows)}", moments.random(), seconds, reference)
            rows.append(row)
            told = "identical" if not row["differing"] else f"differs: {', '.join(row['differing'])}"
            at = f"{row['batches_kept']} of {row['batches']} batches kept" if row["killed_at_work"] else "it had ended already"
            print(f"kill {len(rows)}: {at}: {told}", flush=True)
    wrong = sum(bool(row["differing"]) for row in rows)
    print(f"{len(rows) - wrong} of {len(rows)} are identical to the unkilled one")
    if options.json is not None:
        command = f"python benchmarks/kill_eval.py --kills {options.kills} --seed {options.seed} --json {options.json}"
        told = {"machine": machine(), "command": command, "synthetic": options.model is None, "task": options.task, "options": given}
        options.json.write_text(json.dumps({**told, "kills": rows, "wrong": wrong}, indent=2) + "\n", encoding="utf-8")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
