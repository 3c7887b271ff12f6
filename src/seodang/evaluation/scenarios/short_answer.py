"""When a short answer names one of its candidates and no other. No candidate is looked for inside of a longer word of a spaced language."""

import re
import unicodedata
from collections.abc import Sequence

from seodang.evaluation.denial import denied
from seodang.evaluation.scenarios.worlds import Kind
from seodang.scoring.text_match import contains_answer

_MOST = 60  # characters of a short answer: no text to read is shorter
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_TIME = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?!\d)")
_UNSPACED = frozenset({"ko", "zh", "ja"})  # a particle or the copula follows without a space


def names_only(text: str, right: str, others: Sequence[str], kind: Kind, language: str) -> bool:
    """Whether the text names the right candidate and nothing else of its kind. Several candidates at once, none, or a denial are wrong."""
    if len(text) > _MOST or denied(text, _bare(right, language)):
        return False
    folded = unicodedata.normalize("NFKC", text)
    if kind == "number":
        return {found.replace(",", "") for found in _NUMBER.findall(folded)} == {right}
    if kind == "time":
        return {f"{int(hour):02d}:{minute}" for hour, minute in _TIME.findall(folded)} == {right}
    if language not in _UNSPACED:
        return contains_answer(folded, [_bare(right, language)], [_bare(other, language) for other in others])
    said = _joined(folded)
    return _joined(right) in said and not any(_joined(other) in said for other in others)


def _bare(name: str, language: str) -> str:
    """A Spanish thing without its article, which an answer may leave out or contract (al, del)."""
    return re.sub(r"^(?:el|la) ", "", name) if language == "es" else name


def _joined(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()
