"""The check of tool calls on the Berkeley Function Calling Leaderboard: right calls replayed, and right calls with one fault put in.

    python benchmarks/tool_calls.py [--categories simple_python multi_turn_base …] [--seed 0] [--json FILE]

Every right answer of the benchmark must be accepted. Answers with a fault that are not rejected are listed one by one. Where there is a
state, a change that the benchmark's own checker of end states accepts (an order that does not matter) is no fault and is counted apart.
That checker also compares what calls answered that changed the state, and how often the same was read; ours compares the states and
whether it was read. So a flight that is booked and cancelled, or not booked at all, is one to us and two to the benchmark.
PyPI `bfcl-eval`, installed without dependencies.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from oracles import bfcl
from oracles.bfcl_corruptions import accepted_by_benchmark, corrupted
from seodang.data.verify.context import bare_context
from seodang.data.verify.section import VerifySection
from seodang.data.verify.tool_calls import tool_calls
from seodang.statistics.intervals import wilson


def measure(category: str, seed: int) -> dict[str, Any]:
    """One category: how many right answers and how many of each kind of fault are accepted."""
    tasks = bfcl.multi_turn(category) if category in bfcl.MULTI_TURN else list(bfcl.all_tasks((category,)))
    cases = [(task, kind, calls) for task in tasks for kind, calls in corrupted(task, seed)]
    records = [bfcl.record_of(task) for task in tasks] + [bfcl.record_of(task, calls) for task, _, calls in cases]
    start = time.perf_counter()
    with bare_context(VerifySection(tool_environments=(bfcl.ENVIRONMENT,))) as context:
        verdicts = tool_calls(records, context)
    seconds = time.perf_counter() - start
    faults: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    rejected = equal_rejected = 0
    accepted: list[dict[str, Any]] = []
    for (task, kind, calls), verdict in zip(cases, verdicts[len(tasks) :], strict=True):
        same = "initial_state" in task.truth and accepted_by_benchmark(task, calls, f"{task.id} {kind}")
        (equal if same else faults)[kind] += 1
        rejected += not same and verdict.outcome == "fail"
        equal_rejected += same and verdict.outcome == "fail"
        if not same and verdict.outcome != "fail":
            told = [[f"{call.name} {json.dumps(call.arguments)[:120]}" for call in turn] for turn in calls]
            accepted.append({"task": task.id, "fault": kind, "outcome": verdict.outcome, "calls": told})
    return {
        "category": category,
        "tasks": len(tasks),
        "right_accepted": sum(verdict.outcome == "pass" for verdict in verdicts[: len(tasks)]),
        "widened": {task.id: list(task.widened) for task in tasks if task.widened},
        "faults": sum(faults.values()),
        "faults_by_kind": dict(faults),
        "faults_rejected": rejected,
        "faults_accepted": accepted,
        "no_fault": sum(equal.values()),  # the benchmark's own checker accepts them: an order that does not matter, an unused value
        "no_fault_by_kind": dict(equal),
        "no_fault_rejected": equal_rejected,
        "records_s": round(len(records) / seconds, 1),
    }


def main() -> None:
    """Prints a line a category and the sums; writes all of it as JSON."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = (*bfcl.SINGLE_TURN, *bfcl.IRRELEVANT, *bfcl.MULTI_TURN)
    options.add_argument("--categories", nargs="+", default=list(known), choices=known, metavar="NAME")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    rows: list[dict[str, Any]] = []
    for category in given.categories:
        rows.append(measure(category, given.seed))
        row = rows[-1]
        print(
            f"{category:<26} right accepted {row['right_accepted']}/{row['tasks']}, "
            f"faults rejected {row['faults_rejected']}/{row['faults']}, {row['records_s']} records/s",
            flush=True,
        )
    tasks, right = sum(row["tasks"] for row in rows), sum(row["right_accepted"] for row in rows)
    faults, rejected = sum(row["faults"] for row in rows), sum(row["faults_rejected"] for row in rows)
    low, high = wilson(rejected, faults)
    print(f"right answers accepted: {right} of {tasks}")
    print(f"answers with a fault rejected: {rejected} of {faults} ({rejected / faults:.2%}, 95 % {low:.2%} to {high:.2%})")
    print(f"changed, but right for the benchmark's own checker: {sum(row['no_fault'] for row in rows)}")
    for one in (one for row in rows for one in row["faults_accepted"]):
        print(f"  {one['outcome']}: {one['task']}, {one['fault']}: {str(one['calls'])[:400]}")
    if given.json:
        machine = {"python": platform.python_version(), "cpus": os.cpu_count(), "bfcl-eval": importlib.metadata.version("bfcl-eval")}
        sums = {"tasks": tasks, "right_accepted": right, "faults": faults, "faults_rejected": rejected, "interval": [low, high]}
        told = {"command": "python benchmarks/tool_calls.py --json benchmarks/results/tool_calls.json", "seed": given.seed}
        given.json.write_text(json.dumps({**told, "machine": machine, **sums, "categories": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
