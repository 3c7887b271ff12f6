"""How often a gate passes a student that it should not, and how often it finds what is there: its rules on simulated answers.

`python benchmarks/gate.py` decides 2,500 simulated gates for each case (three to ten minutes on one core) and writes
benchmarks/results/gate.json. False passes are counted where the truth lies exactly on the bound; power is set beside what
`seodang eval power` announces, for retention beside what an inconclusive verdict says would have passed. No model is asked.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seodang.evaluation.rules import POWER, Tested, at_least, decide_family, non_inferior, retained, superior
from seodang.pipeline.collect import machine
from seodang.statistics.intervals import wilson
from seodang.statistics.power import non_inferiority_power, paired_power

ALPHA = 0.025
FLIPS = 1000  # a verdict takes 10,000
RESULT = Path(__file__).parent / "results" / "gate.json"
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Exam:
    """How items are: `together` is the chance that an item's outcome is its cluster's rather than its own."""

    num_items: int
    per_cluster: int = 1
    together: float = 0.0
    num_samples: int = 1

    @property
    def clusters(self) -> list[str]:
        return [str(index // self.per_cluster) for index in range(self.num_items)]


@dataclass(frozen=True)
class Pair:
    """Two arms: the share of the second, the first minus the second, and the share of items that only one of them gets right."""

    share: float
    difference: float
    discordant: float

    @property
    def outcomes(self) -> list[float]:
        """Probabilities of both, first only, second only, neither."""
        first, second = (self.discordant + self.difference) / 2, (self.discordant - self.difference) / 2
        return [self.share - second, first, second, 1 - self.share - first]


def draw(exam: Exam, pair: Pair, generator: np.random.Generator) -> tuple[Scores, Scores]:
    """Scores of both arms, each of shape (num_samples, num_items), with exactly these shares whatever the clusters."""
    shape = (exam.num_samples, exam.num_items)
    own = generator.choice(4, shape, p=pair.outcomes)
    of_cluster = generator.choice(4, -(-exam.num_items // exam.per_cluster), p=pair.outcomes).repeat(exam.per_cluster)[: exam.num_items]
    found = np.where(generator.random(shape) < exam.together, of_cluster, own)
    return np.isin(found, (0, 1)).astype(float), np.isin(found, (0, 2)).astype(float)


def rate(hits: int, draws: int) -> dict[str, Any]:
    """A share of simulations with its 95 % interval."""
    low, high = wilson(hits, draws)
    return {"rate": hits / draws, "interval": [low, high], "draws": draws}


def passes(test: Callable[[np.random.Generator], Sequence[Tested]], draws: int, seed: int) -> tuple[int, int]:
    """In how many simulated gates some rule passed, and in how many all did."""
    generator = np.random.default_rng(seed)
    some = every = 0
    for _ in range(draws):
        outcomes = [outcome for _, outcome in decide_family(test(generator), ALPHA)]
        some += "passed" in outcomes
        every += all(outcome == "passed" for outcome in outcomes)
    return some, every


@dataclass(frozen=True)
class Kept:
    """A retention rule: the teacher's share, the share of items that only one of both gets right, and the bound of student / teacher."""

    exam: Exam
    teacher: float
    discordant: float
    minimum: float

    def pair(self, ratio: float) -> Pair:
        return Pair(self.teacher, (ratio - 1) * self.teacher, self.discordant)

    def decide(self, ratio: float, draws: int, seed: int) -> list[Tested]:
        """What the rule finds in simulated gates where the truth is `ratio`."""
        generator, pair, clusters = np.random.default_rng(seed), self.pair(ratio), self.exam.clusters
        return [retained(*draw(self.exam, pair, generator), clusters, minimum=self.minimum, alpha=ALPHA) for _ in range(draws)]


