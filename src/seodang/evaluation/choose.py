"""Some of many items, spread over their parts."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Protocol, TypeVar

from seodang.core.hashing import digest


class Parted(Protocol):
    """What has an id and belongs to a part."""

    @property
    def id(self) -> str: ...

    @property
    def part(self) -> str: ...


AnyParted = TypeVar("AnyParted", bound=Parted)


def spread(items: Sequence[AnyParted], limit: int | None) -> list[AnyParted]:
    """At most `limit` of the items (None: all), in their order.

    The parts are kept in proportion, and in each part the hash of the id chooses; a smaller limit's items are among those of a larger
    one. ValueError for a limit below 1.
    """
    if limit is None or limit >= len(items):
        return list(items)
    if limit < 1:
        raise ValueError(f"at least one item is needed, not {limit}")
    sizes = Counter(item.part for item in items)
    taken: defaultdict[str, int] = defaultdict(int)
    turns: dict[str, float] = {}  # Webster's method: the next item goes to the part with the largest size / (2 taken + 1)
    for item in sorted(items, key=lambda item: digest(item.id)):
        turns[item.id] = (2 * taken[item.part] + 1) / sizes[item.part]
        taken[item.part] += 1
    chosen = set(sorted(turns, key=lambda name: (turns[name], digest(name)))[:limit])
    return [item for item in items if item.id in chosen]
