"""A model's name as it may stand in a path and in another program's arguments."""

import itertools
import unicodedata

_LONGEST, _MOST_BYTES = 80, 120  # characters, and bytes in UTF-8: a folder is named after a model and a task, in 255 bytes


def plain_name(name: str) -> str:
    """Letters, marks and digits of any script, composed (NFC), and `. _ -` of a name, every other run of characters being one `-`: no
    leading dots, at most 80 characters and 120 bytes."""
    runs = itertools.groupby(unicodedata.normalize("NFC", name), _is_plain)
    kept = "".join("".join(run) if plain else "-" for plain, run in runs).strip("-").lstrip(".-")[:_LONGEST]
    return kept.encode()[:_MOST_BYTES].decode(errors="ignore") or "model"


def _is_plain(letter: str) -> bool:
    return letter in "._-" or unicodedata.category(letter)[0] in "LM" or unicodedata.category(letter) == "Nd"
