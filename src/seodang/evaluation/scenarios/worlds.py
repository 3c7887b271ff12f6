"""What happens in each scenario, without words: who did what, numbers and days, in which order it is told, and the answer to each question
with three others. All of it is drawn, so that no place in a text is that of the right answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
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
    """The facts in the order in which they are told, each by its name in the texts with the people that are its {x} and {y}; the answers by
    question; and values of placeholders (`w` weekday, `t` minutes, `n` and `k` numbers)."""

    facts: tuple[tuple[str, str], ...]
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


def _order(random: Random, ways: tuple[str, str], questions: tuple[str, str, str, str]) -> World:
    """Who stands where in an order of the four, told by its neighbours; two of the four places are asked for."""
    order = random.sample(PEOPLE, 4)
    facts = [(random.choice(ways), left + right) for left, right in pairwise(order)]
    asked = sorted(random.sample(range(4), 2))
    return World(_shuffled(random, facts), {questions[place]: _person(order[place]) for place in asked})


def _shuffled(random: Random, facts: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(random.sample(facts, len(facts)))


def _told(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, "") for name in names)


def _arrival(random: Random) -> World:
    return _order(random, ("before", "after"), ("first", "second", "third", "last"))


def _height(random: Random) -> World:
    return _order(random, ("taller", "not_as_tall"), ("tallest", "second", "third", "shortest"))


def _report(random: Random) -> World:
    facts = _shuffled(random, [("in_time", "a"), ("late", "b"), ("in_time", "c"), ("never", "d")])
    return World(facts, {"never": _person("d"), "late": _person("b")})


def _umbrella(random: Random) -> World:
    where, ends = random.choice([("d", "left"), ("c", "kept")])
    facts = _told(random.choice(["lent", "borrowed"]), random.choice(["passed", "taken"]), ends)
    return World(_shuffled(random, facts), {"owner": _person("a"), "house": _person(where)})


def _meeting(random: Random) -> World:
    day, later, moved = random.randrange(7), random.randint(2, 5), random.choice([-1, 1])
    right = day + later + moved
    answer = _weekday(random, right, day, day + later, day + later - moved)
    return World(_told("planned", "put_off", "earlier" if moved < 0 else "later"), {"day": answer}, {"w": day, "n": later})


def _market(random: Random) -> World:
    apples = random.randint(5, 12)
    moved, sign = random.randint(2, apples - 1), random.choice([-1, 1])
    pears = 2 * apples + sign * moved
    answers = {
        "pears": _number(random, pears, 2 * apples, apples + sign * moved),
        "fruit": _number(random, apples + pears, 3 * apples, pears),
    }
    return World(_told("bought", "gave" if sign < 0 else "got"), answers, {"n": apples, "k": moved})


def _professor(random: Random) -> World:
    day, (asked, away, talk) = random.randrange(7), random.choice([("b", "a", "student_asks"), ("a", "b", "professor_asks")])
    facts = (*_shuffled(random, _told(random.choice(["office", "visit"]), "gone")), *_told(talk))
    return World(facts, {"asked": _person(asked), "away": _person(away), "back": _weekday(random, day)}, {"w": day})


def _train(random: Random) -> World:
    leaves, takes, late = 60 * random.randint(10, 20) + 5 * random.randint(1, 11), random.randint(35, 58), random.randint(6, 19)
    on_time, delayed = leaves + takes, leaves + takes + late
    right, ends = random.choice([(delayed, "late"), (on_time, "made_up")])
    others = (on_time if right == delayed else delayed, on_time - late, delayed + 10)
    return World(_told("plan", ends, "waits"), {"arrives": Answer("time", right, others)}, {"t": leaves, "n": takes, "k": late})


def _key(random: Random) -> World:
    looks, first = random.choice([("p", "away"), ("q", "watched")])
    lies, then = random.choice([("r", "moved"), ("q", "stayed")])
    return World(_told("put", first, then, "back"), {"looks": _thing(looks), "lies": _thing(lies)})


def _outing(random: Random) -> World:
    where, happened = random.choice([("p", "rained"), ("q", "drove"), ("r", "walked")])
    return World((*_shuffled(random, _told("wet", "dry", "never")), *_told(happened, "kept")), {"went": _thing(where)})


def _books(random: Random) -> World:
    first, by, sign = random.randint(6, 19), random.randint(2, 5), random.choice([-1, 1])
    second, third = 2 * first, 2 * first + sign * by
    total = first + second + third
    answers = {
        "third": _number(random, third, first + sign * by, second, second - sign * by),
        "all": _number(random, total, first + second, total - sign * by),
    }
    return World(_told("first", "fewer" if sign < 0 else "more"), answers, {"n": first, "k": by})


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
