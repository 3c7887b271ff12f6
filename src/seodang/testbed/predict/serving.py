"""Continuous batching as a steady state: how decoding and the prefills of others share a device."""

import math
from collections.abc import Callable
from dataclasses import dataclass

Decode = Callable[[float, float], float]  # sequences a rank, their context in tokens -> seconds of a step
Prefill = Callable[[float, float, float], float]  # prompts of the fullest rank, their tokens, prompts a rank on average -> seconds


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
    decode_s: Decode,
    prefill_s: Prefill,
    *,
    ranks: int = 1,
    stages: int = 1,
    rounds: int = 8,
) -> Steady:
    """The state in which each of `per_rank` clients a rank sends its next request when the last one ends.

    While a request is decoded, each other client of its rank ends once and its next prompt is read; decoding waits for that, in a pipeline
    of `stages` for one stage of it. Prompts that come within one step are read together, and each of `ranks` that share experts waits for
    the prompts of all of them. The context grows from the input to input + output. The wait for a prefill is that of one server with
    fixed times (M/D/1; Pollaczek 1930).
    """
    context = input_tokens + output_tokens / 2
    alone = prefill_s(1, input_tokens, 1 / ranks)
    others = max(0.0, per_rank - 1)
    share, fullest, mean = prompts_in_a_step(others / output_tokens, ranks)
    stall = share * prefill_s(fullest, input_tokens, mean) / stages if share else 0.0
    running, wait = max(1.0, per_rank), 0.0
    tpot = decode_s(running, context) + stall
    for _ in range(rounds):
        request = alone + wait + output_tokens * tpot
        decoding = output_tokens * tpot / request
        before = tpot
        running = max(min(1.0, per_rank), per_rank * decoding)
        tpot = decode_s(running, context) + stall * decoding
        busy = min(0.95, stall * output_tokens / request)
        wait = busy * alone / stages / (2 * (1 - busy))
        if abs(tpot - before) < 1e-4 * tpot:
            break
    return Steady(tpot, alone + wait, alone, running, alone + wait + output_tokens * tpot)


def prompts_in_a_step(each: float, ranks: int) -> tuple[float, float, float]:
    """Of steps in which `each` prompts a rank arrive on average: the share with any, and there the prompts of the fullest and mean rank.

    On one rank they come one by one until there is one a step. On several they are independent (Poisson): E max = sum of P(max > k).
    """
    if each <= 0:
        return 0.0, 1.0, 1.0
    if ranks == 1:
        together = max(1.0, each)
        return each / together, together, together
    share = -math.expm1(-ranks * each)
    chance = below = math.exp(-each)
    fullest, count = 1 - below**ranks, 0
    while below < 1 - 1e-12 and count < 10_000:
        count += 1
        chance *= each / count
        below = min(1.0, below + chance)
        fullest += 1 - below**ranks
    return share, max(1.0, fullest / share), each / share


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