RETENTIONS = {
    "200 items, teacher .7": Kept(Exam(200), 0.7, 0.25, 0.9),
    "400 items, teacher .4": Kept(Exam(400), 0.4, 0.2, 0.8),
    "200 items, teacher .9": Kept(Exam(200), 0.9, 0.12, 0.9),
    "100 items, teacher .8": Kept(Exam(100), 0.8, 0.3, 0.8),
    "300 items, teacher .3": Kept(Exam(300), 0.3, 0.15, 0.7),
    "800 items, teacher .5": Kept(Exam(800), 0.5, 0.3, 0.95),
    "100 clusters of 4, correlated .25": Kept(Exam(400, 4, 0.5), 0.6, 0.3, 0.9),
    "150 clusters of 2, correlated .64": Kept(Exam(300, 2, 0.8), 0.5, 0.2, 0.9),
    "60 clusters of 5, correlated .25": Kept(Exam(300, 5, 0.5), 0.6, 0.25, 0.8),
    "200 items, 4 samples, correlated .25": Kept(Exam(200, 1, 0.5, 4), 0.6, 0.3, 0.9),
}

EXAMS = {
    "200 items": Exam(200),
    "800 items": Exam(800),
    "100 clusters of 4": Exam(400, 4, 0.5),
    "200 items, 4 samples": Exam(200, 1, 0.5, 4),
}


def on_the_bound(exam: Exam) -> dict[str, Callable[[np.random.Generator], list[Tested]]]:
    """Each rule with a truth exactly on its bound, and families of which nothing is true."""
    clusters = exam.clusters

    def alone(rule: Callable[[Scores, Scores], Tested], pair: Pair) -> Callable[[np.random.Generator], list[Tested]]:
        return lambda generator: [rule(*draw(exam, pair, generator))]

    better: Callable[[Scores, Scores], Tested] = lambda a, b: superior(a, b, clusters, flips=FLIPS)  # noqa: E731
    kept: Callable[[Scores, Scores], Tested] = lambda a, b: non_inferior(a, b, clusters, margin=0.05, flips=FLIPS)  # noqa: E731
    above: Callable[[Scores, Scores], Tested] = lambda a, _: at_least(a, clusters, threshold=0.6)  # noqa: E731
    retains: Callable[[Scores, Scores], Tested] = lambda a, b: retained(a, b, clusters, minimum=0.9)  # noqa: E731
    same, lost, sixty, ninety = Pair(0.6, 0.0, 0.2), Pair(0.6, -0.05, 0.2), Pair(0.6, 0.0, 0.2), Pair(0.7, -0.07, 0.25)
    return {
        "superior": alone(better, same),
        "non_inferior": alone(kept, lost),
        "at_least": alone(above, sixty),
        "retention": alone(retains, ninety),
        "family of 4 superior": lambda generator: [better(*draw(exam, same, generator)) for _ in range(4)],
        "family of all 4 rules": lambda generator: [
            rule(*draw(exam, pair, generator)) for rule, pair in ((better, same), (kept, lost), (above, sixty), (retains, ninety))
        ],
    }


def false_passes(exam: Exam, draws: int, seed: int) -> dict[str, Any]:
    """The rate at which any rule passes where none of the claims is true."""
    return {name: rate(passes(test, draws, seed + index)[0], draws) for index, (name, test) in enumerate(on_the_bound(exam).items())}


def regression_passes(exam: Exam, draws: int, seed: int) -> dict[str, Any]:
    """A family of three tasks of which one lost exactly the margin and the others nothing: every one has to pass at alpha."""
    generator = np.random.default_rng(seed)
    pairs = [Pair(0.6, -0.05, 0.2), Pair(0.6, 0.0, 0.05), Pair(0.6, 0.0, 0.05)]
    hits = 0
    for _ in range(draws):
        found = [non_inferior(*draw(exam, pair, generator), exam.clusters, margin=0.05, flips=FLIPS) for pair in pairs]
        hits += all(one.p <= ALPHA for one in found)
    return rate(hits, draws)


