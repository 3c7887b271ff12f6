"""A server that speaks as A.X K1 is served by vLLM, with a toy model inside and faults on demand.

Run by hand from the folder `tests`: `python -m endpoints.axk1 --port 8100`.
"""

import argparse
import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from endpoints.byte_tokenizer import ByteTokenizer, next_logprobs
from endpoints.fitting import fitting_text

MODEL = "skt/A.X-K1"
_KNOWN_CHAT = {
    "model",
    "messages",
    "max_tokens",
    "temperature",
    "top_p",
    "seed",
    "stop",
    "n",
    "logprobs",
    "top_logprobs",
    "stream",
    "response_format",
}
_KNOWN_COMPLETION = {"model", "prompt", "max_tokens", "temperature", "top_p", "seed", "stop", "n", "logprobs", "echo", "stream"}
_OF_VLLM = {"chat_template_kwargs", "prompt_logprobs", "return_tokens_as_token_ids", "return_token_ids", "add_special_tokens"} | {
    "structured_outputs",
    "guided_json",
    "guided_regex",
}
_OFFERED = {"models", "completions", "echo", "prompt_logprobs", "tokenize", "reasoning", "usage", "response_format", "structured_outputs"}


@dataclass
class Behaviour:
    """What the server offers and which faults it has now. A test changes it between requests."""

    max_logprobs: int = 20
    most_returned: int = 10_000  # alternatives that come back, whatever was accepted
    context: int = 4096
    offers: set[str] = field(default_factory=lambda: set(_OFFERED))
    strict: bool = False  # refuses parameters that the OpenAI protocol does not have
    names_ids: bool = True  # heeds return_tokens_as_token_ids
    drops_logprobs_after: int | None = None  # so many answers, then requests for them are accepted and none come
    shifts_logprobs: bool = False  # scores of given tokens are off by one place
    reasoning_field: str = "reasoning_content"
    api_key: str | None = None
    repeats_key: bool = False  # puts the wrong key into its refusal, as some servers do
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)  # (status, headers) of the next answers
    dies_after: int | None = None  # so many answers, then every connection breaks in the middle
    body: bytes | None = None  # sent instead of an answer, with HTTP 200
    delay_s: float = 0.0


@dataclass
class Axk1:
    """The server's state: its behaviour and what it was asked."""

    behaviour: Behaviour = field(default_factory=Behaviour)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tokenizer: ByteTokenizer = field(default_factory=ByteTokenizer)
    num_answers: int = 0
    most_at_once: int = 0
    num_at_once: int = 0

    def asked(self, path: str) -> list[dict[str, Any]]:
        """The bodies sent to one path, in order."""
        return [body for where, body in list(self.requests) if where == path]


class _Refusal(Exception):
    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers


class _Broken(Response):
    """Half of an answer, and then the connection breaks."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b'{"choices": [{"mess', "more_body": True})
        raise ConnectionError("on purpose")


def application(server: Axk1) -> Starlette:
    """The ASGI application over a server's state."""

    def route(path: str, answer: Callable[[dict[str, Any]], Any], *, inference: bool) -> Route:
        async def handle(request: Request) -> Response:
            body = await request.json() if request.method == "POST" else {}
            server.requests.append((path, body))
            server.num_at_once += 1
            server.most_at_once = max(server.most_at_once, server.num_at_once)
            try:
                return await _answer(server, request, body, answer, inference=inference)
            except _Refusal as refusal:
                error = {"message": refusal.message, "type": "BadRequestError", "param": None, "code": refusal.status}
                return JSONResponse({"error": error}, refusal.status, refusal.headers)
            finally:
                server.num_at_once -= 1

        return Route(path, handle, methods=["POST"] if path not in ("/v1/models",) else ["GET"])

    return Starlette(
        routes=[
            route("/v1/models", lambda body: _models(server), inference=False),
            route("/v1/chat/completions", lambda body: _chat(server, body), inference=True),
            route("/v1/completions", lambda body: _complete(server, body), inference=True),
            route("/tokenize", lambda body: _tokenize(server, body), inference=False),
        ]
    )


async def _answer(server: Axk1, request: Request, body: dict[str, Any], answer: Callable[[Any], Any], *, inference: bool) -> Response:
    now = server.behaviour
    sent = request.headers.get("authorization", "").removeprefix("Bearer ")
    if now.api_key is not None and sent != now.api_key:
        raise _Refusal(401, f"Incorrect API key provided: {sent}" if now.repeats_key else "Unauthorized")
    if inference:
        if now.delay_s:
            await asyncio.sleep(now.delay_s)
        if now.refusals:
            status, headers = now.refusals.pop(0)
            raise _Refusal(status, "the engine is overloaded, come back later", headers)
        if now.dies_after is not None and server.num_answers >= now.dies_after:
            return _Broken()
        if now.body is not None:
            return Response(now.body, media_type="application/json")
        if body.get("model") != MODEL:
            raise _Refusal(404, f"The model `{body.get('model')}` does not exist.")
        if body.get("stream"):
            raise _Refusal(400, "streaming is not offered here")
    value = answer(body)
    server.num_answers += inference
    return JSONResponse(value)


