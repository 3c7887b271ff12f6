"""Finds out what an endpoint can do by asking it, with fixed words of our own."""

from collections.abc import Callable
from typing import Any

from seodang.core.errors import EndpointError
from seodang.models.chat_model import Completion, Sampling
from seodang.models.remote.answers import text_completion
from seodang.models.remote.calls import TRIES_MORE, chat_request, score_ids, tokenize
from seodang.models.remote.capabilities import Preflight, Refusal
from seodang.models.remote.client import EndpointClient
from seodang.models.remote.constrain import prove_constraints
from seodang.models.remote.failures import EndpointRefusalError
from seodang.models.remote.positions import Style
from seodang.models.think import ThinkMode

PROBE_WORDS = "Answer with one word: is water wet? 물은 젖어 있나요?"
PROBE_IDS = tuple(range(40, 56))  # ids that every vocabulary has
RUNGS = (1, 5, 20, 50)
_SERVED = ("owned_by", "root", "parent", "revision", "digest", "quantization")
_PROBE_TOKENS = 8
_NUM_DECODED = 3
_LARGEST_NOISE = 0.5  # nats between a token's log-probability when decoded and when scored; a list off by one place differs by more


class _Findings:
    """What one preflight has found so far."""

    def __init__(self, client: EndpointClient) -> None:
        self.client = client
        self.known: dict[str, Any] = {}
        self.refusals: list[Refusal] = []
        self.first_error: EndpointError | None = None

    def refuse(self, what: str, error: EndpointError | str) -> None:
        words = (error.words or error.what) if isinstance(error, EndpointRefusalError) else error if isinstance(error, str) else error.what
        self.refusals.append(Refusal(what, self.client.hide_key(words)))

    def attempt(self, what: str, ask: Callable[[], Any]) -> Any:
        """What `ask` returns, or None and a refusal in the list."""
        try:
            return ask()
        except EndpointError as error:
            self.refuse(what, error)
            self.first_error = self.first_error or error
            return None


def preflight(client: EndpointClient) -> tuple[Preflight, EndpointError | None]:
    """What the endpoint can do, and the error that ended the preflight if it cannot even chat. About fifteen small requests."""
    found = _Findings(client)
    base = {"place": client.address.place, "model": client.section.model}
    if not _look_for_the_model(found):
        return Preflight(**base, **found.known, refusals=tuple(found.refusals)), found.first_error
    found.first_error = None
    _try_chat(found)
    if not found.known["chat"]:
        return Preflight(**base, **found.known, refusals=tuple(found.refusals)), found.first_error
    _try_scoring(found)
    _try_constraints(found)
    rows = found.attempt("/tokenize", lambda: tokenize(client, {"prompt": PROBE_WORDS}))
    return Preflight(**base, **found.known, tokenizer=rows is not None, refusals=tuple(found.refusals)), None


def _look_for_the_model(found: _Findings) -> bool:
    """Fills in `reachable`, `model_listed` and `served`; False where nothing answers, or answers with a refusal of the key."""
    client = found.client
    try:
        value = client.get(client.address.api("/models"), retries=TRIES_MORE)
    except EndpointRefusalError as error:
        found.refuse("/v1/models", error)
        found.first_error = error
        found.known["reachable"] = True
        return error.status not in (401, 403)
    except EndpointError as error:
        found.refuse("a connection", error)
        found.first_error = error
        found.known["reachable"] = False
        return False
    found.known["reachable"] = True
    rows = value.get("data") if isinstance(value, dict) else None
    named = {row["id"]: row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)} if isinstance(rows, list) else {}
    if not named:
        found.refuse("/v1/models", "it lists no models")
        return True
    wanted = client.section.model
    found.known["model_listed"] = wanted in named
    row = named.get(wanted, {})
    found.known["served"] = {name: client.hide_key(row[name]) for name in _SERVED if isinstance(row.get(name), str)}
    found.known["synthetic"] = row.get("synthetic") is True
    if wanted not in named:
        found.refuse(f"the model `{wanted}`", f"it lists {', '.join(f'`{name}`' for name in list(named)[:8])}")
    return True