def power(num_items: int, draws: int, seed: int) -> list[dict[str, Any]]:
    """How often a rule passes at true effects, beside the announced power."""
    exam, rows = Exam(num_items), list[dict[str, Any]]()
    for difference in (0.03, 0.05, 0.07, 0.1):
        pair = Pair(0.6, difference, 0.2)
        found, _ = passes(lambda generator, pair=pair: [superior(*draw(exam, pair, generator), exam.clusters)], draws, seed)
        case = {"rule": "superior", "n": num_items, "difference": difference}
        rows.append({**case, "announced": paired_power(num_items, 0.2, difference), **rate(found, draws)})
    for difference, margin in ((0.0, 0.05), (0.0, 0.1), (-0.02, 0.08)):
        pair = Pair(0.6, difference, 0.2)

        def kept(generator: np.random.Generator, pair: Pair = pair, margin: float = margin) -> list[Tested]:
            return [non_inferior(*draw(exam, pair, generator), exam.clusters, margin=margin)]

        found, _ = passes(kept, draws, seed)
        case = {"rule": "non_inferior", "n": num_items, "difference": difference, "margin": margin}
        announced = non_inferiority_power(num_items, 0.2, margin, difference=difference)
        rows.append({**case, "announced": announced, **rate(found, draws)})
    return rows


def retention(case: Kept, draws: int, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rate of false passes on the bound; and how often a student passes whose truth is the median of what inconclusive gates on the
    bound say would have passed with 80 %."""
    on_bound = case.decide(case.minimum, draws, seed)
    told = [seen for found in on_bound if found.outcome(found.p, ALPHA) == "inconclusive" and (seen := found.seen_at()) is not None]
    low, ratio, high = (float(value) for value in np.quantile(told, (0.05, 0.5, 0.95)))
    found = case.decide(ratio, draws, seed + 1)
    about = {"rule": "retention", "n": case.exam.num_items, "teacher": case.teacher, "discordant": case.discordant}
    about |= {"minimum": case.minimum, "ratio": ratio, "ratios_told_by_90_percent": [low, high], "announced": POWER}
    passed = [sum(one.p <= ALPHA for one in each) for each in (on_bound, found)]
    return rate(passed[0], draws), {**about, **rate(passed[1], draws)}


def commit() -> str:
    """The commit that is checked out, with a + where files were changed since."""
    command = ["git", "describe", "--always", "--exclude=*", "--dirty=+"]
    return subprocess.run(command, cwd=RESULT.parent, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    """Simulates every case and writes the result."""
    parser = argparse.ArgumentParser(description="False passes and power of a gate's rules on simulated answers.")
    parser.add_argument("--draws", type=int, default=2500)
    draws, started = parser.parse_args().draws, time.monotonic()
    about = {"machine": machine(), "versions": {"numpy": np.__version__}, "commit": commit(), "synthetic": True}
    result: dict[str, Any] = {"command": f"python benchmarks/gate.py --draws {draws}", **about, "alpha_one_sided": ALPHA, "limit": 0.05}
    result["false_passes"] = {}
    for index, (name, exam) in enumerate(EXAMS.items()):
        result["false_passes"][name] = false_passes(exam, draws, 100 * index) | {
            "regression of 3 tasks": regression_passes(exam, draws, 100 * index + 50)
        }
        print(name, {case: row["rate"] for case, row in result["false_passes"][name].items()}, flush=True)
    result["power"] = [row for num_items in (200, 500) for row in power(num_items, draws, 7)]
    result["false_passes"]["retention"] = {}
    for index, (name, case) in enumerate(RETENTIONS.items()):
        result["false_passes"]["retention"][name], found = retention(case, draws, 1000 + 10 * index)
        result["power"].append({"exam": name, **found})
        print(f"retention, {name}: announced {found['announced']}, found {found['rate']}", flush=True)
    rates = [row["rate"] for cases in result["false_passes"].values() for row in cases.values()]
    result["largest_false_pass_rate"] = max(rates)
    result["largest_power_gap_points"] = max(100 * abs(row["rate"] - row["announced"]) for row in result["power"])
    result["seconds"], result["processor_seconds"] = round(time.monotonic() - started), round(time.process_time())
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print({key: result[key] for key in ("largest_false_pass_rate", "largest_power_gap_points", "seconds")})


if __name__ == "__main__":
    main()
