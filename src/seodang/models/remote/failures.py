"""What went wrong at an endpoint, in one line with a next step. Nothing here shows a key."""

import json
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from seodang.core.errors import EndpointError, SeodangError

_WORDS_LIMIT = 300
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
_FOR_LOAD = frozenset({429, 503, 529})

_HINTS = {
    400: "the request is at fault: see what the server says; a prompt may be too long for the served model",
    401: "name the right key with `teacher.api_key_env` or `teacher.api_key_file`",
    403: "the key may not use this model: ask for access, or name another key with `teacher.api_key_env` or `teacher.api_key_file`",
    404: "correct `teacher.url` (it usually ends in /v1) or `teacher.model`",
    408: "raise `teacher.timeout_s` or lower `teacher.max_concurrency`",
    413: "the prompt is too large for this server: shorten the documents' passages",
    422: "the server does not take this request: see what it says",
    429: "set `teacher.requests_per_minute` to what the server allows, then run the same command again",
}
_HINT_OF_A_BROKEN_SERVER = "look into the server's own log, then run the same command again"
_HINT_OF_A_LOST_SERVER = "see that the server still runs, then run the same command again"


class EndpointRefusalError(EndpointError):
    """An answer with an HTTP status that is not success. `words` is the server's own message, trimmed."""

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None, status: int = 0, words: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.status = status
        self.words = words

    @property
    def of_this_request(self) -> bool:
        """Whether another request may fare better: a prompt that is too long, say, and not a wrong key."""
        return self.status in (400, 413, 422)


class PassingError(EndpointError):
    """A failure that may pass: the same request is worth another try.

    `congested` means that the server is under load, `retry_after_s` is the time it asked for, and `may_have_worked` that it had
    the whole request, so that it may have used tokens.
    """

    def __init__(
        self, error: EndpointError, *, congested: bool = False, retry_after_s: float | None = None, may_have_worked: bool = False
    ) -> None:
        super().__init__(error.what, where=error.where, hint=error.hint)
        self.error = error
        self.congested = congested
        self.retry_after_s = retry_after_s
        self.may_have_worked = may_have_worked

    def final(self, tries: int) -> EndpointError:
        """The error that is told once no further try is made."""
        if tries > 1:
            self.error.what += f" ({tries} tries)"
        return self.error


@contextmanager
def reworded(reword: Callable[[str], str] | None) -> Generator[None]:
    """Rewords what an error says and its hint, which speak of a recipe's keys; None leaves them."""
    try:
        yield
    except SeodangError as error:
        if reword is not None:
            error.what, error.hint = reword(error.what), error.hint and reword(error.hint)
        raise


def refused(status: int, headers: httpx.Headers, text: str, where: str, epoch: float) -> EndpointError:
    """The error of an answer that is not a success; a `PassingError` where a further try is worth it."""
    words = server_words(text)
    hint = _HINTS.get(status, _HINT_OF_A_BROKEN_SERVER if status >= 500 else "correct `teacher.url`: the server answers from elsewhere")
    error = EndpointRefusalError(
        f"refused with HTTP {status}: {words or 'no reason given'}", where=where, hint=hint, status=status, words=words
    )
    if status not in _RETRYABLE:
        return error
    return PassingError(error, congested=status in _FOR_LOAD, retry_after_s=retry_after(headers, epoch))


def lost(error: Exception, where: str, timeout_s: float) -> EndpointError:
    """The error of a request that brought no whole answer."""
    chain = _reasons(error)
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        found = EndpointError("no connection within the time allowed", where=where, hint="check the address, the network and the firewall")
        return PassingError(found)
    if isinstance(error, httpx.TimeoutException):
        found = EndpointError(
            f"no whole answer within {timeout_s:g} s", where=where, hint="raise `teacher.timeout_s`, or lower `teacher.max_concurrency`"
        )
        return PassingError(found, congested=True, may_have_worked=True)
    if isinstance(error, httpx.ConnectError):
        if "certificate" in chain.lower():
            return EndpointError(
                "its TLS certificate is not trusted", where=where, hint="check the host name and the certificate; there is no way around it"
            )
        if "ssl" in chain.lower():
            return EndpointError(
                "no TLS connection", where=where, hint="check whether the server speaks https or http, and write that into `teacher.url`"
            )
        if re.search(r"name or service not known|nodename|getaddrinfo|name resolution|no address", chain, re.IGNORECASE):
            return PassingError(
                EndpointError("no such host", where=where, hint="correct the host name in `teacher.url`, or check the network")
            )
        refused_it = "refused" in chain.lower()
        what = "nothing answers there (connection refused)" if refused_it else "no connection"
        return PassingError(EndpointError(what, where=where, hint="start the server, or correct `teacher.url`"))
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError | httpx.DecodingError):
        found = EndpointError("the connection broke in the middle of an answer", where=where, hint=_HINT_OF_A_LOST_SERVER)
        return PassingError(found, may_have_worked=True)
    return EndpointError(
        f"the request could not be made ({type(error).__name__})", where=where, hint="check `teacher.url` and the proxy settings"
    )


def malformed(what: str, where: str) -> PassingError:
    """The error of an answer that arrived and does not have the form that the protocol says."""
    hint = "check that `teacher.url` is the base of an OpenAI-compatible interface (it usually ends in /v1)"
    return PassingError(EndpointError(f"the answer makes no sense: {what}", where=where, hint=hint), may_have_worked=True)


def retry_after(headers: httpx.Headers, epoch: float) -> float | None:
    """Seconds to wait, from `Retry-After` as seconds or as a date (RFC 9110, 10.2.3); None where there is none that can be read."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - epoch)
    except (ValueError, TypeError):
        return None


def server_words(text: str) -> str:
    """The server's message in the body of its refusal, on one line of at most 300 printable characters."""
    text = text[:20_000]
    try:
        text = message_in(json.loads(text)) or text
    except (ValueError, RecursionError):
        text = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    return one_line(text)


def one_line(text: str) -> str:
    """`text` without line breaks and control characters, cut at 300 characters."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= _WORDS_LIMIT else line[: _WORDS_LIMIT - 1] + "…"


def message_in(value: Any) -> str:
    """The message inside the forms that vLLM, SGLang, llama.cpp and FastAPI give their errors; empty where there is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return next((found for key in ("error", "message", "detail", "msg") if (found := message_in(value.get(key)))), "")
    if isinstance(value, list):
        return "; ".join(found for item in value[:3] if (found := message_in(item)))
    return ""


def _reasons(error: BaseException) -> str:
    """The messages of an exception and of what caused it: httpx keeps the operating system's reason underneath."""
    found: list[str] = []
    link: BaseException | None = error
    while link is not None and len(found) < 8:
        found.append(str(link))
        link = link.__cause__ or link.__context__
    return " ".join(found)
