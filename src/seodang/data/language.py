"""In which language a text is written."""

import unicodedata

from seodang.data.text_decoding import is_hangul

_HANGUL_SHARE = 0.3  # of the letters, from which a text is Korean


def guess_language(text: str) -> str:
    """ "ko" where at least 30 % of the letters are Hangul syllables, otherwise "en"."""
    letters = [character for character in unicodedata.normalize("NFC", text) if character.isalpha()]
    return "ko" if letters and sum(map(is_hangul, letters)) >= _HANGUL_SHARE * len(letters) else "en"
