"""Kills evaluations at random moments and runs them again, many times: their files are those of unkilled ones, byte for byte.

    python benchmarks/kill_eval.py [--kills 20] [--seed 0] [--model SPEC] [--task exam] [--option files=packs/general] [--json FILE]

Each kill is a SIGKILL to the process of `seodang eval run`, at a moment drawn evenly over what an unkilled run asks: so many batches, and a
part of the time that one takes. Without --task, exam questions of one turn and two tasks of several turns are killed, `--kills` times each;
of those, kills count that came while conversations were under way. Without --model a model with random weights answers. Several samples
each, at temperature 0.7.
"""

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from kill import start_command
from seodang.core.files import read_json_lines
from seodang.evaluation.run import task_items
from seodang.evaluation.task import Ask, find_task
from seodang.pipeline.asked_tasks import parse_options
from seodang.pipeline.collect import machine
from seodang.pipeline.workspace import Workspace
from small_project import make_random_model

_PRELOADED = ["torch", "transformers", "seodang.models.local", "seodang.pipeline.evaluate", "seodang.evaluation.tasks.exam"]
_FILES = ("items.jsonl", "results.jsonl")
_CONTEXT = 16_384  # tokens; the agent's policy and tools are about 6,000 of them


@dataclass(frozen=True, slots=True)
class Case:
    """A task and how it is asked."""

    task: str
    options: tuple[str, ...]
    limit: int | None = None
    batch_size: int = 16
    samples: int = 3

    def arguments(self, model: str, runs: str) -> list[str]:
        told = ["--batch-size", str(self.batch_size), "--samples", str(self.samples), "--temperature", "0.7"]
        told += [part for option in self.options for part in ("--option", option)]
        told += [] if self.limit is None else ["--limit", str(self.limit)]
        return ["eval", "run", "--model", model, "--task", self.task, "--runs", runs, *told]


CASES = (
    Case("telecom_agent", ("split=small", "max_new_tokens=12", "max_steps=6"), 4, 2, 2),
    Case("tool_calls", ("categories=multi_turn_base", "max_new_tokens=12", "max_steps=4"), 6, 3, 2),
    Case("exam", ("files=packs/general",)),
)


def start(arguments: list[str], out: Path) -> ForkServerProcess:
    """`seodang eval run` into the folder `out`."""
    return start_command([*arguments, "--out", str(out)], out.with_suffix(".log"), _PRELOADED)


def finish(arguments: list[str], out: Path) -> None:
    """Runs to the end; RuntimeError with the end of what it said where it fails."""
    process = start(arguments, out)
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"exit code {process.exitcode}: {out.with_suffix('.log').read_text(encoding='utf-8')[-2000:]}")


