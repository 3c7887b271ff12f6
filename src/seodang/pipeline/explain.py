"""Every key of a recipe or a gate in words: what it is, its type and range, and what holds where it is not given."""

import difflib
import inspect
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from enum import EnumType
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from seodang.core.errors import RecipeError
from seodang.core.sections import Section
from seodang.evaluation.gate_file import Gate
from seodang.pipeline.recipe import Recipe

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path", type(None): "null", Any: "value"}
_GATE = "gate"  # what is asked for to be told of a gate's file
_LIMITS = {"ge": "at least {}", "gt": "above {}", "le": "at most {}", "lt": "below {}", "min_length": "not empty"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `path` is its place, such as `distill.weight`; `variant` says of which of several forms of a section it is a key."""

    path: str
    description: str
    kind: str  # its type and range in words; empty for a section
    default: str  # as it would be written, or "required"; empty for a section
    variant: str = ""


def recipe_keys() -> list[Key]:
    """All keys of a recipe, in its order, each section before its keys."""
    return list(_keys(Recipe, "", ""))


def gate_keys() -> list[Key]:
    """All keys of a gate's file, in its order."""
    return list(_keys(Gate, "", ""))


def explain(section: str | None = None, *, width: int = 100) -> str:
    """The keys as text: a recipe's, or a gate's where `section` is `gate` or `gate.KEY`. `section` keeps one section or key, and what
    stands below it. RecipeError with a near match where there is none."""
    head, _, rest = (section or "").partition(".")
    if head == _GATE:
        return _told(_chosen(gate_keys(), rest, "a gate"), width)
    return _told(_chosen(recipe_keys(), section or "", "a recipe", _GATE), width)


def _chosen(keys: list[Key], section: str, whole: str, *others: str) -> list[Key]:
    """The keys of a section, or the keys of that name anywhere; all for an empty one. `others` can be asked for beside the keys."""
    if not section:
        return keys
    found = [key for key in keys if key.path == section or key.path.startswith(f"{section}.")]
    found = found or [key for key in keys if key.path.rsplit(".", 1)[-1] == section]
    if not found:
        names = sorted({*others, *(name for key in keys for name in (key.path, key.path.rsplit(".", 1)[-1]))})
        near = difflib.get_close_matches(section, names, n=1)
        tops = ", ".join(dict.fromkeys(key.path.split(".", 1)[0] for key in keys))
        raise RecipeError(f"no key `{section}` in {whole}", hint=f"did you mean `{near[0]}`?" if near else f"there are: {tops}")
    return found


def _told(keys: list[Key], width: int) -> str:
    lines: list[str] = []
    variant = ""
    for key in keys:
        if key.variant != variant and key.variant:
            lines += ["", f"{'  ' * key.path.count('.')}[{key.variant}]"]
        variant = key.variant
        lines += _lines(key, width)
    return "\n".join(lines).strip("\n")


def _lines(key: Key, width: int) -> list[str]:
    indent = "  " * key.path.count(".")
    if not key.kind:
        return ["", *textwrap.wrap(f"{key.path}: {key.description}", width, initial_indent=indent, subsequent_indent=f"{indent}    ")]
    default = key.default if key.default == "required" else f"default {key.default}"
    head = f"{indent}{key.path}  ({key.kind}; {default})"
    return [head, *textwrap.wrap(key.description, width, initial_indent=f"{indent}    ", subsequent_indent=f"{indent}    ")]


def _keys(section: type[Section], prefix: str, variant: str) -> Iterator[Key]:
    for name, field in section.model_fields.items():
        path = f"{prefix}{name}"
        forms = _sections_in(field.annotation)
        if not forms:
            yield Key(path, field.description or "", _kind(field), _default(field), variant)
            continue
        told = field.description or _first_line(forms[0])
        required = "required; " * field.is_required()
        by_name = get_origin(_plain(field.annotation)) is dict
        many = "sections by name; each: " * by_name or "a list; each: " * (get_origin(_plain(field.annotation)) is tuple)
        forms_told = " or ".join(_first_line(form).rstrip(".") for form in forms)
        yield Key(path, f"{required}{many}{told if len(forms) == 1 else forms_told}", "", "", variant)
        for form in forms:
            yield from _keys(form, f"{path}.NAME." if by_name else f"{path}.", f"{path}: {_first_line(form)}" if len(forms) > 1 else "")


def _first_line(section: type[Section]) -> str:
    return inspect.cleandoc(section.__doc__ or "").split("\n", 1)[0].replace("`", "")


def _plain(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _sections_in(annotation: Any) -> list[type[Section]]:
    """The sections that a type holds: itself, the members of a union, the items of a list or the values of a mapping."""
    annotation = _plain(annotation)
    if inspect.isclass(annotation) and issubclass(annotation, Section):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, tuple, dict):
        return [found for part in get_args(annotation) if part is not Ellipsis for found in _sections_in(part)]
    return []


def _kind(field: FieldInfo) -> str:
    limits: list[str] = []
    for rule in field.metadata:
        for name, words in _LIMITS.items():
            if getattr(rule, name, None) is not None:
                limits.append(words.format(getattr(rule, name)))
        if getattr(rule, "pattern", None):
            limits.append(f"of the form {str(rule.pattern).removeprefix('^').removesuffix('$')}")
    return ", ".join([_type_words(field.annotation), *limits])


def _type_words(annotation: Any) -> str:
    annotation = _plain(annotation)
    origin, parts = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, EnumType):
        return f"one of {', '.join(map(str, annotation))}"
    if origin is Literal:
        return " or ".join(str(part) for part in parts) if len(parts) < 3 else f"one of {', '.join(map(str, parts))}"
    if origin is tuple:
        return f"list of {_type_words(parts[0])}"
    if origin is dict:
        return f"{_type_words(parts[1])} by name"
    if origin in (Union, types.UnionType):
        return " or ".join(_type_words(part) for part in parts)
    return _WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, dict):
        return "none" if not value else str(value)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return (
        {None: "null", True: "true", False: "false", "": '""'}.get(value, str(value))
        if not isinstance(value, (int, float)) or isinstance(value, bool)
        else f"{value:g}"
    )
