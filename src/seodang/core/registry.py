"""Functions and values found by their file's name, or by `package.module:name` for those of other people."""

import difflib
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from seodang.core.errors import RecipeError


def names_in(package: str) -> list[str]:
    """The names that stand in a package: one for each of its modules."""
    module = importlib.import_module(package)
    return sorted(info.name for info in pkgutil.iter_modules(module.__path__) if not info.name.startswith("_"))


def find_function(package: str, name: str) -> Callable[..., Any]:
    """`find_function("seodang.data.verify", "grounded")` is the function `grounded` of that package's file `grounded.py`.

    RecipeError, with a near match, where there is none.
    """
    return find_value(package, name, name)


def find_value(package: str, name: str, attribute_of_file: str) -> Any:
    """The value `attribute_of_file` of the package's file `name`, or `package.module:value` of other people. RecipeError, with a near
    match, where there is none."""
    if ":" in name:
        module_name, _, attribute = name.partition(":")
        try:
            return getattr(importlib.import_module(module_name), attribute)
        except (ImportError, AttributeError) as error:
            raise RecipeError(f"cannot import `{name}` ({error})", hint="write it as `package.module:function`") from error
    names = names_in(package)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise RecipeError(
            f"no `{name}` in {package}",
            hint=f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(names)}",
        )
    found = getattr(importlib.import_module(f"{package}.{name}"), attribute_of_file, None)
    if found is None:
        raise RecipeError(f"`{name}` of {package} holds no `{attribute_of_file}`", hint=f"there are: {', '.join(names)}")
    return found
