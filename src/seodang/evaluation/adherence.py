"""Whether a text is written in the script of a language: what its letters show, which cannot tell English from Spanish."""

import unicodedata

_SCRIPTS = {  # words of the names that Unicode gives to letters
    "en": frozenset({"LATIN"}),
    "es": frozenset({"LATIN"}),
    "ko": frozenset({"HANGUL"}),
    "zh": frozenset({"CJK"}),
    "ja": frozenset({"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK", "IDEOGRAPHIC"}),
}
_SHARE = 0.8  # of the letters


def script_share(text: str, language: str) -> float | None:
    """The share of a text's letters that belong to the language's script; None where it has no letters, as a number has none."""
    letters = [letter for letter in text if unicodedata.category(letter)[0] == "L"]
    if not letters:
        return None
    own = _SCRIPTS[language]
    return sum(not own.isdisjoint(unicodedata.name(letter, "").split()) for letter in letters) / len(letters)


def adheres(text: str, language: str) -> bool:
    """Whether at least four fifths of the letters are of the language's script. A text without letters does."""
    share = script_share(text, language)
    return share is None or share >= _SHARE
