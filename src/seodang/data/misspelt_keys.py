"""Keys of a row that are nearly another one, which was probably meant."""

import difflib
from collections.abc import Iterable, Sequence
from functools import lru_cache


def near_key(given: Iterable[str], known: Sequence[str]) -> tuple[str, str] | None:
    """A key that is none of the known ones but nearly one that is not given, and that one: `("anwser", "answer")`."""
    return _near_key(tuple(given), tuple(known), 0.7)


def misspelt_key(given: Iterable[str], known: Sequence[str]) -> tuple[str, str] | None:
    """The same for a key that can hardly be meant otherwise: words that only go on or end early (`answers`, `question_id`) are others."""
    found = _near_key(tuple(given), tuple(known), 0.8)
    if found is None:
        return None
    key, meant = found[0].casefold(), found[1]
    return None if key != meant and (key.startswith(meant) or meant.startswith(key)) else found


@lru_cache(maxsize=4096)
def _near_key(given: tuple[str, ...], known: tuple[str, ...], cutoff: float) -> tuple[str, str] | None:
    absent = [name for name in known if name not in given]
    pairs = ((key, difflib.get_close_matches(key.casefold(), absent, n=1, cutoff=cutoff)) for key in given if key not in known)
    return next(((key, near[0]) for key, near in pairs if near), None)
