"""Work on many texts in batches of a bounded number of characters, in this process or in several; the results come in order."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import Any, TypeVar

import numpy as np

BATCH_CHARACTERS = 1 << 18  # so that the arrays of a batch stay in a processor's cache
_WAITING = 4  # batches a worker
_LARGE_BLOCK = 31 << 20  # bytes; just below the largest threshold that the allocator takes up by itself

Item = TypeVar("Item")
Result = TypeVar("Result")

_job: Callable[[list[Any]], Any] | None = None


def in_batches(items: Iterable[Item], characters: Callable[[Item], int], most_characters: int = BATCH_CHARACTERS) -> Iterator[list[Item]]:
    """Lists of items, in order, that end before they hold more than `most_characters`; a longer item is a batch of its own."""
    batch: list[Item] = []
    size = 0
    for item in items:
        here = characters(item)
        if batch and size + here > most_characters:
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += here
    if batch:
        yield batch


def map_batches(function: Callable[[list[Item]], Result], batches: Iterable[list[Item]], workers: int = 1) -> Iterator[Result]:
    """`function` of each batch, in order and whatever the number of workers is. With more than one, `function` is pickled once a worker,
    so it is a module's function or a partial of one; and never more than a few batches wait."""
    if workers <= 1:
        _keep_freed_memory()
        yield from map(function, batches)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_set_job, initargs=(function,)) as pool:
        source = iter(batches)
        waiting: deque[Future[Result]] = deque(pool.submit(_do_job, batch) for batch in islice(source, workers * _WAITING))
        while waiting:
            done = waiting.popleft().result()
            waiting.extend(pool.submit(_do_job, batch) for batch in islice(source, 1))
            yield done


def _set_job(function: Callable[[list[Any]], Any]) -> None:
    global _job
    _job = function
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """After a large block was freed once, glibc's allocator gives blocks of that size back to the system no more, which would cost a page
    fault for every 4 KiB of each array of each batch. Elsewhere it does nothing."""
    np.empty(_LARGE_BLOCK, np.uint8)


def _do_job(batch: list[Any]) -> Any:
    assert _job is not None
    return _job(batch)
