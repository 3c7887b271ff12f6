"""What each id of a tokenizer spells, in bytes."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seodang.core.errors import ModelError

_SPACE = "▁"  # what SentencePiece writes for a space
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")  # its token for one byte of a character that has no token


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`pieces[id]` holds the bytes that a token adds to a text, None where no token has this id.

    `added` are the ids that stand beside the model's own vocabulary; the `special` ones among them control it and are not part of a text
    unless they are written out in it. `end` is the tokenizer's own end-of-sequence id.
    """

    name: str
    pieces: tuple[bytes | None, ...]
    added: frozenset[int]
    special: frozenset[int]
    end: int | None


def read_vocabulary(tokenizer: Any) -> Vocabulary:
    """The vocabulary of a fast tokenizer of transformers: byte-level BPE, or written as SentencePiece does (BPE or unigram).

    ModelError for another kind, whose tokens do not say which bytes they stand for.
    """
    name = str(tokenizer.name_or_path or type(tokenizer).__name__)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError("this tokenizer has no tokenizer.json form", where=name, hint="use a fast tokenizer of transformers")
    described: dict[str, Any] = json.loads(backend.to_str())
    spell = _speller(described, name)
    model = described["model"]["vocab"]
    rows = model.items() if isinstance(model, dict) else ((row[0], index) for index, row in enumerate(model))
    by_id: dict[int, bytes] = {index: spell(token) for token, index in rows}
    added = {row["id"]: row for row in described["added_tokens"]}
    special = frozenset(index for index, row in added.items() if row["special"])
    byte_level = spell is _byte_level
    for index, row in added.items():
        by_id[index] = row["content"].encode() if byte_level or index in special else spell(row["content"])
    pieces = tuple(by_id.get(index) for index in range(max(by_id, default=-1) + 1))
    return Vocabulary(name, pieces, frozenset(added), special, tokenizer.eos_token_id)


def _speller(described: dict[str, Any], name: str) -> Callable[[str], bytes]:
    decoder = described["decoder"]
    steps: list[dict[str, Any]] = [] if decoder is None else decoder.get("decoders", [decoder])  # a sequence of them, or one
    kinds = {step["type"] for step in steps}
    if "ByteLevel" in kinds:
        return _byte_level
    if any(
        (step["type"] == "Metaspace" and step["replacement"] == _SPACE)
        or (step["type"] == "Replace" and step["pattern"] == {"String": _SPACE} and step["content"] == " ")
        for step in steps
    ):
        return _sentencepiece if "ByteFallback" in kinds else _spaced
    raise ModelError(
        f"its decoder ({', '.join(sorted(kinds)) or 'none'}) does not say which bytes a token stands for",
        where=name,
        hint="across tokenizers, both are byte-level BPE or written as SentencePiece does",
    )


def _letters() -> dict[str, int]:
    """Byte-level BPE writes a byte that can be printed as the letter with its number, and the others, in order, as those from 256 on."""
    printed = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printed]
    return {chr(byte): byte for byte in printed} | {chr(256 + place): byte for place, byte in enumerate(others)}


_LETTERS = _letters()


def _byte_level(token: str) -> bytes:
    if all(letter in _LETTERS for letter in token):
        return bytes(_LETTERS[letter] for letter in token)
    return token.encode()


def _spaced(token: str) -> bytes:
    return token.replace(_SPACE, " ").encode()


def _sentencepiece(token: str) -> bytes:
    found = _BYTE.fullmatch(token)
    return bytes([int(found[1], 16)]) if found else _spaced(token)
