"""Equal content has an equal digest, whatever the order of its keys."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.core.hashing import canonical_json, digest, digest_bytes, digest_file

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
JSON: st.SearchStrategy[Any] = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4), max_leaves=12
)


def turned_round(value: Any) -> Any:
    """The same value with the keys of all its objects in the opposite order."""
    if isinstance(value, dict):
        return {key: turned_round(value[key]) for key in reversed(list(value))}
    return [turned_round(child) for child in value] if isinstance(value, list) else value


@given(JSON)
def test_the_order_of_keys_does_not_count(value: Any) -> None:
    assert canonical_json(turned_round(value)) == canonical_json(value)
    assert digest(turned_round(value)) == digest(value)


@given(JSON)
def test_canonical_json_reads_back_as_the_same_value(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value


@given(JSON, JSON)
def test_unlike_texts_have_unlike_digests(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) == (canonical_json(one) == canonical_json(other))


def test_the_order_of_a_list_counts() -> None:
    assert digest([1, 2]) != digest([2, 1])


def test_what_is_not_a_number_of_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest(float("nan"))


@given(st.binary(max_size=100))
def test_bytes_have_the_digest_of_hashlib(content: bytes) -> None:
    assert digest_bytes(content) == hashlib.sha256(content).hexdigest()


def test_a_file_of_several_blocks_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000
    path = tmp_path / "file"
    path.write_bytes(content)
    assert digest_file(path) == hashlib.sha256(content).hexdigest()
