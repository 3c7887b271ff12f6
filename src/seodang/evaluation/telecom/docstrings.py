"""Docstrings in Google's form, read as far as descriptions of tools need it: in the place of the library docstring-parser."""

import inspect
import re
from dataclasses import dataclass, field

_SECTION = re.compile(r"^(Args|Returns|Raises|Examples?|Warning|Note):\s*$", re.MULTILINE)
_ARGUMENT = re.compile(r"^ {4}(\w+)(?: \([^)]*\))?: (.*(?:\n {5,}.*)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Described:
    """One argument, or what is returned."""

    description: str
    arg_name: str = ""
    type_name: str | None = None


@dataclass(frozen=True, slots=True)
class Docstring:
    """The parts of a docstring, named as that library names them."""

    short_description: str
    long_description: str
    params: list[Described] = field(default_factory=list[Described])
    returns: Described | None = None
    raises: list[Described] = field(default_factory=list[Described])
    examples: list[str] = field(default_factory=list[str])


def parse(text: str) -> Docstring:
    """The first line, what follows it, and the arguments and the result with their descriptions."""
    cleaned = inspect.cleandoc(text)
    parts = _SECTION.split(cleaned)
    short, _, long = parts[0].strip().partition("\n")
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    arguments = [Described(_one_line(match[2]), match[1]) for match in _ARGUMENT.finditer(sections.get("Args", ""))]
    returns = Described(_one_line(sections["Returns"])) if "Returns" in sections else None
    return Docstring(short, long.strip(), arguments, returns)


def _one_line(text: str) -> str:
    return " ".join(text.split())
