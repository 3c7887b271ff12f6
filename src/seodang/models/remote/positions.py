"""Log-probabilities of given tokens, in the forms that servers return them."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from seodang.core.errors import EndpointError
from seodang.models.chat_model import TokenTargets
from seodang.models.remote.answers import first_choice

# "echo": `echo` and `logprobs` of /v1/completions, tokens named by id. "echo_text": the same, tokens named by their text, which is
# not enough to know the alternatives (several ids can have one text). "prompt_logprobs": vLLM's own parameter, by id.
Style = Literal["echo", "echo_text", "prompt_logprobs"]

_TOKEN_ID = re.compile(r"token_id:([0-9]+)")
_ROUNDING = 1e-3  # a log-probability may be this much above 0, and a sum of probabilities this much above 1


@dataclass(frozen=True, slots=True)
class Position:
    """One token of a sequence: its id if named, its natural-log probability (None for the first), the best ids in its place."""

    token_id: int | None
    logprob: float | None
    top: tuple[tuple[int, float], ...]
    num_top: int  # alternatives that came, also those that carry no id


def scoring_request(style: Style, model: str, token_ids: Sequence[int], top_k: int, max_new_tokens: int = 1) -> dict[str, Any]:
    """The body that asks `/v1/completions` for the log-probabilities of `token_ids`, and greedily for `max_new_tokens` more."""
    num_top = max(1, top_k)  # some servers take 0 for "none at all"
    body: dict[str, Any] = {
        "model": model,
        "prompt": list(token_ids),
        "max_tokens": max_new_tokens,
        "temperature": 0.0,
        "logprobs": num_top,
    }
    if style != "echo_text":
        body["return_tokens_as_token_ids"] = True
    return body | ({"prompt_logprobs": num_top} if style == "prompt_logprobs" else {"echo": True})


def read_positions(style: Style, value: dict[str, Any], token_ids: Sequence[int], where: str) -> list[Position]:
    """The positions of `token_ids`, then those of the new tokens. EndpointError says what does not add up."""
    choice = first_choice(value, where)
    if style == "prompt_logprobs":
        new = _read_legacy(choice["logprobs"], where) if choice.get("logprobs") else []
        found = [*_read_prompt_logprobs(choice.get("prompt_logprobs"), token_ids, where), *new]
    else:
        found = _read_legacy(choice.get("logprobs"), where)
    if len(found) < len(token_ids):
        raise _unusable(f"they came for {len(found)} of {len(token_ids)} tokens", where)
    for index, (position, token_id) in enumerate(zip(found, token_ids, strict=False)):
        if position.token_id is not None and position.token_id != token_id:
            raise _unusable(f"token {index} is {position.token_id}, and {token_id} was sent", where)
        if index and position.logprob is None:
            raise _unusable(f"none came for token {index}", where)
    return found


def targets_of(positions: Sequence[Position], top_k: int, where: str) -> TokenTargets:
    """The targets of a continuation. EndpointError where fewer than `top_k` alternatives came: a shorter list would pass unseen."""
    for position in positions:
        if len(position.top) < top_k:
            raise _unusable(f"{len(position.top)} alternatives for a token, and {top_k} were asked for", where)
    return TokenTargets(
        top_ids=[[token_id for token_id, _ in position.top[:top_k]] for position in positions] if top_k else [],
        top_logprobs=[[logprob for _, logprob in position.top[:top_k]] for position in positions] if top_k else [],
        logprobs=[0.0 if position.logprob is None else min(0.0, position.logprob) for position in positions],
    )


def _read_legacy(logprobs: Any, where: str) -> list[Position]:
    """The parallel lists of `/v1/completions`."""
    if not isinstance(logprobs, dict) or not isinstance(logprobs.get("token_logprobs"), list):
        raise _unusable("none came", where)
    values = logprobs["token_logprobs"]
    names = logprobs.get("tokens") or [None] * len(values)
    tops = logprobs.get("top_logprobs") or [None] * len(values)
    if not (isinstance(names, list) and isinstance(tops, list) and len(names) == len(tops) == len(values)):
        raise _unusable("they are lists of unequal length", where)
    return [_position(_id_of(name), value, top, where) for name, value, top in zip(names, values, tops, strict=True)]


def _read_prompt_logprobs(rows: Any, token_ids: Sequence[int], where: str) -> list[Position]:
    """vLLM's list of {id: {logprob, rank, decoded_token}}, with null for the first token."""
    if not isinstance(rows, list):
        raise _unusable("none came for the prompt", where)
    found: list[Position] = []
    for row, token_id in zip(rows, token_ids, strict=False):
        if row is None:
            found.append(Position(token_id, None, (), 0))
            continue
        top = {name: item.get("logprob") for name, item in row.items() if isinstance(item, dict)} if isinstance(row, dict) else {}
        if str(token_id) not in top:
            raise _unusable(f"the sent token {token_id} is not among those at its place", where)
        found.append(_position(token_id, top[str(token_id)], {f"token_id:{name}": value for name, value in top.items()}, where))
    return found


def _position(token_id: int | None, value: Any, top: Any, where: str) -> Position:
    if value is None:
        return Position(token_id, None, (), 0)
    pairs = [(_id_of(name), min(0.0, _logprob(logprob, where))) for name, logprob in top.items()] if isinstance(top, dict) else []
    best = sorted(((name, logprob) for name, logprob in pairs if name is not None), key=lambda pair: (-pair[1], pair[0]))
    if math.fsum(math.exp(logprob) for _, logprob in best) > 1.0 + _ROUNDING:
        raise _unusable("the probabilities at one place add up to more than 1", where)
    return Position(token_id, _logprob(value, where), tuple(best), len(pairs))


def _logprob(value: Any, where: str) -> float:
    if not isinstance(value, int | float):
        raise _unusable("one of them is not a number", where)
    if not math.isfinite(value) or value > _ROUNDING:
        raise _unusable(f"one of them is {value}", where)
    return float(value)


def _id_of(name: Any) -> int | None:
    found = _TOKEN_ID.fullmatch(name) if isinstance(name, str) else None
    return int(found[1]) if found else None


def _unusable(what: str, where: str) -> EndpointError:
    hint = "a teacher whose log-probabilities are needed has to be another endpoint or a local model"
    return EndpointError(f"its log-probabilities cannot be used: {what}", where=where, hint=hint)
