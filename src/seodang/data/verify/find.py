"""Checks found by their names: those of this package, and functions of other people by `package.module:function`."""

import difflib
import importlib
import inspect

from seodang.core.errors import RecipeError
from seodang.core.records import Verdict
from seodang.core.registry import find_function, names_in
from seodang.data.verify.guard import Check

_PACKAGE = "seodang.data.verify"


def check_names() -> list[str]:
    """The names of the checks in `data/verify`: files with a function of their name that takes records and a context and gives verdicts."""
    return [name for name in names_in(_PACKAGE) if _is_check(name)]


def find_check(name: str) -> Check:
    """The check of that name, or the function `package.module:function`. RecipeError, with the list of checks, for what is none."""
    if ":" in name:
        found = find_function(_PACKAGE, name)
        if takes_records(found):
            return found
        raise RecipeError(f"`{name}` is no check: it does not take records and a context", hint=f"there are: {', '.join(check_names())}")
    if name in names_in(_PACKAGE) and _is_check(name):
        return find_function(_PACKAGE, name)
    known = check_names()
    near = difflib.get_close_matches(name, known, n=1)
    raise RecipeError(f"no check `{name}`", hint=f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}")


def takes_records(found: object) -> bool:
    """Whether it is a function that can be called with records and a context alone."""
    if not inspect.isroutine(found):
        return False
    try:
        inspect.signature(found).bind((), None)
    except (TypeError, ValueError):
        return False
    return True


def _is_check(name: str) -> bool:
    function = getattr(importlib.import_module(f"{_PACKAGE}.{name}"), name, None)
    if not inspect.isfunction(function):
        return False
    signature = inspect.signature(function)
    return list(signature.parameters)[:2] == ["records", "context"] and signature.return_annotation == list[Verdict]
