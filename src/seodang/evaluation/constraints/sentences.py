"""An answer cut into sentences, words, lines and paragraphs, as a reader would count them."""

import re

_LIST_MARK = re.compile(r"^\s*(?:[-*•]\s+|\d+[.)]\s+|#{1,6}\s+|>\s+)")
_END = re.compile(r"(?<=[.!?。！？…])[\"'”’)\]*]*(?:\s+|$)")
_RULE = re.compile(r"^\s*(?:[-*_]\s*){3,}$")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|etc|vs|e\.g|i\.e|P\.S)\.$")


def sentences_of(text: str) -> list[str]:
    """Sentences without list marks, headings' marks and rules. A line that ends ends a sentence, with a full stop or without."""
    found: list[str] = []
    for line in text.splitlines():
        if _RULE.match(line):
            continue
        waiting = ""
        for part in _END.split(_LIST_MARK.sub("", line)):
            waiting = f"{waiting} {part}".strip()
            if waiting and not _ABBREVIATION.search(waiting):
                found += [waiting] if has_letters(waiting) else []
                waiting = ""
        found += [waiting] if has_letters(waiting) else []
    return found


def words_of(text: str) -> list[str]:
    """What white space parts and holds a letter or a digit: words in English, 어절 in Korean."""
    return [word for word in text.split() if any(letter.isalnum() for letter in word)]


def paragraphs_of(text: str) -> list[str]:
    """What empty lines part."""
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def lines_of(text: str) -> list[str]:
    """Lines that hold something."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def has_letters(text: str) -> bool:
    """Whether anything in it is a letter or a digit."""
    return any(letter.isalnum() for letter in text)


def last_word(sentence: str) -> str:
    """A sentence up to its last letter or digit: without full stop, quotation marks, brackets and emoji."""
    return re.sub(r"[\W_]+$", "", sentence)
