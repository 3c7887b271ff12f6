"""Continuous batching as a steady state: how decoding and the prefills of others share a device."""

import math
from collections.abc import Callable
from dataclasses import dataclass

Seconds = Callable[[float, float], float]  # batch or requests a rank, and context or tokens -> seconds


@dataclass(frozen=True, slots=True)
class Steady:
    """One group of ranks that serves together. Times in seconds; `running` is the number of sequences in decoding a rank."""

    tpot_s: float
    ttft_s: float
    unloaded_ttft_s: float
    running: float
    request_s: float


def steady_state(
    per_rank: float,
    input_tokens: float,
    output_tokens: float,
    decode_s: Seconds,
    prefill_s: Seconds,
    *,
    stages: int = 1,
    rounds: int = 8,
) -> Steady:
    """The state in which each of `per_rank` clients a rank sends its next request when the last one ends.

    `decode_s(batch, context)` is one step; `prefill_s(requests, tokens)` reads prompts of `tokens` tokens, on every rank at once, through
    all `stages` of a pipeline. While a request is decoded, each other client of its rank ends once and its next prompt is read; decoding
    waits for that, in a pipeline for one stage of it. Prompts that come within one step are read together. The context grows from the
    input to input + output. The wait for a prefill is that of one server with fixed times (M/D/1; Pollaczek 1930).
    """
    context = input_tokens + output_tokens / 2
    alone = prefill_s(1, input_tokens)
    others = max(0.0, per_rank - 1)
    each_step = others / output_tokens  # prompts that arrive within one step
    together = max(1.0, each_step)
    stall = (alone if together == 1 else prefill_s(together, input_tokens)) / stages * each_step / together
    running, wait = max(1.0, per_rank), 0.0
    tpot = decode_s(running, context) + stall
    for _ in range(rounds):
        request = alone + wait + output_tokens * tpot
        decoding = output_tokens * tpot / request
        before = tpot
        running = max(min(1.0, per_rank), per_rank * decoding)
        tpot = decode_s(running, context) + stall * decoding
        busy = min(0.95, others * stall / max(each_step, 1e-12) / request) if others else 0.0
        wait = busy * alone / stages / (2 * (1 - busy))
        if abs(tpot - before) < 1e-4 * tpot:
            break
    return Steady(tpot, alone + wait, alone, running, alone + wait + output_tokens * tpot)


def most_per_rank(limit_s: float, ceiling: float, tpot_s: Callable[[float], float]) -> float:
    """The largest number of clients a rank, at most `ceiling`, whose time per token stays within `limit_s`; 0 where one is too many.

    `tpot_s` rises with the number of clients; found by halving.
    """
    if tpot_s(1) > limit_s:
        return 0.0
    low, high = 1.0, ceiling
    if tpot_s(high) <= limit_s:
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if tpot_s(middle) <= limit_s else (low, middle)
        if high - low < 0.01 * high:
            break
    return low


def prompts_a_second(each_s: float, wait_s: float, *, late: float = 0.01) -> float:
    """The highest rate at which prompts of `each_s` seconds each wait longer than `wait_s` in a share `late` of the cases.

    One server with fixed times and random arrivals: P(wait > t) is about load * exp(-2 (1 - load) t / each) (Kingman 1962). 0 where
    `wait_s` is not above 0.
    """
    if wait_s <= 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(50):
        load = (low + high) / 2
        low, high = (load, high) if load * math.exp(-2 * (1 - load) * wait_s / each_s) < late else (low, load)
    return low / each_s
