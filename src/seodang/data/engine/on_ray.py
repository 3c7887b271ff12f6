"""Units of work on a Ray cluster, or on Ray processes of this machine: an extra, with the same results as the local executor."""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from seodang.data.engine.executor import Outcome, UnitFunction, in_order, require_named, run_unit


class OnRay:
    """Ray, connected while the executor is open.

    `address` is that of a running cluster (`auto`, `HOST:6379` or `ray://HOST:10001`), which must have the same version of seodang
    installed; empty: Ray is started on this machine with `workers` processors, and with its usage statistics off. `timeout_s` is how
    long one unit may take.
    """

    def __init__(self, workers: int, *, address: str = "", timeout_s: float | None = None) -> None:
        self.workers = workers
        self.address = address
        self.timeout_s = timeout_s
        self._started = False

    def __enter__(self) -> Self:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # otherwise Ray tells its makers how it is used
        import ray

        if not ray.is_initialized():
            quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
            if self.address:
                ray.init(address=self.address, **quiet)
            else:
                ray.init(num_cpus=self.workers, include_dashboard=False, _node_ip_address=_own_address(), **quiet)
            self._started = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        import ray

        if self._started:
            ray.shutdown()
            self._started = False

    def map_units(self, function: UnitFunction, units: Iterable[Any], *, shared: Any = None) -> Iterator[Outcome]:
        """Outcomes in order, as `Executor` says. Ray's own retries are off, so that each try is counted here."""
        import ray

        require_named(function)
        work: Any = ray.remote(num_cpus=1, max_retries=0)(run_unit)
        kept = ray.put(shared)
        under_way: dict[Any, tuple[int, float]] = {}

        def start(place: int, unit: Any) -> None:
            deadline = time.monotonic() + self.timeout_s if self.timeout_s else float("inf")
            under_way[work.remote(function, kept, unit)] = (place, deadline)

        def finished() -> list[tuple[int, Outcome]]:
            while True:
                left = min(deadline for _, deadline in under_way.values()) - time.monotonic()
                ready, _ = ray.wait([*under_way], num_returns=1, timeout=None if left == float("inf") else max(left, 0))
                late = [reference for reference, (_, deadline) in under_way.items() if deadline <= time.monotonic()]
                found = [(under_way.pop(reference)[0], _get(reference)) for reference in ready]
                for reference in late:
                    if reference in under_way:
                        ray.cancel(reference, force=True)
                        found.append((under_way.pop(reference)[0], Outcome(error=f"no result within {self.timeout_s:g} s")))
                if found:
                    return found

        try:
            yield from in_order(units, capacity=self.workers, start=start, finished=finished)
        finally:
            for reference in under_way:
                ray.cancel(reference, force=True)


def _own_address() -> str | None:
    """An address at which nothing from outside reaches Ray; for 127.0.0.1 it would take the machine's own. None where Linux's second
    loopback address is not there: Ray chooses."""
    return "127.0.0.2" if sys.platform == "linux" else None


def _get(reference: Any) -> Outcome:
    import ray
    from ray.exceptions import RayError

    try:
        return ray.get(reference)
    except RayError as error:
        return Outcome(error=f"{type(error).__name__}: {str(error).strip().splitlines()[0]}")
