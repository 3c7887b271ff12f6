"""What happens in each scenario, without words: the numbers and days that are drawn, and the answer to each question with three others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal

Kind = Literal["person", "number", "weekday", "time", "thing"]

PEOPLE = "abcd"  # placeholders of the four people
THINGS = "pqrs"  # and of the four things


@dataclass(frozen=True, slots=True)
class Answer:
    """The right value and three others: places of people or things, whole numbers, weekdays from 0 (Monday), or minutes of a day."""

    kind: Kind
    right: int
    others: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class World:
    """Values of placeholders (`w` weekday, `t` minutes, `o` which outcome, `n` and `k` numbers), and the answers by question."""

    answers: Mapping[str, Answer]
    values: Mapping[str, int] = field(default_factory=dict[str, int])


def _one_of_four(kind: Kind, right: int) -> Answer:
    return Answer(kind, right, tuple(place for place in range(4) if place != right))


def _person(letter: str) -> Answer:
    return _one_of_four("person", PEOPLE.index(letter))


def _thing(letter: str) -> Answer:
    return _one_of_four("thing", THINGS.index(letter))


def _number(random: Random, right: int, *tempting: int) -> Answer:
    """The tempting values first, then neighbours."""
    near = [right + step for step in random.sample([-3, -2, -1, 1, 2, 3], 6)]
    others = [value for value in dict.fromkeys((*tempting, *near)) if value not in (right, 0) and value > 0]
    return Answer("number", right, tuple(others[:3]))


def _weekday(random: Random, right: int, *tempting: int) -> Answer:
    rest = random.sample(range(7), 7)
    others = [day for day in dict.fromkeys((*(day % 7 for day in tempting), *rest)) if day != right % 7]
    return Answer("weekday", right % 7, tuple(others[:3]))


def _arrival(random: Random) -> World:
    return World({"third": _person("a"), "last": _person("c")})


def _height(random: Random) -> World:
    return World({"tallest": _person("d"), "third": _person("b")})


def _report(random: Random) -> World:
    return World({"never": _person("d"), "late": _person("b")})


def _umbrella(random: Random) -> World:
    return World({"owner": _person("a"), "house": _person("d")})


def _meeting(random: Random) -> World:
    day, later = random.randrange(7), random.randint(2, 5)
    return World({"day": _weekday(random, day + later - 1, day, day + later, day + later + 1)}, {"w": day, "n": later})


def _market(random: Random) -> World:
    apples = random.randint(5, 12)
    given = random.randint(2, apples - 1)
    pears = 2 * apples - given
    answers = {"pears": _number(random, pears, 2 * apples, apples - given), "fruit": _number(random, apples + pears, 3 * apples, pears)}
    return World(answers, {"n": apples, "k": given})


def _professor(random: Random) -> World:
    day = random.randrange(7)
    return World({"asked": _person("b"), "away": _person("a"), "back": _weekday(random, day)}, {"w": day})


def _train(random: Random) -> World:
    leaves, takes, late = 60 * random.randint(10, 20) + 5 * random.randint(1, 11), random.randint(35, 58), random.randint(6, 19)
    arrives = leaves + takes + late
    others = (arrives - late, arrives - 2 * late, arrives + 10)
    return World({"arrives": Answer("time", arrives, others)}, {"t": leaves, "n": takes, "k": late})


def _key(random: Random) -> World:
    return World({"looks": _thing("p"), "lies": _thing("r")})


def _outing(random: Random) -> World:
    outcome = random.randrange(3)
    return World({"went": _thing(THINGS[outcome])}, {"o": outcome})


def _books(random: Random) -> World:
    first = random.randint(6, 19)
    fewer = random.randint(2, 5)
    second, third = 2 * first, 2 * first - fewer
    total = first + second + third
    answers = {
        "few": _number(random, third, first - fewer, second, second + fewer),
        "all": _number(random, total, first + second, total + fewer),
    }
    return World(answers, {"n": first, "k": fewer})


WORLDS: dict[str, Callable[[Random], World]] = {
    "arrival": _arrival,
    "height": _height,
    "report": _report,
    "umbrella": _umbrella,
    "meeting": _meeting,
    "market": _market,
    "professor": _professor,
    "train": _train,
    "key": _key,
    "outing": _outing,
    "books": _books,
}
