"""Whether a reply gives each code to its owner."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise

_GROUPED = re.compile(r"(?<=\d)[, ](?=\d{3}(?!\d))")


def in_place(reply: str, codes: Mapping[str, str]) -> bool:
    """Whether the codes, given by owner in the order that was asked for, stand with their owners.

    A reply that does not name every owner gives the codes in that order. Where owners stand between the codes, each code belongs to the
    owner before it, or after it where the reply begins with a code; otherwise the first code belongs to the first owner, and so on.
    """
    text = _GROUPED.sub("", unicodedata.normalize("NFKC", reply).casefold())
    places = {code: text.find(code) for code in codes.values()}
    if min(places.values()) < 0:
        return False
    told = sorted(places, key=lambda code: places[code])
    named = {owner: _places(text, owner) for owner in codes}
    if not all(named.values()):
        return told == list(codes.values())
    owners = sorted((place, owner) for owner, found in named.items() for place in found)
    if not all(any(left < place < right for place, _ in owners) for left, right in pairwise(places[code] for code in told)):
        return told == [codes[owner] for owner in dict.fromkeys(owner for _, owner in owners)]
    after = places[told[0]] < owners[0][0]
    return all(codes.get(_next_to(places[code], owners, after)) == code for code in told)


def _next_to(place: int, owners: Sequence[tuple[int, str]], after: bool) -> str:
    """The owner that is named next after a place, or last before it."""
    if after:
        return next((owner for start, owner in owners if start > place), "")
    return next(owner for start, owner in reversed(owners) if start < place)


def _places(text: str, owner: str) -> list[int]:
    return [found.start() for found in re.finditer(re.escape(owner.casefold()), text)]
