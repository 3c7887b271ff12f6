"""The HTTP interface: which address does what."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from seodang.models.local import LocalModel
from seodang.serving import chat, completions, tokens, wire
from seodang.serving.generation import context_size
from seodang.serving.limits import Guard, read_json, read_key
from seodang.serving.protocol import ChatRequest, CompletionRequest, TokenizeRequest
from seodang.serving.refusal import RefusalError
from seodang.serving.scheduler import Scheduler
from seodang.serving.section import ServeSection

_PAGE_FILES = {
    "index.html": "text/html; charset=utf-8",
    "chat.css": "text/css; charset=utf-8",
    "chat.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def create_app(models: Mapping[str, LocalModel], options: ServeSection) -> FastAPI:
    """The interface to `models`, by the names that clients ask for. InputError where the key is named but missing, or needed.

    One scheduler, at `app.state.scheduler`, works for all of them; it ends with the application.
    """
    scheduler = Scheduler(options.max_concurrency, options.queue_size, options.request_timeout_s)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await asyncio.to_thread(scheduler.close)

    # FastAPI's own pages would load scripts from elsewhere.
    app = FastAPI(title="seodang", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.scheduler = scheduler
    app.add_middleware(Guard, section=options, key=read_key(options))
    _add_errors(app)
    _add_page(app)
    _add_models(app, models, scheduler)
    _add_answers(app, models, scheduler, options)
    return app


def _add_answers(app: FastAPI, models: Mapping[str, LocalModel], scheduler: Scheduler, options: ServeSection) -> None:
    @app.post("/v1/chat/completions")
    async def chat_completions(request: Request) -> Response:
        ask = await read_json(request, ChatRequest, options)
        name, model = _find(models, ask.model)
        _limit(ask.n or 1, ask.top_logprobs, "top_logprobs", options)
        job = scheduler.submit(lambda: chat.steps(model, ask, options))
        if ask.stream:
            first = await wire.unless_disconnected(request, job, wire.opened(job))
            return wire.EventStream(job, chat.events(job, first.num_prompt_tokens, name, ask, model))
        return JSONResponse(await wire.unless_disconnected(request, job, chat.whole(job, name, ask, model)))

    @app.post("/v1/completions")
    async def text_completions(request: Request) -> Response:
        ask = await read_json(request, CompletionRequest, options)
        name, model = _find(models, ask.model)
        _limit((ask.n or 1) * len(ask.prompt), ask.logprobs, "logprobs", options)
        job = scheduler.submit(lambda: completions.steps(model, ask, options))
        if ask.stream:
            first = await wire.unless_disconnected(request, job, wire.opened(job))
            return wire.EventStream(job, completions.events(job, first.num_prompt_tokens, name, ask))
        return JSONResponse(await wire.unless_disconnected(request, job, completions.whole(job, name, ask)))

    @app.post("/tokenize")
    async def tokenize(request: Request) -> Response:
        ask = await read_json(request, TokenizeRequest, options)
        _, model = _find(models, ask.model)
        job = scheduler.submit(lambda: tokens.steps(model, ask))
        return JSONResponse(await wire.unless_disconnected(request, job, anext(job)))


def _find(models: Mapping[str, LocalModel], name: str | None) -> tuple[str, LocalModel]:
    """The model of that name; the only one where no name is given."""
    if name is None and len(models) == 1:
        return next(iter(models.items()))
    if name is None or name not in models:
        served = ", ".join(f"`{known}`" for known in models)
        what = "`model` is missing" if name is None else f"there is no model `{name[:80]}` here"
        raise RefusalError(400 if name is None else 404, f"{what}; this server has {served}", param="model", code="model_not_found")
    return name, models[name]


def _limit(num_choices: int, num_top: int | None, param: str, options: ServeSection) -> None:
    if num_choices > options.max_choices:
        message = f"{num_choices} answers (prompts times `n`) were asked for; this server gives up to {options.max_choices}"
        raise RefusalError(400, message, param="n", code="too_many_choices")
    if (num_top or 0) > options.max_logprobs:
        message = f"`{param}` of {num_top} was asked for; this server gives up to {options.max_logprobs} (its `max_logprobs`)"
        raise RefusalError(400, message, param=param, code="too_many_logprobs")


def _add_models(app: FastAPI, models: Mapping[str, LocalModel], scheduler: Scheduler) -> None:
    created = int(time.time())

    def row(name: str) -> wire.JSON:
        model = models[name]
        origin = {"owned_by": "seodang", "max_model_len": context_size(model), "synthetic": model.synthetic}
        return {"id": name, "object": "model", "created": created, **origin}

    @app.get("/v1/models")
    async def list_models() -> Response:
        return JSONResponse({"object": "list", "data": [row(name) for name in models]})

    @app.get("/v1/models/{name:path}")
    async def one_model(name: str) -> Response:
        return JSONResponse(row(_find(models, name)[0]))

    @app.get("/healthz")
    async def health() -> Response:
        return JSONResponse({"status": "ok" if scheduler.alive else "stopped"}, 200 if scheduler.alive else 503)


def _add_page(app: FastAPI) -> None:
    folder = files("seodang.serving") / "page"
    contents = {name: (folder / name).read_bytes() for name in _PAGE_FILES}

    @app.get("/")
    async def index() -> Response:
        return Response(contents["index.html"], media_type=_PAGE_FILES["index.html"])

    @app.get("/page/{name}")
    async def page_file(name: str) -> Response:
        if name not in contents:
            raise HTTPException(404)
        return Response(contents[name], media_type=_PAGE_FILES[name])


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(RefusalError)
    async def refused(_: Request, refusal: RefusalError) -> Response:
        return refusal.response()

    @app.exception_handler(HTTPException)
    async def not_there(request: Request, error: HTTPException) -> Response:
        message = f"{request.method} is not possible here" if error.status_code == 405 else "there is nothing at this address"
        return RefusalError(error.status_code, message, headers=error.headers).response()

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return RefusalError(400, "the client has gone").response()

    @app.exception_handler(Exception)  # Starlette raises it again, so that the server's log has the traceback
    async def failed(_: Request, __: Exception) -> Response:
        return RefusalError(500, "the server failed while it answered; its log says why").response()
