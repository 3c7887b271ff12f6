"""How much of one text another one repeats: ROUGE-L (Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries") on words.

Words are those of `normalise`, so that Korean counts; the usual package drops every letter that is not ASCII.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from seodang.scoring.text_match import normalise


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence, with bits of one number as a row of the usual table (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for place, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << place
    everything = row = (1 << len(one)) - 1
    for word in other:
        hit = row & places.get(word, 0)
        row = ((row + hit) | (row - hit)) & everything
    return len(one) - row.bit_count()


def rouge_l(one: str, other: str) -> float:
    """The F-measure of the longest common subsequence of words, 0 to 1; 0 where one has no words."""
    return _f_measure(normalise(one).split(), normalise(other).split())


class Pool:
    """Texts that a new one must not repeat."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._rows: list[tuple[list[str], Counter[str]]] = []
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        words = normalise(text).split()
        self._rows.append((words, Counter(words)))

    def nearest(self, text: str) -> float:
        """The highest ROUGE-L with any text of the pool; 0 for an empty one."""
        words = normalise(text).split()
        bag, best = Counter(words), 0.0
        for other, counted in self._rows:
            # No order of the words can give more than all that they share.
            most = 2 * (bag & counted).total() / max(1, len(words) + len(other))
            if most > best:
                best = max(best, _f_measure(words, other))
        return best


def _f_measure(one: Sequence[str], other: Sequence[str]) -> float:
    return 2 * longest_common(one, other) / (len(one) + len(other)) if one and other else 0.0
