"""Korean words without the particles and copulas that are written onto them, so that `금요일입니다` holds the answer `금요일`."""

import re

_ENDING = re.compile(
    r"(?<=[가-힣A-Za-z0-9])(?:입니다|이에요|예요|이었습니다|였습니다|이며|이고|이다|에서|으로|까지|마다|부터|에게|께서|동안|간|은|는|이|가|을|를|에|의|로|와|과|도)$"
)


def without_endings(text: str) -> str:
    """The text with at most one ending taken off each word; a word of one syllable stays. Marks at a word's end go with it."""
    return " ".join(_bare(word.rstrip(".,!?\"'”’)")) for word in text.split())


def _bare(word: str) -> str:
    bare = _ENDING.sub("", word)
    return bare if len(bare) > 1 else word