def _models(server: Axk1) -> dict[str, Any]:
    if "models" not in server.behaviour.offers:
        raise _Refusal(404, "Not Found")
    row = {"id": MODEL, "object": "model", "created": 0, "owned_by": "vllm", "root": "/models/axk1", "synthetic": True}
    return {"object": "list", "data": [row | {"max_model_len": server.behaviour.context}]}


def _chat(server: Axk1, body: dict[str, Any]) -> dict[str, Any]:
    now = server.behaviour
    _check(now, body, _KNOWN_CHAT, asked=body.get("top_logprobs") or 0)
    thinking = bool(body.get("chat_template_kwargs", {}).get("enable_thinking", False))
    template = server.tokenizer.apply_chat_template(body["messages"], add_generation_prompt=True, enable_thinking=thinking)
    prompt = server.tokenizer(template)["input_ids"]
    _check_length(now, prompt, body)
    choices = [_chat_choice(server, body, prompt, thinking, index) for index in range(body.get("n", 1))]
    new = sum(choice.pop("num_tokens") for choice in choices)
    return {"id": "chat-1", "object": "chat.completion", "created": 0, "model": MODEL, "choices": choices} | _usage(now, len(prompt), new)


def _chat_choice(server: Axk1, body: dict[str, Any], prompt: list[int], thinking: bool, index: int) -> dict[str, Any]:
    question = body["messages"][-1]["content"]
    text = f"answer to: {question}" + (f" (seed {body.get('seed', 0) + index})" if body.get("temperature", 1.0) else "")
    text = fitting_text(body, server.behaviour.offers) or text
    whole = server.tokenizer((f"they ask: {question}</think>" if thinking else "") + text + "<|end|>")["input_ids"]
    limit = body.get("max_tokens") or server.behaviour.context - len(prompt)
    kept = whole[:limit]
    shown = server.tokenizer.decode(kept).removesuffix("<|end|>")
    end = min((place for stop in body.get("stop") or [] if (place := shown.find(stop)) >= 0), default=len(shown))
    cut = len(kept) < len(whole) and end == len(shown)
    reasoning, _, content = shown[:end].partition("</think>") if thinking else ("", "", shown[:end])
    message: dict[str, str | None] = {"role": "assistant", "content": content}
    if "reasoning" in server.behaviour.offers:
        message[server.behaviour.reasoning_field] = reasoning or None
    elif thinking:
        message["content"] = shown[:end]
    logprobs = None
    if body.get("logprobs"):
        num_top = body.get("top_logprobs") or 0
        logprobs = {"content": [_chat_logprob(server, [*prompt, *kept[:place]], token, num_top) for place, token in enumerate(kept)]}
    return {
        "index": index,
        "message": message,
        "logprobs": logprobs,
        "finish_reason": "length" if cut else "stop",
        "num_tokens": len(kept),
    }


def _chat_logprob(server: Axk1, before: list[int], token: int, num_top: int) -> dict[str, Any]:
    values = next_logprobs(before)
    best = sorted(range(len(values)), key=lambda i: -values[i])[:num_top]
    row = {"token": server.tokenizer.decode([token]), "bytes": None, "logprob": values[token]}
    return row | {"top_logprobs": [{"token": server.tokenizer.decode([i]), "bytes": None, "logprob": values[i]} for i in best]}


def _complete(server: Axk1, body: dict[str, Any]) -> dict[str, Any]:
    now = server.behaviour
    if "completions" not in now.offers:
        raise _Refusal(404, "Not Found")
    _check(now, body, _KNOWN_COMPLETION, asked=max(body.get("logprobs") or 0, body.get("prompt_logprobs") or 0))
    if body.get("echo") and "echo" not in now.offers:
        raise _Refusal(400, "echo is not supported")
    if body.get("prompt_logprobs") and "prompt_logprobs" not in now.offers:
        raise _Refusal(400, "prompt_logprobs is not supported")
    prompt = body["prompt"] if isinstance(body["prompt"], list) else server.tokenizer(body["prompt"])["input_ids"]
    _check_length(now, prompt, body)
    ids, reason = list(prompt), "length"
    for _ in range(body.get("max_tokens", 16)):
        values = next_logprobs(ids)
        token = max(range(len(values)), key=values.__getitem__)
        if token == server.tokenizer.eos_token_id:
            reason = "stop"
            break
        ids.append(token)
    shown = ids if body.get("echo") else ids[len(prompt) :]
    choice: dict[str, Any] = {"index": 0, "text": server.tokenizer.decode(shown), "finish_reason": reason, "logprobs": None}
    if body.get("logprobs") is not None and not _drops(server):
        named = now.names_ids and bool(body.get("return_tokens_as_token_ids"))
        choice["logprobs"] = _logprob_lists(server, ids, len(ids) - len(shown), len(prompt), body["logprobs"], named=named)
    if body.get("prompt_logprobs"):
        choice["prompt_logprobs"] = [None] if _drops(server) else _prompt_logprobs(now, prompt, body["prompt_logprobs"])
    counts = _usage(now, len(prompt), len(ids) - len(prompt))
    return {"id": "cmpl-1", "object": "text_completion", "created": 0, "model": MODEL, "choices": [choice]} | counts


