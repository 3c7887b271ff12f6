"""Two ways to cut a text for n-grams: into characters without spaces (Korean spacing is loose), and into words where spaces part them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seodang.data.dedup.folding import CJK, OTHER, WORD, Folded, fold, kinds, owners_of
from seodang.data.dedup.shingles import Hashes, character_values, grams, joined, runs

CHARACTERS, WORDS = "characters", "words"
GRAM_SIZE = {CHARACTERS: 8, WORDS: 5}  # tokens of an n-gram
LEAST_RUN = {CHARACTERS: 16, WORDS: 8}  # tokens in a row that a match has, or all of a shorter text
_CJK_SHARE = 0.3  # of the letters, from which a text is cut into characters


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of several texts as hashes: text i has `values[offsets[i]:offsets[i + 1]]`, and token j begins at `starts[j]` of
    the folded code points."""

    name: str
    values: Hashes
    offsets: NDArray[np.int64]
    starts: NDArray[np.int64]

    def grams(self) -> Hashes:
        """The hash of the n-gram that begins at each token; the last few have none, and those before a text's end reach into the next."""
        return grams(self.values, GRAM_SIZE[self.name])

    def texts_at(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The text that each of ascending tokens is of."""
        return owners_of(tokens, self.offsets)


def longer(hashes: Hashes, size: int, length: int) -> Hashes:
    """From the n-grams of `size` tokens a hash for each run of `length`, at most twice as long: of the two n-grams that make it up."""
    return hashes if length == size else joined(hashes, length - size, hashes, size)


@dataclass(frozen=True, slots=True)
class Cut:
    """Folded texts and their tokens in both streams."""

    folded: Folded
    streams: dict[str, Tokens]

    def matched(self, tokens: Tokens, token: int, count: int) -> str:
        """The folded text from one of the tokens on, as long as `count` tokens."""
        start, last = int(tokens.starts[token]), int(tokens.starts[token + count - 1])
        text_end = int(self.folded.offsets[np.searchsorted(self.folded.offsets, start, side="right")])
        end = last + 1
        if tokens.name == WORDS:
            others = np.flatnonzero(kinds(self.folded.codes[last:text_end]) != WORD)
            end = last + int(others[0]) if others.size else text_end
        return " ".join(self.folded.codes[start:end].astype("<u4").tobytes().decode("utf-32-le", "replace").split())


def cut(texts: Sequence[str], wanted: Sequence[str] = (CHARACTERS, WORDS)) -> Cut:
    """Folds the texts and cuts them into the wanted streams."""
    folded = fold(texts, collapse=False)
    makers = {CHARACTERS: _characters, WORDS: _words}
    return Cut(folded, {name: makers[name](folded) for name in wanted})


def main_streams(cut_texts: Cut) -> list[str]:
    """For each text the stream that suits it: characters where at least 30 % of its letters are Hangul, Han or kana, or where it has too
    few words for one n-gram."""
    kind, offsets = kinds(cut_texts.folded.codes), cut_texts.folded.offsets
    cjk = np.concatenate([np.zeros(1, np.int64), np.cumsum(kind == CJK)])[offsets]
    said = np.concatenate([np.zeros(1, np.int64), np.cumsum(kind != OTHER)])[offsets]
    words = np.diff(cut_texts.streams[WORDS].offsets)
    by_characters = (np.diff(cjk) >= _CJK_SHARE * np.diff(said)) | (words < GRAM_SIZE[WORDS])
    return [CHARACTERS if flag else WORDS for flag in by_characters]


def _characters(folded: Folded) -> Tokens:
    """Letters and digits of all scripts."""
    values = character_values(folded.codes, WORD, CJK)
    said = np.flatnonzero(values != 0)
    return Tokens(CHARACTERS, values.take(said), np.searchsorted(said, folded.offsets), said)


def _words(folded: Folded) -> Tokens:
    """Words of scripts that part them. A comma between digits is no end of a word: `1,000` is `1000`."""
    commas = _commas_in_numbers(folded.codes)
    codes = np.delete(folded.codes, commas)
    offsets = folded.offsets - np.searchsorted(commas, folded.offsets)
    values = character_values(codes, WORD)
    is_letter = values != 0
    opens = is_letter.copy()
    opens[1:] &= ~is_letter[:-1]
    inner = offsets[:-1][offsets[:-1] < codes.size]
    opens[inner] = is_letter[inner]
    first = np.flatnonzero(opens)
    starts = first + np.searchsorted(commas - np.arange(commas.size), first, side="right")
    return Tokens(WORDS, runs(values, first), np.searchsorted(first, offsets), starts)


def _commas_in_numbers(codes: NDArray[np.uint32]) -> NDArray[np.int64]:
    places = np.flatnonzero(codes[1:-1] == ord(",")) + 1
    return places[_is_digit(codes[places - 1]) & _is_digit(codes[places + 1])]


def _is_digit(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    return (codes >= ord("0")) & (codes <= ord("9"))
