"""Requests take turns, wait in a bounded queue, and stop when nobody wants their answer any more."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from seodang.serving.refusal import RefusalError
from seodang.serving.scheduler import Job, Scheduler

BODY = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 900, "n": 8}


def counting(log: list[str], name: str, count: int) -> Callable[[], Generator[str]]:
    def start() -> Generator[str]:
        for i in range(count):
            log.append(name)
            yield f"{name}{i}"

    return start


class Held:
    """Work that is under way until it is released, and that notes how it ended."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.released = threading.Event()
        self.closed = threading.Event()

    def __call__(self) -> Generator[int]:
        try:
            self.begun.set()
            while not self.released.wait(0.005):
                yield 0
        finally:
            self.closed.set()


async def drain(job: Job[Any]) -> list[Any]:
    return [step async for step in job]


def scheduled(body: Callable[[Scheduler], Any], **options: Any) -> None:
    limits: dict[str, Any] = {"max_active": 2, "queue_size": 1, "timeout_s": 30.0, **options}
    scheduler = Scheduler(**limits)
    try:
        asyncio.run(body(scheduler))
    finally:
        scheduler.close()


def test_active_requests_take_turns_and_others_wait() -> None:
    async def order(scheduler: Scheduler, log: list[str]) -> None:
        gate = threading.Event()

        def held() -> Generator[None]:
            gate.wait(10)
            yield

        jobs = [scheduler.submit(held), *(scheduler.submit(counting(log, name, 3)) for name in "ab")]
        gate.set()
        await asyncio.gather(*map(drain, jobs))

    for max_active, expected in ((3, "ababab"), (1, "aaabbb")):
        log: list[str] = []
        scheduled(lambda scheduler, log=log: order(scheduler, log), max_active=max_active, queue_size=2)
        assert "".join(log) == expected


def test_a_full_queue_refuses_with_the_time_to_wait_and_recovers() -> None:
    async def body(scheduler: Scheduler) -> None:
        gates = [Held() for _ in range(3)]
        jobs = [scheduler.submit(gate) for gate in gates]
        with pytest.raises(RefusalError) as caught:
            scheduler.submit(Held())
        assert caught.value.status == 429
        assert int(caught.value.headers["Retry-After"]) >= 1
        jobs[2].cancel()
        again = Held()
        again.released.set()
        last = scheduler.submit(again)
        for gate in gates:
            gate.released.set()
        await drain(jobs[0])
        assert await drain(last) == []
        assert not gates[2].begun.is_set()

    scheduled(body)


def test_a_cancelled_request_stops_between_two_steps() -> None:
    async def body(scheduler: Scheduler) -> None:
        gate = Held()
        job = scheduler.submit(gate)
        assert await anext(job) == 0
        job.cancel()
        assert await asyncio.to_thread(gate.closed.wait, 10)
        assert not gate.released.is_set()

    scheduled(body)


def test_a_request_over_its_time_is_refused_and_stopped() -> None:
    async def body(scheduler: Scheduler) -> None:
        gate = Held()
        with pytest.raises(RefusalError) as caught:
            await drain(scheduler.submit(gate))
        assert caught.value.status == 503
        assert await asyncio.to_thread(becomes, lambda: gate.closed.is_set() or not gate.begun.is_set())

    scheduled(body, timeout_s=0.05)


def test_a_fault_belongs_to_its_request_alone() -> None:
    def faulty() -> Generator[int]:
        yield 1
        raise ZeroDivisionError("a fault")

    async def body(scheduler: Scheduler) -> None:
        log: list[str] = []
        good, bad = scheduler.submit(counting(log, "a", 5)), scheduler.submit(faulty)
        with pytest.raises(ZeroDivisionError):
            await drain(bad)
        assert len(await drain(good)) == 5
        assert scheduler.alive

    scheduled(body)


def test_closing_ends_what_is_under_way_and_refuses_what_comes() -> None:
    async def body(scheduler: Scheduler) -> None:
        gates = [Held() for _ in range(3)]
        jobs = [scheduler.submit(gate) for gate in gates]
        await asyncio.to_thread(gates[0].begun.wait, 10)
        await asyncio.to_thread(scheduler.close)
        for job in jobs:
            with pytest.raises(RefusalError, match="stopping"):
                await drain(job)
        with pytest.raises(RefusalError, match="stopping"):
            scheduler.submit(gates[0])
        assert gates[0].closed.is_set()
        assert not scheduler.alive

    scheduled(body)


def becomes(condition: Callable[[], bool], seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_stops_its_generation(serve: Any, monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    jobs: list[Job[Any]] = []
    submit = Scheduler.submit

    def noting(self: Scheduler, start: Any) -> Any:
        jobs.append(submit(self, start))
        return jobs[-1]

    monkeypatch.setattr(Scheduler, "submit", noting)
    url = urlsplit(serve())
    request = httpx.Request("POST", f"http://localhost:{url.port}/v1/chat/completions", json={**BODY, "stream": stream})
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection((url.hostname, url.port), timeout=10) as line:
        line.sendall(f"POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n".encode() + request.content)
        assert becomes(lambda: bool(jobs) and jobs[0].begun_s is not None)
        if stream:
            assert line.recv(1000)
        assert not jobs[0].cancelled.is_set()
    assert becomes(jobs[0].cancelled.is_set)


def test_a_full_server_answers_429_and_then_serves_again(serve: Any) -> None:
    address = serve(max_concurrency=1, queue_size=0)
    with httpx.stream("POST", f"{address}/v1/chat/completions", json={**BODY, "stream": True}, timeout=30) as busy:
        lines = busy.iter_lines()
        next(lines)
        refused = httpx.post(f"{address}/v1/chat/completions", json=BODY, timeout=30)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert httpx.get(f"{address}/healthz").status_code == 200
    short = {**BODY, "max_tokens": 2, "n": 1}
    assert becomes(lambda: httpx.post(f"{address}/v1/chat/completions", json=short, timeout=30).status_code == 200)
