"""Values between processes that do not trust each other: only builtin types come out, whatever was put in.

Nothing is ever unpickled. An instance of a subclass becomes its builtin value, so that an object that is equal to everything cannot cross.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from math import isnan
from typing import Any, cast

MAX_DEPTH = 100
MAX_ITEMS = 200_000  # of an iterator, which may have no end
_MAX_PLAIN = 1 << 53


class NoPlainForm(ValueError):
    """A value that no builtin value stands for, such as a function or an object of a class."""


def to_text(value: object) -> str:
    """The value as JSON in ASCII. NoPlainForm for what has no plain form or is nested too deeply."""
    return json.dumps(_plain(value, 0), separators=(",", ":"))


def from_text(text: str | bytes) -> Any:
    """The value that `to_text` wrote; ValueError for anything else."""
    try:
        return _value(json.loads(text), 0)
    except (TypeError, LookupError, ArithmeticError, RecursionError, MemoryError) as fault:
        raise ValueError(f"no value: {type(fault).__name__}") from fault


def same(found: object, expected: object, tolerance: float = 0.0) -> bool:
    """Whether two builtin values are equal in type and value all the way down: `1`, `1.0` and `True` differ. NaN equals NaN.

    Two floats may differ by `tolerance`, relative to the expected one and absolute below 1.
    """
    if type(found) is not type(expected):
        return False
    if isinstance(found, float) and isinstance(expected, float):
        near = tolerance > 0 and abs(found - expected) <= tolerance * max(1.0, abs(expected))
        return found == expected or near or (isnan(found) and isnan(expected))
    if isinstance(found, list | tuple):
        pair = (cast(list[object], found), cast(list[object], expected))
        return len(pair[0]) == len(pair[1]) and all(same(one, other, tolerance) for one, other in zip(*pair, strict=True))
    if isinstance(found, set | frozenset):
        keys = {one: one for one in cast(set[object], expected)}
        return found == expected and all(same(one, keys[one]) for one in cast(set[object], found))
    if isinstance(found, dict):
        left, right = cast(dict[object, object], found), cast(dict[object, object], expected)
        keys = {key: key for key in right}
        return left.keys() == right.keys() and all(same(key, keys[key]) and same(left[key], right[key], tolerance) for key in left)
    return found == expected


def _plain(value: object, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise NoPlainForm(f"nested more than {MAX_DEPTH} deep")
    if value is None or value is True or value is False:
        return value
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value, depth)
    raise NoPlainForm(f"a {type(value).__name__} has no plain form")


def _plain_int(value: int, depth: int) -> Any:
    number = int.__pos__(value)
    return number if -_MAX_PLAIN < number < _MAX_PLAIN else ["int", hex(number)]


def _plain_float(value: float, depth: int) -> Any:
    number = float.__pos__(value)
    return number if number - number == 0 else ["float", repr(number)]


def _plain_items(name: str, items: Callable[[Any], Iterable[object]]) -> Callable[[Any, int], Any]:
    return lambda value, depth: [name, [_plain(item, depth + 1) for item in items(value)]]


def _plain_dict(value: dict[object, object], depth: int) -> Any:
    return ["dict", [[_plain(key, depth + 1), _plain(item, depth + 1)] for key, item in dict.items(value)]]


def _plain_iterator(value: Iterator[object], depth: int) -> Any:
    items: list[Any] = []
    for item in value:
        if len(items) == MAX_ITEMS:
            raise NoPlainForm(f"an iterator of more than {MAX_ITEMS} items")
        items.append(_plain(item, depth + 1))
    return ["iterator", items]


_WRITERS: tuple[tuple[type, Callable[[Any, int], Any]], ...] = (
    (int, _plain_int),
    (float, _plain_float),
    (str, lambda value, depth: str.__str__(value)),
    (list, _plain_items("list", list.__iter__)),
    (tuple, _plain_items("tuple", tuple.__iter__)),
    (dict, _plain_dict),
    (set, _plain_items("set", set.__iter__)),
    (frozenset, _plain_items("frozenset", frozenset.__iter__)),
    (bytes, lambda value, depth: ["bytes", bytes.hex(value)]),
    (bytearray, lambda value, depth: ["bytearray", bytearray.hex(value)]),
    (complex, lambda value, depth: ["complex", [repr(value.real), repr(value.imag)]]),
    (range, lambda value, depth: ["range", [hex(part) for part in (value.start, value.stop, value.step)]]),
    (Decimal, lambda value, depth: ["Decimal", str(value)]),
    (Fraction, lambda value, depth: ["Fraction", [hex(value.numerator), hex(value.denominator)]]),
    (type({}.keys()), _plain_items("iterator", list)),
    (type({}.values()), _plain_items("iterator", list)),
    (type({}.items()), _plain_items("iterator", list)),
    (Iterator, _plain_iterator),
)


def _value(plain: Any, depth: int) -> Any:
    if plain is None or isinstance(plain, bool | int | float | str):
        return plain
    if depth > MAX_DEPTH or not isinstance(plain, list) or len(cast(list[Any], plain)) != 2:
        raise ValueError("no value: not in the form that values have")
    name, content = cast(list[Any], plain)
    return _READERS[name](content, depth)


def _items(content: Any, depth: int) -> list[Any]:
    if not isinstance(content, list):
        raise ValueError("no value: items are a list")
    return [_value(item, depth + 1) for item in cast(list[Any], content)]


def _read_dict(content: Any, depth: int) -> dict[Any, Any]:
    return {_value(key, depth + 1): _value(item, depth + 1) for key, item in content}


_READERS: dict[str, Callable[[Any, int], Any]] = {
    "int": lambda content, depth: int(content, 16),
    "float": lambda content, depth: float(content),
    "list": _items,
    "tuple": lambda content, depth: tuple(_items(content, depth)),
    "dict": _read_dict,
    "set": lambda content, depth: set(_items(content, depth)),
    "frozenset": lambda content, depth: frozenset(_items(content, depth)),
    "bytes": lambda content, depth: bytes.fromhex(content),
    "bytearray": lambda content, depth: bytearray.fromhex(content),
    "complex": lambda content, depth: complex(float(content[0]), float(content[1])),
    "range": lambda content, depth: range(*(int(part, 16) for part in content)),
    "Decimal": lambda content, depth: Decimal(content),
    "Fraction": lambda content, depth: Fraction(int(content[0], 16), int(content[1], 16)),
    "iterator": lambda content, depth: iter(_items(content, depth)),
}
