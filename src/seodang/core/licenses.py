"""Licences as SPDX expressions: read, checked against the SPDX list that comes with a library, and joined.

`LicenseRef-NAME` stands for terms that the list does not have, such as one's own (SPDX specification 2.3, annex D). "Not known" is a
value too: it can be written down, and a run is refused for it.
"""

import difflib
import re
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

UNKNOWN = "unknown"
_SAYS_NOTHING = {"", "unknown", "noassertion", "none"}
_OWN_TERMS = re.compile(r"(DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")
_OWN_TERMS_HINT = "an SPDX id such as CC-BY-4.0, or LicenseRef-NAME for terms that SPDX does not list"
_MOST_CHARACTERS = 500


def check_license(text: str) -> str:
    """The expression in SPDX's spelling, or "unknown" where it says nothing. PydanticCustomError, with a hint, for what is neither."""
    if text.strip().lower() in _SAYS_NOTHING:
        return UNKNOWN
    parsed = _parse(text)
    if any(symbol.lower() in _SAYS_NOTHING for symbol in _symbols(parsed)):
        return UNKNOWN
    for symbol in _symbols(parsed):
        if not (_OWN_TERMS.fullmatch(symbol) or symbol in _listed()):
            raise _fault(f"`{symbol[:60]}` is not on the SPDX list of licences", _near(symbol))
    return parsed.render()


def is_known(expression: str) -> bool:
    """Whether a checked licence says under which terms."""
    return expression != UNKNOWN


def join_licenses(expressions: Iterable[str]) -> str:
    """The expression of something that all of these terms bind, each named once; "unknown" where one of them is."""
    distinct = list(dict.fromkeys(expressions))
    if not distinct or not all(map(is_known, distinct)):
        return UNKNOWN
    parsed = [_parse(expression) for expression in distinct]
    return (parsed[0] if len(parsed) == 1 else _licensing().AND(*parsed).simplify()).render()


def parse_license(expression: str) -> Any:
    """The parsed form of a checked expression, for code that walks through its AND, OR and WITH."""
    return _parse(expression)


License = Annotated[str, AfterValidator(check_license)]


@cache
def _licensing() -> Any:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


@cache
def _listed() -> frozenset[str]:
    """The ids of the SPDX list, of licences and of exceptions."""
    return frozenset(name for name in _licensing().known_symbols if not name.startswith("LicenseRef-"))


def _parse(text: str) -> Any:
    from license_expression import ExpressionError

    if len(text) > _MOST_CHARACTERS:
        raise _fault(f"a licence of more than {_MOST_CHARACTERS} characters", f"write {_OWN_TERMS_HINT}")
    try:
        return _licensing().parse(text, strict=True)
    except ExpressionError as error:
        raise _fault(f"not an SPDX expression ({str(error).splitlines()[0]})", f"write {_OWN_TERMS_HINT}") from error


def _symbols(parsed: Any) -> list[str]:
    return [symbol.key for symbol in _licensing().license_symbols(parsed, unique=True, decompose=True)]


def _near(symbol: str) -> str:
    """The hint for an id that is not listed."""
    by_words = {_words(name): name for name in sorted(_listed())}
    near = difflib.get_close_matches(_words(symbol), by_words, n=1, cutoff=0.7)
    return f"did you mean `{by_words[near[0]]}`?" if near else f"write {_OWN_TERMS_HINT}"


def _words(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower())


def _fault(what: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("license", "{what}", {"what": what, "hint": hint})
