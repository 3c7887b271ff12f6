"""When is an answer right: our judge, each of its engines, and math-verify as it comes, on pairs of which the truth is known.

    python benchmarks/mathematics.py [--json] [--seed 0] [--out FILE]

The pairs are math-verify's published failures (its issues 14, 26, 37, 60), 200 pairs of Korean numerals and 300 in ordinary notation, made
by a seeded speller that shares nothing with the reader. math-verify as it comes is `verify(parse(gold), parse(answer))`, which knows only
equal and different; it runs in a process that is ended after 20 s of computing. Times are of one run and hold for this machine only.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from oracles.answer_pairs import PUBLISHED, Pair, korean_pairs, ordinary_pairs  # noqa: E402
from seodang.scoring.mathematics.judge import judge  # noqa: E402

_SECONDS = 20


def as_it_comes(pair: Pair) -> str:
    """What math-verify says without anything of ours; "undecided" where it does not come back."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_verify, args=(pair.gold, pair.answer, sender))
    process.start()
    outcome = receiver.recv() if receiver.poll(_SECONDS) else "undecided"
    process.kill()
    process.join()
    return outcome


def _verify(gold: str, answer: str, sender: Any) -> None:
    import logging

    from math_verify import parse, verify

    logging.disable(logging.CRITICAL)
    sender.send("equal" if verify(parse(gold), parse(answer)) else "different")


def count(pairs: Sequence[Pair], ask: Callable[[Pair], str]) -> dict[str, float]:
    """False accepts, false rejects, undecided pairs, those decided rightly, and seconds."""
    start = time.perf_counter()
    said = [(pair, ask(pair)) for pair in pairs]
    seconds = time.perf_counter() - start
    return {
        "pairs": len(pairs),
        "false_accepts": sum(outcome == "equal" and not pair.equal for pair, outcome in said),
        "false_rejects": sum(outcome == "different" and pair.equal for pair, outcome in said),
        "undecided": sum(outcome == "undecided" for _, outcome in said),
        "right": sum(outcome == ("equal" if pair.equal else "different") for pair, outcome in said),
        "seconds": round(seconds, 2),
    }


def main() -> None:
    """Counts, prints and, with `--out`, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    import_module("math_verify")  # before the processes are forked, so that each need not

    rows: dict[str, Any] = {"seed": arguments.seed, "math_verify": version("math-verify"), "sympy": version("sympy")}
    for name, pairs in (("published", PUBLISHED), ("korean", korean_pairs(arguments.seed)), ("ordinary", ordinary_pairs(arguments.seed))):
        rows[name] = {
            "ours": count(pairs, lambda pair: judge(pair.gold, pair.answer).outcome),
            "math_verify_alone": count(pairs, as_it_comes),
        }
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps(rows))
        return
    for name in ("published", "korean", "ordinary"):
        for who, row in rows[name].items():
            print(f"{name:10} {who:18} " + " ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
