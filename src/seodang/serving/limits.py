"""What stands before every request: who is asking, by which name, and how long the request is."""

import asyncio
import hashlib
import hmac
import ipaddress
import os
from typing import Any, TypeVar

import pydantic_core
from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seodang.core.errors import InputError
from seodang.serving.protocol import explain
from seodang.serving.refusal import RefusalError
from seodang.serving.section import ServeSection

Body = TypeVar("Body", bound=BaseModel)

_OPEN_PATHS = ("/", "/healthz")  # and the files of the page: nothing in them is secret
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own, out of reach for others."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def read_key(section: ServeSection) -> str | None:
    """The key that clients must send, or None. InputError where it is named but not there, or where only a key makes the host safe."""
    if section.api_key_env is not None:
        where, key = f"environment variable {section.api_key_env}", os.environ.get(section.api_key_env, "").strip()
    elif section.api_key_file is not None:
        where = str(section.api_key_file)
        try:
            key = section.api_key_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            what = "the file of the API key cannot be read as ASCII text"
            raise InputError(what, where=where, hint="put the key, and nothing else, into it") from error
    elif is_loopback(section.host):
        return None
    else:
        raise InputError(
            "anyone who can reach this address could use the model, and no key is set",
            where=f"serve.host: {section.host}",
            hint="name the variable that holds a key with `--api-key-env`, or listen on 127.0.0.1",
        )
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        what = "no API key there, or one with spaces or other letters than ASCII"
        raise InputError(what, where=where, hint="try one from `openssl rand -hex 24`")
    return key


class Guard:
    """Refuses wrong host names (of a page elsewhere whose name was pointed at this machine) and wrong keys. Adds safe headers."""

    def __init__(self, app: ASGIApp, *, section: ServeSection, key: str | None) -> None:
        self._app = app
        self._only_loopback_names = is_loopback(section.host)
        self._key_digest = None if key is None else _digest(key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refuse(scope["path"], Headers(scope=scope))
        await (refusal.response() if refusal else self._app)(scope, receive, send_safely)

    def _refuse(self, path: str, headers: Headers) -> RefusalError | None:
        if self._only_loopback_names and not is_loopback(_host_name(headers.get("host", ""))):
            message = "this server answers to localhost, 127.0.0.1 and [::1] only; the Host header names something else"
            return RefusalError(400, message, code="host_not_allowed")
        if self._key_digest is None or path in _OPEN_PATHS or path.startswith("/page/"):
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(_digest(given.strip()), self._key_digest):
            return None
        message = "this server needs its API key, as `Authorization: Bearer KEY`" + ("; the one given is not it" if given else "")
        return RefusalError(401, message, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()  # of equal length, whatever is given


def _host_name(host: str) -> str:
    """The name in a Host header, without the port."""
    name, colon, port = host.rpartition(":")
    return name if colon and (port.isdigit() or not port) else host


async def read_json(request: Request, kind: type[Body], section: ServeSection) -> Body:
    """The body as `kind`. RefusalError where it is too long, too slow, no JSON, or not of that form."""
    # A page elsewhere can post text and forms here without asking first, but not JSON.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RefusalError(415, "the body has to be JSON, sent with the header `Content-Type: application/json`")
    try:
        async with asyncio.timeout(section.request_timeout_s):
            body = await _read_body(request, section.max_body_bytes)
    except TimeoutError:
        raise RefusalError(408, f"the body did not arrive within {section.request_timeout_s:g} s", code="timeout") from None
    try:
        value: Any = pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise RefusalError(400, f"the body is not JSON: {error}", code="invalid_json") from None
    if not isinstance(value, dict):
        raise RefusalError(400, "the body has to be a JSON object", code="invalid_json")
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        param, message = explain(error, kind)
        raise RefusalError(400, message, param=param, code="invalid_value") from None


async def _read_body(request: Request, max_bytes: int) -> bytes:
    message = f"the body is longer than {max_bytes} bytes, the limit of this server"
    refusal = RefusalError(413, message, code="body_too_long", headers={"Connection": "close"})
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > max_bytes:
        raise refusal
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise refusal
    return bytes(body)
