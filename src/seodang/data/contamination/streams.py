"""Two ways to cut a text for n-grams: into characters without spaces (Korean spacing is loose), and into words."""

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
_LONGEST_WORD = 256  # characters after which the weights of a word's places begin anew


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of several texts as hashes: text i has `values[offsets[i]:offsets[i + 1]]`, and token j begins at `starts[j]` of the folded
    code points."""

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
    said = np.flatnonzero(kind != OTHER)
    values = character_values(folded.codes[said])
    kept = np.searchsorted(said, folded.offsets)
    streams: dict[str, Tokens] = {}
    if CHARACTERS in wanted:
        streams[CHARACTERS] = Tokens(CHARACTERS, values, kept, said)
    if WORDS in wanted:
        streams[WORDS] = _words(folded, kind, said, values, kept)
    return Cut(folded, kind, streams)


def main_streams(cut_texts: Cut) -> list[str]:
    """For each text the stream that suits it: characters where at least 30 % of its letters are Hangul, Han or kana, or where it has too
    few words for one n-gram."""
    kind, offsets = cut_texts.kinds, cut_texts.folded.offsets
    cjk = np.concatenate([np.zeros(1, np.int64), np.cumsum(kind == CJK)])[offsets]
    said = np.concatenate([np.zeros(1, np.int64), np.cumsum(kind != OTHER)])[offsets]
    words = np.diff(cut_texts.streams[WORDS].offsets)
    by_characters = (np.diff(cjk) >= _CJK_SHARE * np.diff(said)) | (words < GRAM_SIZE[WORDS])
    return [CHARACTERS if flag else WORDS for flag in by_characters]


def _words(folded: Folded, kind: NDArray[np.uint8], said: NDArray[np.int64], values: Hashes, kept: NDArray[np.int64]) -> Tokens:
    """Words, and characters that stand alone. A comma between digits is no end of a word: `1,000` is `1000`."""
    here = kind[said]
    gap = np.diff(said, prepend=-2)
    comma = (gap == 2) & _between_digits(folded.codes, said)
    opens = (here == CJK) | ((gap != 1) & ~comma)
    opens[1:] |= here[:-1] == CJK
    first = kept[:-1][np.diff(kept) > 0]
    opens[first] = True
    places = np.flatnonzero(opens)
    within = np.arange(said.size) - np.repeat(places, np.diff(places, append=said.size))
    weights = np.multiply.accumulate(np.full(_LONGEST_WORD, 0xD1342543DE82EF95, np.uint64))
    hashes = np.add.reduceat(values * weights[within % _LONGEST_WORD], places) if places.size else values
    return Tokens(WORDS, hashes, np.searchsorted(places, kept), said[places])


def _between_digits(codes: NDArray[np.uint32], said: NDArray[np.int64]) -> NDArray[np.bool_]:
    before = codes[np.maximum(said - 2, 0)]
    mark = codes[np.maximum(said - 1, 0)]
    digit = codes[said]
    return (mark == ord(",")) & (before >= ord("0")) & (before <= ord("9")) & (digit >= ord("0")) & (digit <= ord("9"))
