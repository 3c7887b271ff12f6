"""Whether a JSON value keeps to a JSON Schema (Draft 2020-12), and to what it means: keys that it does not name are drift.

Nothing is fetched: a `$ref` that leaves the schema is refused. Source: JSON Schema 2020-12, Core and Validation.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from seodang.core.errors import InputError

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
# Formats that are decided the same on every machine; others are annotations, as the specification has it.
FORMATS = ("date", "email", "ipv4", "ipv6", "regex", "uuid")
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("if", "then", "else")
_INNER_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_INNER = ("items", "contains", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "propertyNames", "not")
_OPEN = ("additionalProperties", "unevaluatedProperties")


def faults(value: Any, schema: Any, *, extra_keys: bool = False, limit: int = 5) -> list[str]:
    """What is wrong with a value, in the order of its places, at most `limit`; empty where it is valid.

    Keys that the schema does not name are faults where it does not say itself what becomes of them, unless `extra_keys` lets them pass.
    InputError for a schema that is none, that another draft reads, or that points outside itself.
    """
    from referencing.exceptions import Unresolvable

    validator = _validator(json.dumps(schema, sort_keys=True), extra_keys)
    try:
        found = sorted(validator.iter_errors(value), key=lambda error: [str(part) for part in error.absolute_path])
    except Unresolvable as error:
        raise InputError(f"a reference leads nowhere ({error})", hint="define it under `$defs`") from error
    except RecursionError as error:
        raise InputError("a schema or value that is nested without end", hint="look for a `$ref` to itself") from error
    return [f"{_place(error.absolute_path)}: {error.message[:200]}" for error in found[:limit]]


@lru_cache(maxsize=1_024)
def _validator(text: str, extra_keys: bool) -> Any:
    """The validator of a schema given as JSON; to check the schema itself takes far longer than to check a value."""
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import SchemaError
    from referencing import Registry

    schema = json.loads(text)
    check_local(schema)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InputError(
            f"not a JSON Schema ({error.message[:200]})", where=_place(error.absolute_path), hint="correct the schema"
        ) from error
    read = schema if extra_keys else closed(schema)
    return Draft202012Validator(read, registry=Registry(), format_checker=FormatChecker(FORMATS))


def check_local(schema: Any) -> None:
    """InputError where a schema is neither an object nor a boolean, names another draft, or refers to anything outside itself."""
    if not isinstance(schema, Mapping | bool):
        raise InputError("a schema is an object, or true or false", hint="give `schema` as JSON, not as text")
    if isinstance(schema, Mapping) and str(schema.get("$schema", _DRAFT)).rstrip("#") != _DRAFT:
        raise InputError(f"the schema is of another draft: {schema['$schema']}", hint="write it for Draft 2020-12")
    for node in _nodes(schema):
        for key in ("$ref", "$dynamicRef"):
            if isinstance(node.get(key), str) and not node[key].startswith("#"):
                raise InputError(
                    f"the schema refers to `{node[key][:100]}`", hint="put what it refers to under `$defs`; nothing is fetched"
                )
        if isinstance(node.get("$id"), str) and node is not schema:
            raise InputError("a schema inside the schema has an `$id` of its own", hint="refer to it by `#/$defs/…`")


def closed(schema: Any) -> Any:
    """The schema with `unevaluatedProperties: false` wherever it names properties and is silent about all others."""
    made: Any = copy.deepcopy(schema)
    _close(made, made, set())
    return made


def _close(node: Any, root: Any, seen: set[int]) -> None:
    """Closes a schema that stands for a whole value, and those inside it. Parts applied in place are closed with the whole."""
    if not isinstance(node, dict) or id(node) in seen:
        return
    seen.add(id(node))
    parts = list(_in_place(node, root, set()))
    for part in parts:
        for key in _INNER_MAPS[:2]:
            for child in _mapping(part.get(key)).values():
                _close(child, root, seen)
        for key in _INNER[:5]:
            _close(part.get(key), root, seen)
        for child in part.get("prefixItems", ()):
            _close(child, root, seen)
    names = any("properties" in part or "patternProperties" in part for part in parts)
    if names and not any(key in part for part in parts for key in _OPEN):
        node["unevaluatedProperties"] = False


def _in_place(node: Any, root: Any, seen: set[int]) -> Iterator[dict[str, Any]]:
    """The schema and all that it applies to the same value."""
    if not isinstance(node, dict) or id(node) in seen:
        return
    seen.add(id(node))
    yield node
    for key in _IN_PLACE_LISTS:
        for child in node.get(key, ()):
            yield from _in_place(child, root, seen)
    for key in _IN_PLACE:
        yield from _in_place(node.get(key), root, seen)
    for child in _mapping(node.get("dependentSchemas")).values():
        yield from _in_place(child, root, seen)
    for key in ("$ref", "$dynamicRef"):
        if isinstance(node.get(key), str):
            yield from _in_place(_target(node[key], root), root, seen)


def _target(reference: str, root: Any) -> Any:
    """What `#`, `#/a/b` or `#anchor` points at; None where it leads nowhere."""
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        name = reference[1:]
        return next((node for node in _nodes(root) if name in (node.get("$anchor"), node.get("$dynamicAnchor"))), None)
    found = root
    for part in reference[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = found[int(key)] if key.isdigit() and int(key) < len(found) else None
        else:
            found = _mapping(found).get(key)
    return found


def _nodes(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Every schema in a schema; not what stands in `enum`, `const`, `default` and `examples`, which are values."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    for key in (*_INNER_MAPS,):
        for child in _mapping(schema.get(key)).values():
            yield from _nodes(child)
    for key in (*_IN_PLACE_LISTS, "prefixItems"):
        given = schema.get(key)
        for child in given if isinstance(given, list) else ():
            yield from _nodes(child)
    for key in (*_INNER, *_IN_PLACE):
        yield from _nodes(schema.get(key))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _place(path: Any) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
