"""How an answer is laid out."""

import json
import re
from collections.abc import Mapping
from typing import Any

from seodang.evaluation.constraints.sentences import has_letters, lines_of, paragraphs_of

_BULLET = re.compile(r"^[-*•]\s+\S")
_FENCE = re.compile(r"^```(?:json)?\s*\n(?P<inside>.*)\n```$", re.DOTALL)
_QUOTES = {'"': '"', "“": "”"}
SEPARATOR = "******"


def paragraphs(text: str, params: Mapping[str, Any]) -> bool:
    """Exactly `n` paragraphs with an empty line between them."""
    return len(paragraphs_of(text)) == params["n"]


def bullets(text: str, params: Mapping[str, Any]) -> bool:
    """Exactly `n` lines that begin with `* `, and none with another bullet's mark."""
    return [line[0] for line in lines_of(text) if _BULLET.match(line)] == ["*"] * params["n"]


def numbered(text: str, params: Mapping[str, Any]) -> bool:
    """Lines that begin with `1.` to `n.` in order, and no further one."""
    marks = [int(found[1]) for line in lines_of(text) if (found := re.match(r"(\d+)\.\s+\S", line))]
    return marks == list(range(1, params["n"] + 1))


def json_only(text: str, params: Mapping[str, Any]) -> bool:
    """One JSON object and nothing else, but for a fence around it."""
    fenced = _FENCE.match(text.strip())
    try:
        return isinstance(json.loads(fenced["inside"] if fenced else text, parse_constant=_no_json), dict)
    except (ValueError, RecursionError):
        return False


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def title(text: str, params: Mapping[str, Any]) -> bool:
    """A first line in double angular brackets: <<a title>>."""
    found = re.fullmatch(r"<<([^<>\n]+)>>", next(iter(lines_of(text)), ""))
    return bool(found) and has_letters(found[1])


def two_answers(text: str, params: Mapping[str, Any]) -> bool:
    """Two different answers with a line of six asterisks between them."""
    parts = [part.strip() for part in re.split(r"(?m)^[ \t]*\*{6}[ \t]*$", text)]
    return len(parts) == 2 and all(map(has_letters, parts)) and parts[0] != parts[1]


def quoted(text: str, params: Mapping[str, Any]) -> bool:
    """The whole answer in double quotation marks."""
    whole = text.strip()
    return len(whole) > 2 and _QUOTES.get(whole[0]) == whole[-1] and has_letters(whole)


def postscript(text: str, params: Mapping[str, Any]) -> bool:
    """A last paragraph or line that begins with `mark` and says something."""
    last = next(reversed(lines_of(text)), "")
    return last.startswith(params["mark"]) and has_letters(last.removeprefix(params["mark"]))


def repeated(text: str, params: Mapping[str, Any]) -> bool:
    """The request word for word first, then an answer."""
    whole = text.strip()
    return whole.startswith(params["request"]) and has_letters(whole.removeprefix(params["request"]))


def highlighted(text: str, params: Mapping[str, Any]) -> bool:
    """At least `n` parts between single asterisks: *so*."""
    return len(re.findall(r"(?<![*\w])\*(?![\s*])[^*\n]+(?<!\s)\*(?![*\w])", text)) >= params["n"]


def placeholders(text: str, params: Mapping[str, Any]) -> bool:
    """At least `n` placeholders in square brackets: [name]."""
    return len(re.findall(r"\[[^\[\]\n]*\w[^\[\]\n]*\]", text)) >= params["n"]


def acrostic(text: str, params: Mapping[str, Any]) -> bool:
    """As many lines as `word` has syllables or letters, each beginning with the next of them."""
    lines, word = lines_of(text), params["word"]
    return len(lines) == len(word) and all(line[0].lower() == letter and len(line) > 1 for line, letter in zip(lines, word, strict=True))
