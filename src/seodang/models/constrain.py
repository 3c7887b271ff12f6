"""What an answer may look like: a JSON schema, a regular expression, or one of several texts. It is held to while it is decoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """The answer is JSON that the schema (draft 2020-12) accepts."""

    schema: Mapping[str, Any]
    kind = "json_schema"


@dataclass(frozen=True, slots=True)
class Pattern:
    """The answer as a whole matches a regular expression without look-around and back-references."""

    pattern: str
    kind = "pattern"


@dataclass(frozen=True, slots=True)
class Choice:
    """The answer is one of these texts."""

    texts: tuple[str, ...]
    kind = "choice"


Constraint = JsonSchema | Pattern | Choice
KINDS = ("json_schema", "pattern", "choice")
