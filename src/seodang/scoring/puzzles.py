"""Problems of arithmetic and logic from the generators of reasoning-gym (Apache-2.0), each with its exact answer.

A problem is made again from its generator, settings, seed and index, so nothing of it need be trusted: the check `puzzle` does so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from seodang.core.errors import InputError
from seodang.core.hashing import canonical_json


@dataclass(frozen=True, slots=True)
class Problem:
    """A question, what its answer is checked against, and one way to write the answer."""

    question: str
    answer: str
    truth: Mapping[str, Any]
    generator: str


@dataclass(frozen=True, slots=True)
class Generator:
    """A generator of reasoning-gym under its own name, with settings that say how hard it is; whether its answers are numbers."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    number: bool = True


EASY: tuple[Generator, ...] = (
    Generator("chain_sum", {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2}),
    Generator("basic_arithmetic", {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1, "operators": ["+", "-", "*"]}),
    Generator("products", {"min_digits": 1, "max_digits": 1}),
    Generator("gcd", {"min_value": 2, "max_value": 20}),
    Generator("lcm", {"min_value": 2, "max_value": 10}),
    Generator("leg_counting", {"min_animals": 1, "max_animals": 2, "min_instances": 1, "max_instances": 4}),
    Generator("simple_equations", {"min_terms": 2, "max_terms": 2, "min_value": 1, "max_value": 10}),
    Generator("number_sequence", {"min_value": 0, "max_value": 20, "max_complexity": 1}),
    Generator("fraction_simplification", {"min_value": 1, "max_value": 9, "min_factor": 2, "max_factor": 5, "styles": ["plain"]}),
    Generator(
        "decimal_chain_sum",
        {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1, "min_decimal_places": 1, "max_decimal_places": 1},
    ),
    Generator("letter_counting", {"min_words": 1, "max_words": 3}),
    Generator("count_bits", {"min_n": 1, "max_n": 31}),
    Generator("simple_geometry", {"min_sides": 3, "max_sides": 3}),
    Generator("calendar_arithmetic", {"tasks": ["is_leap_year"]}, number=False),
    Generator("syllogism", {}, number=False),
    Generator("knights_knaves", {"n_people": 2}, number=False),
    Generator("family_relationships", {}, number=False),
)


def puzzles(generators: Sequence[Generator], num_each: int, seed: int) -> list[Problem]:
    """`num_each` different problems of each generator, in order; fewer where it has no more within ten times as many."""
    found: list[Problem] = []
    for generator in generators:
        problems: dict[str, Problem] = {}
        for index in range(10 * num_each):
            problem = _problem(generator, seed, index)
            problems.setdefault(problem.question, problem)
            if len(problems) == num_each:
                break
        found += problems.values()
    return found


def _problem(generator: Generator, seed: int, index: int) -> Problem:
    entry = make_entry(generator.name, generator.settings, seed, index)
    source = {"generator": generator.name, "settings": dict(generator.settings), "seed": seed, "index": index}
    truth: dict[str, Any] = {"puzzle": source}
    if generator.number:
        truth["final_answer"] = str(entry["answer"])
    return Problem(str(entry["question"]).strip(), str(entry["answer"]), truth, generator.name)


def make_entry(name: str, settings: Mapping[str, Any], seed: int, index: int) -> dict[str, Any]:
    """One item of a generator, as the generator gives it. InputError for a generator or settings that reasoning-gym does not know."""
    return _dataset(name, canonical_json(dict(settings)), seed)[index]


def score(name: str, settings: Mapping[str, Any], seed: int, index: int, answer: str) -> float:
    """What the generator's own `score_answer` gives an answer: 1 for a right one. 0 where it cannot read it."""
    dataset = _dataset(name, canonical_json(dict(settings)), seed)
    try:
        return float(dataset.score_answer(answer, dataset[index]))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, ZeroDivisionError):
        return 0.0


@lru_cache(maxsize=64)
def _dataset(name: str, settings: str, seed: int) -> Any:
    import json

    import reasoning_gym

    try:
        return reasoning_gym.create_dataset(name, seed=seed, size=1_000_000, **json.loads(settings))
    except (ValueError, TypeError, AssertionError) as error:
        raise InputError(
            f"reasoning-gym has no generator `{name}` with these settings ({error})", hint="use a name and settings of its documentation"
        ) from error
