"""Which bytes of a text each token spells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seodang.core.errors import ModelError
from seodang.distill.align.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Spans:
    """Token i of `ids` spells the bytes `ends[i - 1]` to `ends[i]` of the text's UTF-8 (from 0 for the first one).

    The tokens `first` to `stop` spell the text. What stands before them (a token that begins a sequence) is given to a model and not
    predicted by it; `end` is the place of the token that ends the text, None where there is none. A token outside the text spells nothing,
    and neither does a first token that is only the space that a tokenizer puts before every text.
    """

    text: str
    ids: tuple[int, ...]
    ends: tuple[int, ...]
    first: int
    stop: int
    end: int | None


def encode_spans(tokenizer: Any, vocabulary: Vocabulary, text: str, *, add_special_tokens: bool = True) -> Spans:
    """The text's tokens with their bytes. `vocabulary` is the tokenizer's. ModelError as in `byte_spans`."""
    encoded = tokenizer(text, add_special_tokens=add_special_tokens, return_special_tokens_mask=True)
    return byte_spans(vocabulary, encoded["input_ids"], text, [bool(flag) for flag in encoded["special_tokens_mask"]])


def byte_spans(vocabulary: Vocabulary, ids: Sequence[int], text: str, outside: Sequence[bool] | None = None) -> Spans:
    """The bytes of tokens that spell `text`, with special tokens around it or in between.

    `outside` says which tokens are not part of the text; by default these are the special ones that are not written out in it. ModelError
    where the tokens spell another text, as those of a tokenizer that changes letters do: an unknown letter, a normal form, a lost space.
    """
    flags = list(outside) if outside is not None else [None] * len(ids)
    found = _walk(vocabulary, ids, text.encode(), flags)
    if isinstance(found, int):  # a tokenizer may put one space before every text
        spaced = _walk(vocabulary, ids, b" " + text.encode(), flags)
        if isinstance(spaced, int):
            raise _other_text(vocabulary, ids, text, found)
        found = [(max(0, end - 1), is_outside) for end, is_outside in spaced]
    ends, around = [end for end, _ in found], [is_outside for _, is_outside in found]
    first = around.index(False) if False in around else len(ids)
    stop = len(ids) - around[::-1].index(False) if False in around else len(ids)
    if first == stop and ids and ids[-1] == vocabulary.end:  # an empty text: what stands there is its end
        first = stop = len(ids) - 1
    return Spans(text, tuple(ids), tuple(ends), first, stop, stop if stop < len(ids) else None)


def _walk(vocabulary: Vocabulary, ids: Sequence[int], data: bytes, outside: Sequence[bool | None]) -> list[tuple[int, bool]] | int:
    """The end of each token and whether it is outside the text, or the place of the first token that does not spell what the text has."""
    place, found = 0, list[tuple[int, bool]]()
    for index, (token, is_outside) in enumerate(zip(ids, outside, strict=True)):
        piece = vocabulary.pieces[token] if 0 <= token < len(vocabulary.pieces) else None
        written = piece is not None and data.startswith(piece, place)
        if is_outside or (is_outside is None and token in vocabulary.special and not written):
            found.append((place, True))
        elif piece is not None and written:
            place += len(piece)
            found.append((place, False))
        else:
            return index
    return found if place == len(data) else len(ids)


def _other_text(vocabulary: Vocabulary, ids: Sequence[int], text: str, index: int) -> ModelError:
    if index == len(ids):
        what = f"the {len(ids)} tokens end before the text does"
    else:
        piece = vocabulary.pieces[ids[index]] if 0 <= ids[index] < len(vocabulary.pieces) else None
        what = f"token {index + 1} of {len(ids)} (id {ids[index]}, {piece!r}) is not what the text has there"
    return ModelError(
        f"{what}, in {text[:60]!r}",
        where=vocabulary.name,
        hint="tokens can be aligned where a tokenizer keeps every letter; leave this text out, or use a tokenizer that spells it",
    )
