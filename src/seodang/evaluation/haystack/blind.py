"""What a reply gets that does not read the document: the best of one place of the document's codes, one number, and "it is not there"."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from seodang.evaluation.haystack.needles import COUNTS
from seodang.evaluation.task import Item

_CODE = re.compile(r"\d{6}")


def blind_chances(items: Sequence[Item]) -> Mapping[str, float]:
    """By kind, the score of whoever reads the question, and of the document nothing but its codes in their order.

    A question for one code is the same whether the code is there (`single`) or not (`absent`): of the two that one counts which there are
    more right replies for. Several codes are not guessed in order.
    """
    kinds = Counter(str(item.content["kind"]) for item in items)
    best = {kind: _best_place([item for item in items if item.content["kind"] == kind]) for kind in ("single", "chain")}
    says_absent = kinds["absent"] >= best["single"] * kinds["single"]
    return {
        "single": 0.0 if says_absent and kinds["absent"] else best["single"],
        "absent": float(says_absent),
        "chain": best["chain"],
        "count": 1 / len(COUNTS),
        "several": 0.0,
    }


def _best_place(items: Sequence[Item]) -> float:
    """The share of items whose right code stands at one and the same place among the codes of the document."""
    places = Counter(_place(item) for item in items)
    return max(places.values(), default=0) / max(1, len(items))


def _place(item: Item) -> int:
    document = str(item.content["prompt"])
    codes = sorted({code for needle in item.content["needles"] for code in _CODE.findall(needle)}, key=document.find)
    return codes.index(item.content["accepted"][0][0])
