"""The smallest answer that fits a constraint, as a server gives it that holds to one."""

import json
from typing import Any

from hypothesis import find
from hypothesis import strategies as st


def fitting_text(body: dict[str, Any], offers: set[str]) -> str | None:
    """The text that a request's constraint leaves, or None where it asks for none that is offered."""
    ways: dict[str, Any] = body.get("structured_outputs") or {} if "structured_outputs" in offers else {}
    if "guided" in offers:
        ways = {"json": body.get("guided_json"), "regex": body.get("guided_regex")}
    if "response_format" in offers and "response_format" in body:
        ways = {"json": body["response_format"]["json_schema"]["schema"]}
    if ways.get("regex"):
        return find(st.from_regex(ways["regex"], fullmatch=True), lambda text: True)
    return json.dumps(smallest(ways["json"]), ensure_ascii=False) if ways.get("json") else None


def smallest(schema: dict[str, Any]) -> Any:
    """A value that a simple schema accepts."""
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "anyOf" in schema:
        return smallest(schema["anyOf"][0])
    if schema.get("type") == "object":
        return {name: smallest(schema["properties"][name]) for name in schema.get("required", ())}
    if schema.get("type") == "array":
        return [smallest(schema["items"])] * schema.get("minItems", 0)
    return {"string": "x" * schema.get("minLength", 0), "boolean": True, "null": None}.get(schema.get("type", ""), schema.get("minimum", 0))
