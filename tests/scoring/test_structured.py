"""JSON values are held against schemas without fetching anything, and keys that no schema names are told."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from seodang.core.errors import InputError
from seodang.scoring.structured import closed, faults

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", "red"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=6,
)
LEAVES = st.sampled_from([{"type": "integer"}, {"type": "string"}, {"enum": ["a", 1, None]}, {"type": "boolean"}, {}, {"minimum": 0}])
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(lambda items: {"type": "array", "items": items}, inner)
        | st.builds(
            lambda properties: {"type": "object", "properties": properties},
            st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3),
        )
        | st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=1, max_size=2))
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(VALUES, SCHEMAS)
def test_with_extra_keys_allowed_it_is_what_the_standard_says(value: Any, schema: Any) -> None:
    assert (not faults(value, schema, extra_keys=True)) == Draft202012Validator(schema).is_valid(value)


@settings(max_examples=60, deadline=None)
@given(VALUES, SCHEMAS)
def test_a_closed_schema_only_refuses_more(value: Any, schema: Any) -> None:
    if not faults(value, schema):
        assert not faults(value, schema, extra_keys=True)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(), max_size=5))
def test_without_parts_it_is_additional_properties_false(value: dict[str, int]) -> None:
    schema = {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
    strict = {**schema, "additionalProperties": False}
    assert (not faults(value, schema)) == Draft202012Validator(strict).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value", "valid"),
    [
        ({"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, {"a": 1, "b": 2}, True),
        ({"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, {"a": 1, "c": 2}, False),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"properties": {"a": {}}}}}, {"a": 1}, True),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"properties": {"a": {}}}}}, {"b": 1}, False),
        ({"$ref": "#here", "$defs": {"x": {"$anchor": "here", "properties": {"a": {}}}}}, {"b": 1}, False),
        ({"properties": {"a": {"$ref": "#"}}}, {"a": {"a": {"b": 1}}}, False),  # a tree that is named by itself
        ({"properties": {"a": {"$ref": "#"}}}, {"a": {"a": {}}}, True),
        ({"items": {"properties": {"a": {}}}}, [{"a": 1}, {"b": 1}], False),
        ({"prefixItems": [{"properties": {"a": {}}}]}, [{"b": 1}], False),
        ({"if": {"properties": {"a": {"const": 1}}}, "then": {"properties": {"b": {}}}}, {"a": 1, "b": 1}, True),
        ({"properties": {"a": {}}, "additionalProperties": True}, {"b": 1}, True),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}, {"b": "x"}, False),
        ({"type": "object"}, {"b": 1}, True),
        ({"enum": [{"properties": 1}]}, {"properties": 1}, True),  # a value that looks like a schema
        ({"properties": {"a/b": {"$ref": "#/$defs/x~1y"}}, "$defs": {"x/y": {"type": "integer"}}}, {"a/b": 1}, True),
    ],
)
def test_keys_that_no_schema_names(schema: Any, value: Any, valid: bool) -> None:
    assert (not faults(value, schema)) == valid


def test_closing_changes_nothing_in_the_given_schema() -> None:
    schema = {"properties": {"a": {"properties": {"b": {}}}}}
    assert closed(schema) == {
        "properties": {"a": {"properties": {"b": {}}, "unevaluatedProperties": False}},
        "unevaluatedProperties": False,
    }
    assert schema == {"properties": {"a": {"properties": {"b": {}}}}}


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ("object", "an object"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "another draft"),
        ({"$ref": "https://example.org/schema.json"}, "refers to"),
        ({"items": {"$ref": "file:///etc/passwd"}}, "refers to"),
        ({"$defs": {"x": {"$id": "https://example.org/x"}}}, "`\\$id`"),
        ({"type": "number of things"}, "not a JSON Schema"),
        ({"required": "name"}, "not a JSON Schema"),
        ({"$ref": "#/$defs/gone"}, "leads nowhere"),
        ({"$ref": "#"}, "without end"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        faults({"a": 1}, schema)


def test_formats_are_held_and_faults_are_named_by_place() -> None:
    schema = {"properties": {"when": {"items": {"format": "date"}}, "to": {"format": "email"}}}
    found = faults({"when": ["2026-02-28", "2026-02-30"], "to": "nobody"}, schema)
    assert [fault.split(":")[0] for fault in found] == ["$.to", "$.when[1]"]
    assert len(faults([1] * 20, {"items": {"type": "string"}}, limit=3)) == 3
