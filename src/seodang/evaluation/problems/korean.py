"""Korean problems of our own templates, at three levels."""

from collections.abc import Callable, Iterator, Mapping
from random import Random

from seodang.evaluation.problems import korean_easy, korean_hard, korean_medium
from seodang.evaluation.problems.problem import Level, Problem, Stated

_TRIES = 20  # for each problem that is wanted

TEMPLATES: dict[Level, Mapping[str, Callable[[Random], Stated]]] = {
    "easy": korean_easy.TEMPLATES,
    "medium": korean_medium.TEMPLATES,
    "hard": korean_hard.TEMPLATES,
}


def problems(level: Level, num_each: int, seed: int) -> Iterator[Problem]:
    """`num_each` different problems of each template of a level, fewer where it has no more."""
    for name, template in TEMPLATES[level].items():
        found: dict[str, Stated] = {}
        for index in range(_TRIES * num_each):
            made = template(Random(f"{seed}/{name}/{index}"))
            found.setdefault(made.question, made)
            if len(found) == num_each:
                break
        for index, made in enumerate(found.values()):
            yield Problem(name, index, level, "ko", made.question, str(made.answer), made.unit)
