"""Answers on their way out: collected into one JSON object, or as server-sent events."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from seodang.serving.generation import Opened, Piece, Token
from seodang.serving.refusal import RefusalError
from seodang.serving.scheduler import Job

Result = TypeVar("Result")
JSON = dict[str, Any]

_LOG = logging.getLogger(__name__)
_LOWEST_LOGPROB = -9999.0  # JSON has no infinity; the protocol writes this


@dataclass(slots=True)
class Choice:
    """One whole answer."""

    text: str = ""
    tokens: list[Token] = field(default_factory=list[Token])
    finish_reason: str | None = None


def envelope(prefix: str, kind: str, model: str) -> JSON:
    """The fields that an answer, or each event of a streamed one, begins with."""
    return {"id": f"{prefix}-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}


def usage(num_prompt_tokens: int, num_new_tokens: int) -> JSON:
    """The tokens of a request and its answers, counted."""
    return {
        "prompt_tokens": num_prompt_tokens,
        "completion_tokens": num_new_tokens,
        "total_tokens": num_prompt_tokens + num_new_tokens,
    }


def finite(logprob: float) -> float:
    """A log-probability that JSON can hold."""
    return max(logprob, _LOWEST_LOGPROB)


async def opened(job: Job[Opened | Piece]) -> Opened:
    """The first step of a job. RefusalError where its request is refused."""
    step = await anext(job)
    assert isinstance(step, Opened)
    return step


async def pieces(job: Job[Opened | Piece]) -> AsyncIterator[Piece]:
    """The further steps of a job."""
    async for step in job:
        assert isinstance(step, Piece)
        yield step


async def collect(job: Job[Opened | Piece]) -> tuple[list[Choice], JSON]:
    """The choices in order, and the tokens used."""
    num_prompt_tokens = (await opened(job)).num_prompt_tokens
    choices: dict[int, Choice] = {}
    num_new_tokens = 0
    async for piece in pieces(job):
        choice = choices.setdefault(piece.choice, Choice())
        choice.text += piece.text
        choice.tokens += piece.tokens
        choice.finish_reason = piece.finish_reason or choice.finish_reason
        num_new_tokens += piece.num_new_tokens
    return [choices[index] for index in sorted(choices)], usage(num_prompt_tokens, num_new_tokens)


async def unless_disconnected(request: Request, job: Job[Any], answer: Coroutine[Any, Any, Result]) -> Result:
    """What `answer` gives. RefusalError when the client goes first. The job is cancelled whenever there is no answer."""
    answering = asyncio.ensure_future(answer)
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise RefusalError(400, "the client has gone")
        return answering.result()
    except BaseException:
        job.cancel()
        raise
    finally:
        answering.cancel()
        leaving.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class EventStream(StreamingResponse):
    """Server-sent events. The job is cancelled as soon as no one reads them any more."""

    def __init__(self, job: Job[Any], events: AsyncGenerator[JSON]) -> None:
        super().__init__(_written(events), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._job = job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._job.cancel()


async def _written(events: AsyncGenerator[JSON]) -> AsyncIterator[str]:
    """The events as they are sent. A fault half-way becomes the last event, because the status has been sent already."""
    try:
        async for event in events:
            yield _event(event)
        yield "data: [DONE]\n\n"
    except RefusalError as refusal:
        yield _event(refusal.body)
    except Exception:  # noqa: BLE001 - the log has it, and the client is told
        _LOG.exception("a streamed answer broke off")
        yield _event(RefusalError(500, "the server failed while it answered; its log says why").body)


def _event(value: JSON) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False, allow_nan=False)}\n\n"
