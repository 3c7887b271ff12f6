"""The interface of executors: a function is put to units of work, and results come back in the units' order.

The function is importable by name, so that a fresh process finds it. `shared` goes to a worker once, a unit with each call.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Protocol, Self

from seodang.core.errors import SeodangError

UnitFunction = Callable[[Any, Any], Any]  # of `shared` and of one unit
ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one unit: its value, or in one line why there is none after `attempts` tries."""

    value: Any = None
    error: str = ""
    attempts: int = 1
    refusal: SeodangError | None = None  # an error that is told to the user: it ends the whole work


class Executor(Protocol):
    """Something that does units of work, open between `with` and its end."""

    @property
    def workers(self) -> int: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def map_units(self, function: UnitFunction, units: Iterable[Any], *, shared: Any = None) -> Iterator[Outcome]:
        """One outcome for each unit, in order. Units are taken from `units` as there is room for them. A unit whose worker dies, takes
        too long or raises is tried once more. A `SeodangError` of the function is raised here, in its unit's turn."""
        ...


def run_unit(function: UnitFunction, shared: Any, unit: Any) -> Outcome:
    """Calls the function; what it raises becomes the outcome's error."""
    try:
        return Outcome(function(shared, unit))
    except SeodangError as error:
        return Outcome(refusal=error)
    except Exception as error:  # noqa: BLE001 - kept as the unit's error, which its caller counts
        return Outcome(error=f"{type(error).__name__}: {error}")


def require_named(function: UnitFunction) -> None:
    """ValueError for a function that a fresh process could not import by its name."""
    if "<" in function.__qualname__ or function.__module__ == "__main__":
        raise ValueError(f"`{function.__module__}.{function.__qualname__}` cannot be imported by name in another process")


def in_order(
    units: Iterable[Any],
    *,
    capacity: int,
    start: Callable[[int, Any], None],
    finished: Callable[[], list[tuple[int, Outcome]]],
) -> Iterator[Outcome]:
    """Keeps up to `capacity` units under way and yields outcomes in the units' order.

    `start(place, unit)` begins one; `finished()` waits for at least one that was begun. No unit is taken from `units` that stands
    2 * `capacity` places or more after the next outcome, so that neither units nor results pile up.
    """
    source, again = enumerate(units), deque[int]()
    held: dict[int, Any] = {}
    attempts: dict[int, int] = {}
    outcomes: dict[int, Outcome] = {}
    running = following = 0
    while True:
        while running < capacity:
            if again:
                place = again.popleft()
            elif len(held) + len(outcomes) < 2 * capacity and (taken := next(source, None)) is not None:
                place, held[taken[0]] = taken
            else:
                break
            attempts[place] = attempts.get(place, 0) + 1
            start(place, held[place])
            running += 1
        if not running and not outcomes:
            return
        for place, outcome in finished() if running else ():
            running -= 1
            if outcome.error and attempts[place] < ATTEMPTS:
                again.append(place)
            else:
                outcomes[place] = replace(outcome, attempts=attempts.pop(place))
                del held[place]
        while following in outcomes:
            outcome = outcomes.pop(following)
            if outcome.refusal is not None:
                raise outcome.refusal
            yield outcome
            following += 1
