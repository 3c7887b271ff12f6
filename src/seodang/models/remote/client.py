"""Requests to one endpoint: the key's header, the pace, the budget, further tries, and errors that say what to do."""

import itertools
import json
import random
import threading
import weakref
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from seodang.core.errors import EndpointError
from seodang.models.remote.address import parse_address
from seodang.models.remote.budget import TokenBudget, Usage
from seodang.models.remote.clock import Clock
from seodang.models.remote.failures import PassingError, lost, malformed, message_in, one_line, refused, reworded
from seodang.models.remote.kept import KeptAnswers
from seodang.models.remote.keys import Key, read_key
from seodang.models.remote.pace import Pace

if TYPE_CHECKING:
    from seodang.models.openai_http import OpenAIHTTPTeacher

Answer = TypeVar("Answer")

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0
_LONGEST_RETRY_AFTER_S = 600.0
_LONGEST_ANSWER_BYTES = 256 << 20


class StoppedError(Exception):
    """A request that was not made because the work around it had stopped."""


class _Bearer(httpx.Auth):
    """Puts the key into the one header that carries it, at the last moment."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request


class EndpointClient:
    """An open connection to the endpoint of a section, used from several threads at once."""

    def __init__(self, section: "OpenAIHTTPTeacher", clock: Clock | None = None, reword: Callable[[str], str] | None = None) -> None:
        """`reword` changes what errors say of `teacher.url` and the like, where no recipe gave the section."""
        self.section = section
        self._reword = reword
        self.address = parse_address(section.url)
        self.clock = clock or Clock()
        self.pace = Pace(section.max_concurrency, section.requests_per_minute, section.timeout_s / 2, self.clock)
        self._budget = TokenBudget(section.token_budget, self.address.place, section.price, section.money_budget)
        self._key = read_key(section)
        self._random = random.Random(0)
        self._kept: KeptAnswers | None = None
        self._http = httpx.Client(
            auth=_Bearer(self._key) if self._key else None,
            timeout=httpx.Timeout(section.timeout_s, connect=min(10.0, section.timeout_s)),
            limits=httpx.Limits(max_connections=section.max_concurrency, max_keepalive_connections=section.max_concurrency),
            trust_env=not self.address.loopback,  # a proxy is for other machines
        )
        weakref.finalize(self, self._http.close)

    @property
    def used(self) -> Usage:
        """Requests and tokens so far."""
        return self._budget.used

    @property
    def spent(self) -> float | None:
        """What was paid, by earlier runs too where their bill is kept; None without a price."""
        return self._budget.spent

    @property
    def keeps(self) -> bool:
        """Whether answers are on disk as they come."""
        return self._kept is not None and self._kept.keeps

    def keep_in(self, folder: Path) -> None:
        """From now on, texts that the endpoint writes are kept in `folder`, and what stands there is not asked for again.

        Scores are not kept: they are large, and cost no new tokens. What all of it cost stands in the same folder, by the process that
        keeps answers there.
        """
        self._kept = KeptAnswers(folder)
        if self._kept.keeps:
            self._budget.carry_on(folder / "bill.json")
        weakref.finalize(self, self._kept.close)

    def close(self) -> None:
        """Closes the connections, which otherwise happens once nobody holds this object any more."""
        self._http.close()
        if self._kept is not None:
            self._kept.close()

    def get(self, url: str, *, retries: int | None = None) -> Any:
        """The JSON that stands at `url`. EndpointError."""
        return self._with_retries(lambda: self._send("GET", url, None), threading.Event(), retries)

    def ask(
        self,
        url: str,
        body: dict[str, Any],
        read: Callable[[dict[str, Any]], Answer],
        *,
        prompt: str | int = 0,
        max_new_tokens: int = 0,
        stop: threading.Event | None = None,
        retries: int | None = None,
    ) -> Answer:
        """`read` of the JSON object that answers `body`. `prompt` (text, or a number of tokens) and `max_new_tokens` are for the budget.
        `retries` stands in for the section's.

        BudgetError before a request that does not fit; EndpointError where it fails for good; StoppedError once `stop` is set.
        """
        halt = stop or threading.Event()
        kept = self._kept if max_new_tokens > 1 else None
        if kept is not None and (found := kept.get(url, body)) is not None:
            return read(found)

        def attempt() -> Answer:
            asked = self._budget.reserve(prompt, max_new_tokens, halt)
            counted: tuple[int, int] | None = (0, 0)
            answered = False
            try:
                value = self._in_turn(url, body, halt)
                answered, counted = True, usage_of(value)
            except PassingError as error:
                counted = None if error.may_have_worked else (0, 0)
                raise
            finally:
                self._budget.settle(asked, counted, answered=answered)
            answer = read(value)
            if kept is not None:
                kept.add(url, body, value)
            return answer

        return self._with_retries(attempt, halt, retries)

    def hide_key(self, text: str) -> str:
        """`text` without the key."""
        return self._key.hide_in(text) if self._key else text

    def _in_turn(self, url: str, body: dict[str, Any], stop: threading.Event) -> dict[str, Any]:
        with self.pace.place(stop) as place:
            if place is None:
                raise StoppedError
            try:
                value = self._send("POST", url, body)
            except PassingError as error:
                place.outcome = "congested" if error.congested else "neutral"
                raise
            place.outcome = "good"
        if not isinstance(value, dict):
            raise malformed("not a JSON object", self.address.place)
        if value.get("error") and "choices" not in value:
            raise malformed(f"an error with HTTP 200: {one_line(self.hide_key(message_in(value)))}", self.address.place)
        return value

    def _with_retries(self, attempt: Callable[[], Answer], stop: threading.Event, retries: int | None) -> Answer:
        most = self.section.retries if retries is None else retries
        with reworded(self._reword):
            for tries in itertools.count(1):
                try:
                    return attempt()
                except PassingError as error:
                    if tries > most or stop.is_set():
                        raise error.final(tries) from None
                    self.clock.wait(stop, self._time_to_wait(error, tries))
        raise AssertionError("the loop has no end")

    def _time_to_wait(self, error: PassingError, tries: int) -> float:
        """Seconds until the next try: what the server asks for (then all requests wait), else exponential with jitter."""
        asked = error.retry_after_s
        if asked is None:
            return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (tries - 1)) * (0.5 + self._random.random() / 2)
        if asked > _LONGEST_RETRY_AFTER_S:
            what = f"{error.what}; it asks to wait {asked:,.0f} s"
            raise EndpointError(what, where=error.where, hint=f"run the same command again after {asked / 60:,.0f} minutes") from None
        self.pace.pause(asked)
        return asked

    def _send(self, method: str, url: str, body: dict[str, Any] | None) -> Any:
        where = self.address.place
        began = self.clock.now()
        content = bytearray()
        try:
            with self._http.stream(method, url, json=body) as response:
                for piece in response.iter_bytes():
                    content += piece
                    # httpx limits the time between two pieces; a server that drips would hold the request for ever.
                    if self.clock.now() - began > self.section.timeout_s:
                        raise httpx.ReadTimeout("slow")
                    if len(content) > _LONGEST_ANSWER_BYTES:
                        raise EndpointError(
                            f"the answer is over {_LONGEST_ANSWER_BYTES >> 20} MiB", where=where, hint="ask for shorter answers"
                        )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise lost(error, where, self.section.timeout_s) from None
        if not response.is_success:
            raise refused(
                response.status_code, response.headers, self.hide_key(content.decode("utf-8", "replace")), where, self.clock.epoch()
            )
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            shown = one_line(self.hide_key(content[:2000].decode("utf-8", "replace")))[:80]
            raise malformed(f"not JSON but «{shown}»" if shown else "it is empty", where) from None


def usage_of(value: dict[str, Any]) -> tuple[int, int] | None:
    """(prompt tokens, new tokens) as the server counted them, or None where it did not."""
    usage = value.get("usage")
    if not isinstance(usage, dict):
        return None
    prompt, new = usage.get("prompt_tokens"), usage.get("completion_tokens", 0)
    return (prompt, new) if isinstance(prompt, int) and isinstance(new, int) else None
