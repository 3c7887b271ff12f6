"""Requests with one to three constraints that go together, drawn from a seed, and how an answer is held to them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

import yaml

from seodang.evaluation.constraints.kinds import KINDS, go_together
from seodang.evaluation.korean import with_particle

_PLACE = re.compile(r"\{(?P<name>\w+)(?:\|(?P<pair>[^}]+))?\}")


@dataclass(frozen=True, slots=True)
class Constraint:
    """One demand: a kind and its parameters."""

    kind: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Instruction:
    """A request about a topic with its constraints."""

    topic: str
    index: int
    language: str
    request: str
    constraints: tuple[Constraint, ...]

    @property
    def prompt(self) -> str:
        """What is asked: the request, then each constraint in a sentence."""
        told = [describe(one.kind, one.params, self.language) for one in self.constraints]
        return f"{self.request}\n\n" + "\n".join(f"- {sentence}" for sentence in told)


def instructions(language: str, per_topic: int, most: int, seed: int) -> Iterator[Instruction]:
    """`per_topic` different instructions for each topic, of 1 to `most` constraints. Each kind leads in turn."""
    topics = _texts("topics")
    kinds = [name for name, kind in KINDS.items() if language in kind.languages]
    Random(f"{seed}/{language}/kinds").shuffle(kinds)
    shared = {key: topics[key][language] for key in ("starts_with", "ends_with", "postscript")} | {"loanwords": topics["loanwords"]}
    turn = 0
    for name, topic in topics[language].items():
        for index in range(per_topic):
            random = Random(f"{seed}/{language}/{name}/{index}")
            chosen = _chosen(random, kinds, kinds[turn % len(kinds)], random.randint(1, most))
            drawn = tuple(Constraint(kind, KINDS[kind].draw(random, {**topic, **shared}, language)) for kind in chosen)
            yield Instruction(name, index, language, topic["request"], drawn)
            turn += 1


def _chosen(random: Random, kinds: Sequence[str], first: str, count: int) -> list[str]:
    chosen = [first]
    for kind in random.sample(kinds, len(kinds)):
        if len(chosen) < count and all(go_together(kind, other) for other in chosen):
            chosen.append(kind)
    return chosen


def describe(kind: str, params: Mapping[str, Any], language: str) -> str:
    """A constraint in a sentence of a language."""

    def filled(found: re.Match[str]) -> str:
        value = params[found["name"]]
        word = ", ".join(value) if isinstance(value, list) else str(value)
        bare = re.sub(r"[^\w]+$", "", word)
        return word if not found["pair"] else with_particle(bare, found["pair"])[len(bare) :]

    return _PLACE.sub(filled, _texts("texts")[kind][language])


def keeps(constraint: Constraint, text: str) -> bool:
    """Whether an answer keeps to a constraint; an empty one keeps to none."""
    return bool(text.strip()) and KINDS[constraint.kind].check(text, constraint.params)


def keeps_loosely(constraint: Constraint, text: str) -> bool:
    """The same of the answer as it is, without its first line, its last one or both, and of each of these without asterisks."""
    lines = text.split("\n")
    cut = [text, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return any(keeps(constraint, variant) for part in cut for variant in (part, part.replace("*", "")))


@cache
def _texts(name: str) -> dict[str, Any]:
    return yaml.safe_load(files("seodang.evaluation.constraints").joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
