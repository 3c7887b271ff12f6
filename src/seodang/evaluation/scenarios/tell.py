"""A scenario told in a language: its text, a question, and the four candidates for the answer, in words of that language."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

import yaml

from seodang.evaluation.korean import with_particle
from seodang.evaluation.scenarios.worlds import PEOPLE, THINGS, WORLDS, Answer, Kind

_PLACE = re.compile(r"\{(?P<name>[a-z1-8])(?P<pair>[^{}]*)\}")  # {a}, or in Korean {a은/는}
_LISTED = "1234", "5678"  # placeholders of the four people, and of the four things, in an order that says nothing


@dataclass(frozen=True, slots=True)
class Told:
    """One question about one told scenario. `candidates[0]` is right."""

    scenario: str
    question_name: str
    language: str
    kind: Kind
    prompt: str
    candidates: tuple[str, ...]


def tell(name: str, language: str, seed: int, variant: int) -> list[Told]:
    """Every question about one variant of a scenario. All languages are told what the same world holds, with names of their own."""
    texts, shared = texts_of(name), texts_of("language")
    world = WORLDS[name](Random(f"{seed}/{name}/{variant}"))
    names = Random(f"{seed}/{name}/{variant}/names").sample(range(len(shared["names"][language])), len(PEOPLE))
    things = Random(f"{seed}/{name}/{variant}/things").sample(range(len(THINGS)), len(THINGS))
    people = [shared["names"][language][place] for place in names]
    places = [texts["things"][language][place] for place in things] if "things" in texts else []
    words = {**dict(zip(PEOPLE, people, strict=True)), **dict(zip(THINGS, places, strict=False))}
    order = Random(f"{seed}/{name}/{variant}/order")
    for listed, letters in zip(_LISTED, (PEOPLE, THINGS), strict=True):
        words |= {number: words[letter] for number, letter in zip(listed, order.sample(letters, 4), strict=True) if letter in words}
    for letter, value in world.values.items():
        words[letter] = {"w": lambda value: shared["weekdays"][language][value], "t": clock}.get(letter, str)(value)
    told = [fill(texts["opening"][language], words)] if "opening" in texts else []
    told += [
        fill(texts["facts"][fact][language], {**words, **{place: words[who] for place, who in zip("xy", of, strict=False)}})
        for fact, of in world.facts
    ]
    text = _gap(language).join(told)
    return [
        Told(
            name,
            question,
            language,
            answer.kind,
            f"{text}\n\n{fill(texts['questions'][question][language], words)}{_gap(language)}{shared['asks'][answer.kind][language]}",
            tuple(_in_words(answer, value, people, places, shared["weekdays"][language]) for value in (answer.right, *answer.others)),
        )
        for question, answer in world.answers.items()
    ]


def fill(text: str, words: Mapping[str, str]) -> str:
    """A text with its placeholders filled; a pair of Korean particles becomes the one that fits."""

    def filled(found: re.Match[str]) -> str:
        word = words[found["name"]]
        return with_particle(word, found["pair"]) if found["pair"] else word

    return _PLACE.sub(filled, text)


def _gap(language: str) -> str:
    """What stands between two sentences."""
    return "" if language in ("zh", "ja") else " "


def clock(minutes: int) -> str:
    """Minutes since midnight as 09:05."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _in_words(answer: Answer, value: int, people: Sequence[str], things: Sequence[str], weekdays: Sequence[str]) -> str:
    match answer.kind:
        case "person":
            return people[value]
        case "thing":
            return things[value]
        case "weekday":
            return weekdays[value]
        case "time":
            return clock(value)
        case "number":
            return str(value)


@cache
def texts_of(name: str) -> dict[str, Any]:
    """The texts of one scenario, or of `language`."""
    return yaml.safe_load(files("seodang.evaluation.scenarios").joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