def _logprob_lists(server: Axk1, ids: list[int], start: int, num_prompt: int, num_top: int, *, named: bool) -> dict[str, Any]:
    name: Callable[[int], str] = (lambda i: f"token_id:{i}") if named else (lambda i: server.tokenizer.decode([i]))
    tokens = [name(token) for token in ids[start:]]
    scores: list[float | None] = []
    tops: list[dict[str, float] | None] = []
    for place in range(start, len(ids)):
        if place == 0:
            scores.append(None)
            tops.append(None)
            continue
        shift = 1 if server.behaviour.shifts_logprobs and 1 < place < num_prompt else 0
        values = next_logprobs(ids[: place - shift])
        scores.append(values[ids[place - shift]])
        tops.append({name(i): values[i] for i in _best(server.behaviour, values, num_top, ids[place - shift])})
    return {"tokens": tokens, "token_logprobs": scores, "top_logprobs": tops, "text_offset": [0] * len(tokens)}


def _prompt_logprobs(now: Behaviour, ids: list[int], num_top: int) -> list[dict[str, dict[str, Any]] | None]:
    rows: list[dict[str, dict[str, Any]] | None] = [None]
    for place in range(1, len(ids)):
        values = next_logprobs(ids[:place])
        best = _best(now, values, num_top, ids[place])
        rows.append({str(i): {"logprob": values[i], "rank": rank, "decoded_token": ""} for rank, i in enumerate(best, 1)})
    return rows


def _drops(server: Axk1) -> bool:
    after = server.behaviour.drops_logprobs_after
    return after is not None and server.num_answers >= after


def _best(now: Behaviour, values: tuple[float, ...], num_top: int, chosen: int) -> list[int]:
    """The best ids, and the chosen one where it is not among them, as vLLM returns them."""
    best = sorted(range(len(values)), key=lambda i: -values[i])[: min(num_top, now.most_returned)]
    return best if chosen in best else [*best, chosen]


def _tokenize(server: Axk1, body: dict[str, Any]) -> dict[str, Any]:
    if "tokenize" not in server.behaviour.offers:
        raise _Refusal(404, "Not Found")
    text = body.get("prompt")
    if text is None:
        thinking = body.get("chat_template_kwargs", {}).get("enable_thinking", False)
        text = server.tokenizer.apply_chat_template(body["messages"], add_generation_prompt=True, enable_thinking=thinking)
    ids = server.tokenizer(text)["input_ids"]
    return {"tokens": ids, "count": len(ids), "max_model_len": server.behaviour.context}


def _check(now: Behaviour, body: dict[str, Any], known: set[str], asked: int) -> None:
    if now.strict and (unknown := sorted(set(body) - known)):
        raise _Refusal(400, f"Unrecognized request argument supplied: {unknown[0]}")
    if unknown := sorted(set(body) - known - _OF_VLLM):
        raise _Refusal(400, f"unexpected parameter {unknown[0]}")
    if asked > now.max_logprobs:
        raise _Refusal(400, f"Requested logprobs of {asked}, which is greater than max allowed: {now.max_logprobs}")


def _check_length(now: Behaviour, prompt: list[int], body: dict[str, Any]) -> None:
    if len(prompt) + (body.get("max_tokens") or 1) > now.context:
        raise _Refusal(400, f"This model's maximum context length is {now.context} tokens; your prompt has {len(prompt)}.")


def _usage(now: Behaviour, prompt: int, new: int) -> dict[str, Any]:
    counts = {"prompt_tokens": prompt, "completion_tokens": new, "total_tokens": prompt + new}
    return {"usage": counts} if "usage" in now.offers else {}


@contextmanager
def serving(app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> Generator[str]:
    """Runs an application in a thread on a free port of 127.0.0.1; gives the base URL of its interface."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="auto", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join(5)


def main() -> None:
    """Serves the toy model until it is interrupted."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=8100)
    uvicorn.run(application(Axk1()), host="127.0.0.1", port=parser.parse_args().port, ws="none")


if __name__ == "__main__":
    main()
