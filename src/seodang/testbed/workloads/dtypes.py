"""Types of weights, caches and activations by name, and what a value takes. Scales of quantised blocks are not counted."""

import difflib
from collections.abc import Mapping

from seodang.backends.description import Precision
from seodang.core.errors import InputError

VALUE_BYTES: Mapping[Precision, float] = {
    "float64": 8.0,
    "float32": 4.0,
    "tf32": 4.0,
    "bfloat16": 2.0,
    "float16": 2.0,
    "float8": 1.0,
    "int8": 1.0,
    "float4": 0.5,
}
_ALIASES: Mapping[str, Precision] = {
    "fp64": "float64",
    "fp32": "float32",
    "bf16": "bfloat16",
    "fp16": "float16",
    "fp8": "float8",
    "fp4": "float4",
    "int4": "float4",
}


def parse_dtype(name: str) -> Precision:
    """A type by its name or its short one; int4 takes the bytes of float4. InputError for another one, with a near one."""
    names: dict[str, Precision] = {**{str(kind): kind for kind in VALUE_BYTES}, **_ALIASES}
    found = names.get(name.lower())
    if found is None:
        near = difflib.get_close_matches(name.lower(), [*_ALIASES, *VALUE_BYTES], n=1)
        there = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join((*_ALIASES, 'int8'))}"
        raise InputError("no such type of values", where=name, hint=there)
    return found