def make_wide_model(folder: Path, case: Case, runs: str) -> Path:
    """A random model of one layer and one head with room for conversations, and with a tokenizer made of the texts that begin them."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    task = find_task(case.task)
    options = parse_options(task, case.options, limit=case.limit)
    first = [next(task.solve(item, options)) for item in task_items(task, options, Workspace(Path(runs)).store)]
    texts = [message.content for request in first if isinstance(request, Ask) for message in request.messages]
    small = make_random_model(folder)
    tokenizer = AutoTokenizer.from_pretrained(small).train_new_from_iterator(texts, 4000)
    config = AutoConfig.from_pretrained(small)
    config.vocab_size, config.max_position_embeddings = len(tokenizer), _CONTEXT
    config.num_hidden_layers, config.num_attention_heads, config.num_key_value_heads = 1, 1, 1
    config.hidden_size, config.intermediate_size, config.head_dim = 16, 16, 16
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def contents(out: Path) -> dict[str, str]:
    """The SHA-256 of what an evaluation found, and its manifest but for the time it took."""
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    told = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in _FILES}
    return told | {"manifest": json.dumps({name: value for name, value in manifest.items() if name != "measured"}, sort_keys=True)}


def turns_of_batches(out: Path, batch_size: int) -> list[list[int]]:
    """How often the model spoke to each item, batch by batch, in the order in which batches were asked."""
    rows = read_json_lines(out / "results.jsonl")
    found: list[list[int]] = []
    for sample in sorted({row["sample"] for row in rows}):
        spoken = [sum(one.get("role") == "assistant" for one in row["transcript"]) for row in rows if row["sample"] == sample]
        found += [spoken[first : first + batch_size] for first in range(0, len(spoken), batch_size)]
    return found


def asked(out: Path) -> int:
    """Whole lines in the journal of what a model said: turns of batches that a kill did not lose."""
    return sum(path.read_bytes().count(b"\n") for path in (out / "partial").glob("*.jsonl"))


def wait_for(num_batches: int, out: Path, process: ForkServerProcess) -> None:
    """Waits until so many batches were answered, or the process ended."""
    while process.is_alive() and asked(out) < num_batches:
        time.sleep(0.002)


def kill_once(arguments: list[str], out: Path, moment: float, batch_s: float, reference: dict[str, str]) -> dict[str, Any]:
    """Kills after `moment` batches, of which a part stands for a part of `batch_s`, runs it to its end, and compares."""
    process = start(arguments, out)
    wait_for(int(moment), out, process)
    process.join(moment % 1 * batch_s)
    was_alive = process.is_alive()
    process.kill()
    process.join()
    kept = asked(out)
    finish(arguments, out)
    found = contents(out)
    differing = [name for name, value in reference.items() if found.get(name) != value]
    return {"moment": round(moment, 2), "killed_at_work": was_alive, "batches_kept": kept, "batches": asked(out), "differing": differing}


def kill_case(case: Case, model: str, runs: str, kills: int, moments: random.Random, folder: Path) -> dict[str, Any]:
    """Kills one evaluation until `kills` of them came at work and, where items have several turns, inside of conversations."""
    arguments = case.arguments(model, runs)
    finish(arguments, folder / "warm")
    whole = folder / "whole"
    process = start(arguments, whole)
    wait_for(1, whole, process)
    began = time.monotonic()
    process.join()
    seconds, reference, num_batches = time.monotonic() - began, contents(whole), asked(whole)
    batches, errors = turns_of_batches(whole, case.batch_size), json.loads(reference["manifest"])["summary"]["num_errors"]
    turns = [number for batch in batches for number in batch]
    several = max(turns) > 1
    ends = set(accumulate(max(batch) for batch in batches))  # journal lines after which no conversation is under way
    told = {"task": case.task, "options": list(case.options), "limit": case.limit, "samples": case.samples, "errors": errors}
    told |= {"batch_size": case.batch_size, "conversations": len(turns), "turns": [min(turns), sum(turns) / len(turns), max(turns)]}
    print(f"{case.task} unkilled: {num_batches} batches, turns {told['turns']}, {seconds:.1f} s after the first", flush=True)
    rows: list[dict[str, Any]] = []
    while sum(row["killed_at_work"] and (row["inside_conversations"] or not several) for row in rows) < kills:
        moment = moments.uniform(1, num_batches)
        row = kill_once(arguments, folder / f"kill-{len(rows)}", moment, seconds / num_batches, reference)
        row["inside_conversations"] = several and row["killed_at_work"] and row["batches_kept"] not in ends
        rows.append(row)
        words = "identical" if not row["differing"] else f"differs: {', '.join(row['differing'])}"
        at = f"{row['batches_kept']} of {row['batches']} batches kept" if row["killed_at_work"] else "it had ended already"
        at += ", inside conversations" if row["inside_conversations"] else ""
        print(f"{case.task}, kill {len(rows)}: {at}: {words}", flush=True)
    return {**told, "kills": rows, "wrong": sum(bool(row["differing"]) for row in rows)}


def chosen_cases(task: str | None, options: Sequence[str]) -> tuple[Case, ...]:
    """All cases, or a task by its name: as its case asks it, or with options of one's own."""
    if task is None and not options:
        return CASES
    found = [case for case in CASES if case.task == (task or "exam") and not options]
    return tuple(found) or (Case(task or "exam", tuple(options)),)


def main() -> None:
    """Prints a line a kill and ends with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model")
    parser.add_argument("--task")
    parser.add_argument("--option", action="append", default=[])
    parser.add_argument("--runs", default="runs")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    moments, found = random.Random(options.seed), list[dict[str, Any]]()
    commit = ["git", "describe", "--always", "--exclude=*", "--dirty=+"]
    about = {
        "machine": machine(),
        "command": f"python benchmarks/kill_eval.py {' '.join(sys.argv[1:])}".strip(),
        "commit": subprocess.run(commit, cwd=Path(__file__).parent, check=True, capture_output=True, text=True).stdout.strip(),
        "synthetic": options.model is None,
    }
    with tempfile.TemporaryDirectory() as temporary:
        for case in chosen_cases(options.task, options.option):
            folder = Path(temporary) / case.task
            folder.mkdir()
            model = options.model or str(
                make_random_model(folder / "model") if case.task == "exam" else make_wide_model(folder / "model", case, options.runs)
            )
            found.append(kill_case(case, model, options.runs, options.kills, moments, folder))
    num_kills, wrong = sum(len(case["kills"]) for case in found), sum(case["wrong"] for case in found)
    inside = sum(row["inside_conversations"] for case in found for row in case["kills"])
    print(
        f"{num_kills - wrong} of {num_kills} are identical to the unkilled one; {inside} were killed inside conversations of several turns"
    )
    if options.json is not None:
        told = {**about, "cases": found, "num_kills": num_kills, "inside_conversations": inside, "wrong": wrong}
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
