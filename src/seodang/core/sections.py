"""Frozen sections of a recipe, and errors that name the file, the line, the key and a near match."""

import difflib
import re
import reprlib
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from seodang.core.errors import RecipeError

_MAX_NODES = 100_000  # aliases can make a short file long


class Section(BaseModel):
    """A part of a recipe: frozen, and refusing keys it does not know. A knob is a field with unit and range in its description."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False)

    # Of a kind that fills a file of its own, for hints: what such a file is, one to start from, and where its keys are explained.
    kind_of_file: ClassVar[str] = "a recipe"
    example: ClassVar[str] = "recipes/telecom_demo.yaml"
    guide: ClassVar[str] = "`seodang explain`"


AnySection = TypeVar("AnySection", bound=Section)


def read_yaml(path: Path, kind: type[Section] = Section) -> tuple[dict[str, Any], dict[tuple[str | int, ...], int]]:
    """A YAML mapping and the line of each of its keys (keys as paths, lines from 1). RecipeError names file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.y*ml")], n=1) if path.parent.is_dir() else []
        raise RecipeError(
            "file not found",
            where=str(path),
            hint=f"did you mean `{path.parent / near[0]}`?" if near else f"name {kind.kind_of_file}, such as {kind.example}",
        ) from error
    except IsADirectoryError as error:
        of_recipes = "`seodang init FOLDER` writes a recipe for a folder of documents"
        hint = of_recipes if kind.example == Section.example else f"name a file, such as {kind.example}"
        raise RecipeError(f"a folder, not {kind.kind_of_file}", where=str(path), hint=hint) from error
    except (UnicodeDecodeError, PermissionError) as error:
        raise RecipeError("cannot be read as UTF-8 text", where=str(path), hint=f"{kind.kind_of_file} is a YAML file in UTF-8") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise RecipeError(
            f"not YAML: {getattr(error, 'problem', None) or str(error).splitlines()[0]}",
            where=where,
            hint="check the indentation and the quotes near this line",
        ) from error
    except (ValueError, RecursionError) as error:
        raise RecipeError(
            f"not YAML that can be read ({error})",
            where=str(path),
            hint="look for nesting without end and for numbers with very many digits",
        ) from error
    if not isinstance(value, dict):
        raise RecipeError("a mapping of keys is what is read here", where=str(path), hint=f"start from {kind.example}")
    lines: dict[tuple[str | int, ...], int] = {}
    try:
        _collect_lines(node, (), lines)
    except RecursionError as error:
        raise RecipeError("an alias that holds itself", where=str(path), hint="write the value out instead of using `&` and `*`") from error
    if len(lines) > _MAX_NODES:
        raise RecipeError(f"more than {_MAX_NODES} values", where=str(path), hint="write the values out instead of using `&` and `*`")
    _refuse_control_characters(value, (), lines, path)
    return value, lines


def _refuse_control_characters(value: Any, place: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int], path: Path) -> None:
    """RecipeError for a text that no file's name, model's name or title can hold."""
    if isinstance(value, dict):
        for key, child in value.items():
            _refuse_control_characters(child, (*place, str(key)), lines, path)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _refuse_control_characters(child, (*place, index), lines, path)
    elif isinstance(value, str) and any((letter < " " and letter not in "\t\n\r") or letter == "\x7f" for letter in value):
        where = f"{path}:{lines.get(place, 1)}"
        raise RecipeError(f"`{'.'.join(map(str, place))}`: a control character", where=where, hint="type the text again, without it")


def _collect_lines(node: yaml.Node | None, path: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> None:
    if len(lines) > _MAX_NODES:
        return
    if isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            here = (*path, str(key.value))
            lines[here] = key.start_mark.line + 1
            _collect_lines(child, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            lines[(*path, index)] = child.start_mark.line + 1
            _collect_lines(child, (*path, index), lines)


def load_section(kind: type[AnySection], path: Path) -> AnySection:
    """Reads a YAML file into a section. RecipeError for the first fault: `file:line: key: what`, with a near match as hint."""
    value, lines = read_yaml(path, kind)
    try:
        return kind.model_validate(value)
    except RecipeError as error:
        # A check of several keys names the one to change first, in code marks.
        named = re.match(r"`([\w.]+)`", error.what)
        error.where = error.where or (f"{path}:{_line(lines, named[1])}" if named else str(path))
        raise
    except ValidationError as error:
        # A key that is misspelt is told before the one that it leaves missing.
        fault = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        # A union adds its tag to the location; keep only what stands in the file, plus a key that is missing from it.
        location: tuple[str | int, ...] = ()
        for part in fault["loc"]:
            if (*location, part) in lines or part == fault["loc"][-1]:
                location = (*location, part)
        key = ".".join(str(part) for part in location)
        what, hint = _explain(kind, fault, key)
        raise RecipeError(f"`{key}`: {what}" if key else what, where=f"{path}:{_line(lines, key)}", hint=hint) from error


def locate(path: Path, key: str) -> str:
    """`file:line` of a key such as `documents.0.license`, or of the nearest one above it that stands in the file."""
    return f"{path}:{_line(read_yaml(path)[1], key)}"


def _line(lines: dict[tuple[str | int, ...], int], key: str) -> int:
    by_name = {".".join(map(str, place)): line for place, line in lines.items()}
    parts = key.split(".")
    return next((by_name[name] for end in range(len(parts), 0, -1) if (name := ".".join(parts[:end])) in by_name), 1)


def _explain(kind: type[Section], fault: Any, key: str) -> tuple[str, str]:
    if fault["type"] == "extra_forbidden":
        known = sorted(_known_keys(kind.model_json_schema()))
        near = difflib.get_close_matches(key.rsplit(".", 1)[-1], known, n=1)
        return "unknown key", f"did you mean `{near[0]}`?" if near else f"{_guide(kind, key.split('.', 1)[0])} lists the keys"
    if fault["type"] == "missing":
        return "missing", f"add this key; {kind.guide} lists what each one means"
    if hint := fault.get("ctx", {}).get("hint"):
        return fault["msg"], hint
    given = reprlib.repr(fault.get("input"))
    return f"{fault['msg'][0].lower()}{fault['msg'][1:]} (given: {given[:60]})", f"{kind.guide} lists each key with its unit and range"


def _guide(kind: type[Section], key: str) -> str:
    return f"`seodang explain {key}`" if kind.guide == Section.guide else kind.guide


def _known_keys(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        found = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
        return found.union(*(_known_keys(child) for child in schema.values()), set())
    if isinstance(schema, list):
        return set().union(*(_known_keys(child) for child in schema)) if schema else set()
    return set()
