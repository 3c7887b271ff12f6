"""The requests that a preflight, a tokenizer's check and the scoring make alike."""

import threading
from collections.abc import Sequence
from typing import Any

from seodang.core.errors import EndpointError
from seodang.models.chat_model import Completion, Sampling
from seodang.models.remote.answers import chat_completion
from seodang.models.remote.client import EndpointClient
from seodang.models.remote.positions import Position, Style, read_positions, scoring_request
from seodang.models.think import ThinkMode

# What is refused is to be found out, and a server that is not there is to be told at once.
TRIES_MORE = 1


def chat_request(client: EndpointClient, content: str, thinking: ThinkMode, max_new_tokens: int) -> Completion:
    """One greedy answer to one user message."""
    body: dict[str, Any] = {
        "model": client.section.model,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": max_new_tokens,
        "temperature": 0.0,
    }
    if thinking.options:
        body["chat_template_kwargs"] = thinking.options
    url, where = client.address.api("/chat/completions"), client.address.place
    return client.ask(
        url, body, lambda value: chat_completion(value, Sampling(), thinking, where), prompt=content, max_new_tokens=max_new_tokens
    )


def tokenize(client: EndpointClient, what: dict[str, Any]) -> list[int]:
    """The ids of a text (`prompt`) or of a conversation (`messages`) by the server's `/tokenize`. EndpointError."""

    def read(value: dict[str, Any]) -> list[int]:
        tokens = value.get("tokens")
        if not isinstance(tokens, list) or not all(isinstance(token, int) for token in tokens):
            raise EndpointError("/tokenize gives no ids", where=client.address.place)
        return tokens

    return client.ask(
        client.address.server("/tokenize"), {"model": client.section.model, "add_special_tokens": False, **what}, read, retries=TRIES_MORE
    )


def score_ids(
    client: EndpointClient,
    style: Style,
    token_ids: Sequence[int],
    top_k: int,
    max_new_tokens: int,
    *,
    stop: threading.Event | None = None,
    retries: int | None = TRIES_MORE,
) -> list[Position]:
    """The positions of given tokens and of those decoded after them. EndpointError."""
    body = scoring_request(style, client.section.model, token_ids, top_k, max_new_tokens)
    where = client.address.place
    return client.ask(
        client.address.api("/completions"),
        body,
        lambda value: read_positions(style, value, token_ids, where),
        prompt=len(token_ids),
        max_new_tokens=max_new_tokens,
        stop=stop,
        retries=retries,
    )
