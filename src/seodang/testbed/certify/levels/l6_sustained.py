"""Level 6 over time, and beside a prediction: what a backend keeps up for minutes, and what the frozen predictor says of it."""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seodang.backends.contract import Session
from seodang.testbed.certify.check import Check
from seodang.testbed.certify.compare import worst_kl
from seodang.testbed.certify.finding import Case, NotJudged, Outcome, outcome, within
from seodang.testbed.certify.levels.l6 import LIMITS, larger, prefill
from seodang.testbed.certify.subject import Subject, feed

CERTIFIED_S = 600.0  # a steady state of ten minutes: what slows down by heat does so earlier
_LEAST_ROUNDS = 6
_PROMPT, _ANSWER, _SEQUENCES = 32, 24, 4
_MOST_SLOWER = 1.25  # of the last windows over the first ones
_DECODED, _STEPS = (1, 4, 8), 8


def steady_state(subject: Subject) -> Outcome:
    """Under a load that does not end, answers stay the same, memory is given back, and the last third is not much slower than the first.

    How much slower is only told of a processor, which other work may share. Requests of equal lengths follow one another on four places,
    as in continuous batching: one that ends frees its cache, and the next prompt is read.
    """
    if subject.steady_s <= 0:
        raise NotJudged("NOT-RUN", f"it takes minutes: ask for it with --steady {CERTIFIED_S:.0f}")
    bigger = larger(subject)
    with bigger.session(limits=replace(LIMITS, dtype=subject.dtype)) as session:
        before = session.memory()
        distributions, rates = _serve(bigger, session, subject.steady_s)
        after = session.memory()
    third = len(rates) // 3
    first, last = statistics.median(rates[:third]), statistics.median(rates[-third:])
    slower, speeds = "first third's speed over the last one's", f"{first:.4g} and {last:.4g} token/s"
    shared = subject.describe().kind == "cpu"
    lasted = f"{subject.steady_s:.0f} s of {CERTIFIED_S:.0f} that a certificate takes"
    cases = [
        Case("tokens a second, median of rounds", "PASS", statistics.median(rates), "token/s", note=lasted),
        Case(slower, "PASS", first / last, "1", note=speeds) if shared else within(slower, first / last, _MOST_SLOWER, "1", speeds),
        within("memory kept at the end", float(after.get("kv", 0) - before.get("kv", 0)), 0.0, "B", f"{before} before, {after} after"),
    ]
    farthest = max(worst_kl(distributions[0], later) for later in distributions[1:])
    cases.append(within("answers to the same prompt, KL", farthest, bigger.kl_limit, "nat", f"{len(distributions)} times"))
    return outcome(cases, expected="the same at the end as at the beginning", look="heat and clocks; caches that are not freed")


def _serve(subject: Subject, session: Session, seconds: float) -> tuple[list[np.ndarray], list[float]]:
    """The logits (B, V) after the same prompts and answers, once a round of requests, and decoded tokens a second of each round."""
    seen, rates = list[np.ndarray](), list[float]()
    begun = time.perf_counter()
    while len(rates) < _LEAST_ROUNDS or time.perf_counter() - begun < seconds:
        round_begun = time.perf_counter()
        handles = [session.kv.allocate() for _ in range(_SEQUENCES)]
        step = session.prefill([feed(handle, subject.tokens(_PROMPT, place)) for place, handle in enumerate(handles)])
        for token in subject.tokens(_ANSWER, 0):
            step = session.decode([feed(handle, [token]) for handle in handles])
        for handle in handles:
            session.kv.free(handle)
        seen.append(step.logits)
        rates.append(_SEQUENCES * _ANSWER / (time.perf_counter() - round_begun))
    return seen, rates


def predicted(subject: Subject) -> Outcome:
    """Decoding steps beside what the frozen predictor makes of the backend's own description. Told with an interval, not judged: a small
    model's steps are mostly launches."""
    from seodang.backends.description import Precision
    from seodang.testbed.predict.calibrated import frozen
    from seodang.testbed.predict.schemes import scheme
    from seodang.testbed.predict.step import Deployment
    from seodang.testbed.predict.tiers import MEANING, Z80, spread
    from seodang.testbed.workloads.layout import Layout
    from seodang.testbed.workloads.routing import UNIFORM
    from seodang.testbed.workloads.shape import read_shape

    described = subject.describe()
    names: dict[str, tuple[str, Precision]] = {"float32": ("fp32", "float32"), "bfloat16": ("bf16", "bfloat16")}
    if subject.dtype not in names:
        raise NotJudged("UNSUPPORTED", f"the predictor has no scheme for {subject.dtype}")
    if not described.memory:
        raise NotJudged("UNSUPPORTED", "the description names no memory, so nothing can be predicted")
    bigger, calibrated = larger(subject), frozen()
    name, kind = names[subject.dtype]
    shape = read_shape(bigger.model.folder / "config.json")
    there = Deployment(shape, described, Layout(), scheme(name, mixture=bool(shape.routed_experts)), kind, calibrated.parameters, UNIFORM)
    wide = Z80 * spread("described", calibrated.left_out_serving)
    cases: list[Case] = []
    with bigger.session(limits=replace(LIMITS, dtype=subject.dtype)) as session:
        for count in _DECODED:
            seconds, clock = _decode(bigger, session, count)
            if clock == "virtual":
                raise NotJudged("UNSUPPORTED", "the clock is virtual: a prediction beside a prediction says nothing")
            said = there.decode_s(count, _PROMPT + _STEPS / 2)
            note = f"measured {1e3 * seconds:.3g} ms, predicted {1e3 * said:.3g} ms, 80 % interval by a factor of {math.exp(wide):.2f}"
            cases.append(Case(f"decode of {count}: measured over predicted", "PASS", seconds / said, "1", note=note))
    return outcome(cases, expected=f"told only; {MEANING['described']}", look="`describe`")


def _decode(subject: Subject, session: Session, count: int) -> tuple[float, str]:
    """The median seconds of a step of `count` sequences, and whose clock told them."""
    handles: Sequence[int] = [session.kv.allocate() for _ in range(count)]
    clock = prefill(subject, session, handles, _PROMPT).clock
    times = [session.decode([feed(handle, [7]) for handle in handles]).device_s for _ in range(_STEPS)]
    for handle in handles:
        session.kv.free(handle)
    return statistics.median(times[1:]), clock


CHECKS = tuple(Check(function, tiny_only=True) for function in (steady_state, predicted))
