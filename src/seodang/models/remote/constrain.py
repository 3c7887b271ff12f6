"""Constrained decoding at an endpoint: in which words a server is asked for it, and whether it holds to what it accepts.

`response_format` is the OpenAI protocol's and knows JSON schemas alone; `structured_outputs` is vLLM's, and `guided_*` what vLLM before
0.12 and its relatives take. Many servers ignore what they do not know, so that only an answer that nobody would give by itself is a proof.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from seodang.core.errors import EndpointError, ModelError
from seodang.models.chat_model import Completion, Sampling
from seodang.models.constrain import Choice, Constraint, JsonSchema, Pattern
from seodang.models.remote.answers import chat_completion
from seodang.models.remote.calls import TRIES_MORE
from seodang.models.remote.capabilities import Way
from seodang.models.remote.client import EndpointClient
from seodang.models.think import ThinkMode

Ways = Mapping[str, Way]  # for each kind of constraint that was proved, how it is asked for

_WORD = "seodang-7"
_PROBES: tuple[tuple[JsonSchema | Pattern, tuple[Way, ...]], ...] = (
    (
        JsonSchema({"type": "object", "properties": {"w": {"enum": [_WORD]}}, "required": ["w"], "additionalProperties": False}),
        ("response_format", "structured_outputs", "guided"),
    ),
    (Pattern(_WORD), ("structured_outputs", "guided")),
)
_PROBE_TOKENS = 48


def constraint_options(constraint: Constraint, ways: Ways) -> dict[str, Any]:
    """What a request says of its constraint. A choice is asked for as the JSON text that is one of several. ModelError for a kind that was
    not proved."""
    if isinstance(constraint, Choice):
        return constraint_options(JsonSchema({"type": "string", "enum": list(constraint.texts)}), ways)
    way = ways.get(constraint.kind)
    if way is None:
        raise ModelError(f"the endpoint does not hold to a {constraint.kind}", hint="use a local model, or serve the model with vLLM")
    value = dict(constraint.schema) if isinstance(constraint, JsonSchema) else constraint.pattern
    name = "json" if isinstance(constraint, JsonSchema) else "regex"
    if way == "response_format":
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": value, "strict": True}}}
    return {"structured_outputs": {name: value}} if way == "structured_outputs" else {f"guided_{name}": value}


def kinds_of(ways: Ways) -> frozenset[str]:
    """The kinds of constraints that can be asked for in these ways."""
    return frozenset(ways) | ({"choice"} if "json_schema" in ways else frozenset[str]())


def chosen_text(constraint: Constraint, text: str) -> str:
    """The answer as the constraint means it: a choice comes as JSON. What is not JSON, because it was cut, stays as it is."""
    if not isinstance(constraint, Choice):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def prove_constraints(client: EndpointClient, words: str, thinking: ThinkMode, refuse: Callable[[str, EndpointError | str], None]) -> Ways:
    """Asks, in each way, for an answer that nobody would give to `words`. `refuse` is told what was refused, or accepted and not heeded."""
    proved: dict[str, Way] = {}
    for constraint, ways in _PROBES:
        for way in ways:
            what = f"{constraint.kind} by {way}"
            try:
                text = _ask(client, words, thinking, constraint_options(constraint, {constraint.kind: way})).text.strip()
            except EndpointError as error:
                refuse(what, error)
                continue
            if _heeded(constraint, text):
                proved[constraint.kind] = way
                break
            refuse(what, "it accepts the request and answers freely")
    return proved


def _heeded(constraint: JsonSchema | Pattern, text: str) -> bool:
    if isinstance(constraint, Pattern):
        return text == _WORD
    try:
        return json.loads(text) == {"w": _WORD}
    except ValueError:
        return False


def _ask(client: EndpointClient, words: str, thinking: ThinkMode, options: Mapping[str, Any]) -> Completion:
    body: dict[str, Any] = {
        "model": client.section.model,
        "messages": [{"role": "user", "content": words}],
        "max_tokens": _PROBE_TOKENS,
        "temperature": 0.0,
        **options,
    }
    if thinking.options:
        body["chat_template_kwargs"] = thinking.options
    where = client.address.place
    return client.ask(
        client.address.api("/chat/completions"),
        body,
        lambda value: chat_completion(value, Sampling(), thinking, where),
        prompt=words,
        max_new_tokens=_PROBE_TOKENS,
        retries=TRIES_MORE,
    )