def _try_chat(found: _Findings) -> None:
    client = found.client
    plain = found.attempt("chat", lambda: chat_request(client, PROBE_WORDS, ThinkMode.NONE, _PROBE_TOKENS))
    found.known["chat"] = plain is not None
    if plain is None:
        return
    try:
        with_it, without = (chat_request(client, PROBE_WORDS, thinking, _PROBE_TOKENS) for thinking in (ThinkMode.ON, ThinkMode.OFF))
    except EndpointError as error:
        found.refuse("chat_template_kwargs.enable_thinking", error)
        found.known["thinking_switch"] = "refused"
        found.known["reasoning_apart"] = bool(plain.reasoning)
        return
    # A server that does not know the switch usually ignores it, so that acceptance alone proves nothing.
    differs = (with_it.num_prompt_tokens, bool(with_it.reasoning)) != (without.num_prompt_tokens, bool(without.reasoning))
    found.known["thinking_switch"] = "works" if differs else "no effect seen"
    found.known["reasoning_apart"] = bool(plain.reasoning or with_it.reasoning)


def _try_constraints(found: _Findings) -> None:
    # A model that thinks would spend the few tokens of a probe on its thoughts.
    thinking = ThinkMode.OFF if found.known["thinking_switch"] == "works" else ThinkMode.NONE
    found.known["constraints"] = prove_constraints(found.client, PROBE_WORDS, thinking, found.refuse)


def _try_scoring(found: _Findings) -> None:
    client = found.client
    url, where = client.address.api("/completions"), client.address.place
    body = {"model": client.section.model, "prompt": list(PROBE_IDS), "max_tokens": 1, "temperature": 0.0}

    def ask() -> Completion:
        return client.ask(
            url, body, lambda value: text_completion(value, Sampling(), where), prompt=len(PROBE_IDS), max_new_tokens=1, retries=TRIES_MORE
        )

    if found.attempt("token ids as a prompt of /v1/completions", ask) is None:
        return
    found.known["token_id_prompts"] = True
    styles: tuple[tuple[Style, str], ...] = (
        ("echo", "echo + logprobs, tokens named by id"),
        ("prompt_logprobs", "prompt_logprobs"),
        ("echo_text", "echo + logprobs, tokens named by text"),
    )
    for style, what in styles:
        try:
            found.known["scoring_noise"] = _prove(client, style)
        except EndpointError as error:
            found.refuse(what, error)
            continue
        found.known["scoring"] = style
        found.known["max_top_logprobs"] = 1
        break
    else:
        return
    for rung in RUNGS[1:]:
        try:
            positions = score_ids(client, found.known["scoring"], PROBE_IDS, rung, 1)
        except EndpointError as error:
            found.refuse(f"{rung} log-probabilities a token", error)
            found.known["refused_top_logprobs"] = rung
            return
        # A given token that is not among the best comes as one more; the decoded token at the end is the best.
        came = min(position.num_top for position in positions[1:])
        # Two alternatives with one text fall together where tokens are named by their text.
        if came < rung and found.known["scoring"] != "echo_text":
            found.refuse(f"{rung} log-probabilities a token", f"it accepts the request and returns {came}")
            found.known["refused_top_logprobs"] = rung
            return
        found.known["max_top_logprobs"] = rung


def _prove(client: EndpointClient, style: Style) -> float | None:
    """Decodes a few tokens, scores them as given ones, and returns the largest difference in nats. EndpointError where it is no noise.

    None where the decoded tokens have no ids, so that only the number and the form of the log-probabilities is proved.
    """
    first = score_ids(client, style, PROBE_IDS, 1, _NUM_DECODED)
    if style != "echo_text" and any(position.token_id is None or not position.top for position in first[1 : len(PROBE_IDS)]):
        raise EndpointError("the tokens come without ids", where=client.address.place)
    decoded = [(position.token_id, position.logprob) for position in first[len(PROBE_IDS) :]]
    new_ids = [token_id for token_id, _ in decoded if token_id is not None]
    if not new_ids or len(new_ids) < len(decoded):
        return None
    again = score_ids(client, style, [*PROBE_IDS, *new_ids], 1, 1)[len(PROBE_IDS) :]
    noise = max(abs((scored.logprob or 0.0) - (logprob or 0.0)) for scored, (_, logprob) in zip(again, decoded, strict=False))
    if noise > _LARGEST_NOISE:
        what = f"the same tokens differ by {noise:.2f} nats between decoding and scoring, as where a list is off by one place"
        raise EndpointError(what, where=client.address.place)
    return noise
