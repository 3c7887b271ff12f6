"""Two ways to cut a text for n-grams: into characters without spaces (Korean spacing is loose), and into words where spaces part them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seodang.data.dedup.folding import CJK, OTHER, WORD, Folded, fold, kinds
from seodang.data.dedup.shingles import Hashes, character_values, grams, inside

CHARACTERS, WORDS = "characters", "words"
GRAM_SIZE = {CHARACTERS: 8, WORDS: 5}  # tokens of an n-gram
LEAST_RUN = {CHARACTERS: 16, WORDS: 8}  # tokens in a row that a match has, or all of a shorter text
_CJK_SHARE = 0.3  # of the letters, from which a text is cut into characters
_WEIGHTS = 256  # places of a word that have a weight of their own
_WORD_BASE = 0xD1342543DE82EF95  # odd


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of several texts as hashes: text i has `values[offsets[i]:offsets[i + 1]]`, and token j begins at `starts[j]` of
    the folded code points."""

    name: str
    values: Hashes
    offsets: NDArray[np.int64]
    starts: NDArray[np.int64]

    def grams(self) -> tuple[Hashes, NDArray[np.bool_]]:
        """The hash of the n-gram that begins at each token (the last few have none), and which of them end inside of their text."""
        size = GRAM_SIZE[self.name]
        found = grams(self.values, size)
        return found, inside(self.offsets, size)[: found.size]


@dataclass(frozen=True, slots=True)
class Cut:
    """Folded texts and their tokens in both streams."""

    folded: Folded
    kinds: NDArray[np.uint8]
    streams: dict[str, Tokens]

    def matched(self, stream: str, token: int, count: int) -> str:
        """The folded text from one token on, as long as `count` tokens."""
        tokens = self.streams[stream]
        end = int(tokens.starts[token + count - 1]) + 1
        text_end = int(self.folded.offsets[np.searchsorted(self.folded.offsets, tokens.starts[token], side="right")])
        while end < text_end and stream == WORDS and self.kinds[end - 1] == WORD and self.kinds[end] == WORD:
            end += 1
        return self.folded.codes[tokens.starts[token] : end].astype("<u4").tobytes().decode("utf-32-le", "replace")


def cut(texts: Sequence[str], wanted: Sequence[str] = (CHARACTERS, WORDS)) -> Cut:
    """Folds the texts and cuts them into the wanted streams."""
    folded = fold(texts)
    kind = kinds(folded.codes)
    makers = {CHARACTERS: _characters, WORDS: _words}
    return Cut(folded, kind, {name: makers[name](folded, kind) for name in wanted})


def main_streams(cut_texts: Cut) -> list[str]:
    """For each text the stream that suits it: characters where at least 30 % of its letters are Hangul, Han or kana, or where it has too
    few words for one n-gram."""
    kind, offsets = cut_texts.kinds, cut_texts.folded.offsets
    cjk = np.concatenate([np.zeros(1, np.int64), np.cumsum(kind == CJK)])[offsets]
    said = np.concatenate([np.zeros(1, np.int64), np.cumsum(kind != OTHER)])[offsets]
    words = np.diff(cut_texts.streams[WORDS].offsets)
    by_characters = (np.diff(cjk) >= _CJK_SHARE * np.diff(said)) | (words < GRAM_SIZE[WORDS])
    return [CHARACTERS if flag else WORDS for flag in by_characters]


def _characters(folded: Folded, kind: NDArray[np.uint8]) -> Tokens:
    """Letters and digits of all scripts."""
    said = np.flatnonzero(kind != OTHER)
    return Tokens(CHARACTERS, character_values(folded.codes[said]), np.searchsorted(said, folded.offsets), said)


def _words(folded: Folded, kind: NDArray[np.uint8]) -> Tokens:
    """Words of scripts that part them. A comma between digits is no end of a word: `1,000` is `1000`."""
    said = np.flatnonzero(kind == WORD)
    kept = np.searchsorted(said, folded.offsets)
    if not said.size:
        return Tokens(WORDS, np.zeros(0, np.uint64), kept, said)
    gap = np.diff(said, prepend=-9)
    opens = gap != 1
    near = np.flatnonzero(gap == 2)
    opens[near[_thousands(folded.codes, said[near])]] = False
    opens[kept[:-1][np.diff(kept) > 0]] = True
    first = np.flatnonzero(opens)
    within = np.arange(said.size) - np.repeat(first, np.diff(first, append=said.size))
    weights = np.multiply.accumulate(np.full(_WEIGHTS, _WORD_BASE, np.uint64))
    values = character_values(folded.codes[said]) * weights[np.minimum(within, _WEIGHTS - 1)]
    return Tokens(WORDS, np.add.reduceat(values, first), np.searchsorted(first, kept), said[first])


def _thousands(codes: NDArray[np.uint32], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the character before each place is a comma between two digits."""
    around = (_is_digit(codes[places - 2])) & _is_digit(codes[places])
    return around & (codes[places - 1] == ord(","))


def _is_digit(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    return (codes >= ord("0")) & (codes <= ord("9"))
