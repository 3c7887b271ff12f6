"""Level 6, performance: that times are those of the device, and what it does in a second. The numbers are told; only what cannot be true
fails."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seodang.backends.contract import Limits, MetersPower, RunsOperators, Session, StepResult
from seodang.backends.graph import Node
from seodang.testbed.certify.check import Check
from seodang.testbed.certify.finding import Case, NotJudged, Outcome, holds, outcome, within
from seodang.testbed.certify.subject import Subject, feed

_WIDE = {"vocab_size": 4096, "hidden_size": 512, "intermediate_size": 1408}
_LARGER = {
    "llama": {**_WIDE, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 64},
    "latent": {**_WIDE, "moe_intermediate_size": 256, "q_lora_rank": 192, "kv_lora_rank": 64},
}
LIMITS = Limits(max_sequences=8, max_context=256, max_step_tokens=256)
_STEPS = 12
_LEAST_SHARE = 0.25  # of the time that passes; the rest may be the host's
_MOST_SHARE = 1.1
_MOST_OF_PEAK = 1.5  # a described peak may itself be a quick measurement


def times_are_the_devices(subject: Subject) -> Outcome:
    """What the steps say they took is no more than what passed until the device had finished, and most of it."""
    bigger = larger(subject)
    with bigger.session(limits=_limits(subject)) as session:
        handles = [session.kv.allocate() for _ in range(4)]
        prefill(bigger, session, handles, 32)
        session.synchronize()
        begun, steps = time.perf_counter(), list[StepResult]()
        for number in range(_STEPS):
            steps.append(session.decode([feed(handle, [5 + number]) for handle in handles]))
        session.synchronize()
        passed = time.perf_counter() - begun
    if steps[0].clock == "virtual":
        raise NotJudged("UNSUPPORTED", "the clock is virtual: an emulated device's times are not of this machine")
    told = sum(step.device_s for step in steps)
    cases = [
        within("told over passed", told / passed, _MOST_SHARE, "1", f"{told:.4g} s of {passed:.4g} s"),
        within("passed over told", passed / told if told > 0 else float("nan"), 1 / _LEAST_SHARE, "1", f"{told:.4g} s of {passed:.4g} s"),
    ]
    return outcome(cases, expected="the time until the device has finished", look="`device_s`: taken before the device was waited for")


def time_follows_work(subject: Subject) -> Outcome:
    """Eight times the tokens take longer, by the median of five prefills each."""
    bigger = larger(subject)
    with bigger.session(limits=_limits(subject)) as session:
        few, many = (statistics.median(_prefill_time(bigger, session, count) for _ in range(5)) for count in (32, 256))
    return outcome(
        [within("time of 32 tokens over that of 256", few / many if many > 0 else float("nan"), 0.8, "1", f"{few:.4g} s, {many:.4g} s")],
        expected="more time for more work",
        look="`device_s`",
    )


def throughput(subject: Subject) -> Outcome:
    """Tokens a second of a small model: prefill of 256, and decoding of 1, 4 and 8 sequences. Told, not judged. Joules where there is a
    meter."""
    bigger, cases = larger(subject), list[Case]()
    meter = subject.backend if isinstance(subject.backend, MetersPower) else None
    with bigger.session(limits=_limits(subject)) as session:
        times = [_prefill_time(bigger, session, 256) for _ in range(5)]
        cases += _rates("prefill of 256 tokens", 256, times)
        for count in (1, 4, 8):
            handles = [session.kv.allocate() for _ in range(count)]
            prefill(bigger, session, handles, 16)
            before = meter.joules() if meter else 0.0
            times = [session.decode([feed(handle, [7]) for handle in handles]).device_s for _ in range(_STEPS)]
            cases += _rates(f"decode of {count}", count, times)
            if meter:
                cases.append(Case(f"energy, decode of {count}", "PASS", (meter.joules() - before) / (count * _STEPS), "J/token"))
            for handle in handles:
                session.kv.free(handle)
    if not meter:
        cases.append(Case("energy", "UNSUPPORTED", note="the backend has no meter"))
    return outcome(cases, expected="rates above zero", look="`prefill`, `decode`")


def operators_reach(subject: Subject) -> Outcome:
    """What a product reaches: bytes a second with one row, products a second with 512, and neither is above the described peak."""
    backend = subject.backend
    if not isinstance(backend, RunsOperators):
        raise NotJudged("UNSUPPORTED", "the backend runs no single operators")
    described = subject.describe()
    width = 2048
    weight = np.random.default_rng(0).normal(size=(width, width)).astype(np.float32)
    node = Node("product", "linear", ("x",), "y", {"weight": "weight"})
    cases: list[Case] = []
    for rows in (1, 512):
        x, times = np.ones((rows, width), np.float32), list[float]()
        for _ in range(6):
            begun = time.perf_counter()
            backend.run(node, [x], {"weight": weight}, subject.dtype)
            times.append(time.perf_counter() - begun)
        seconds = statistics.median(times[1:])
        work, unit = (weight.nbytes, "B/s") if rows == 1 else (2 * rows * width * width, "FLOP/s")
        cases.append(Case(f"product of {rows} rows", "PASS", work / seconds, unit, note="with what it takes to bring the arrays there"))
        peak = described.memory[0].bandwidth if rows == 1 else described.peak.get("float32")
        if peak is not None and subject.dtype == "float32":
            cases.append(
                within(f"product of {rows} rows, of the described peak", work / seconds / peak.value, _MOST_OF_PEAK, "1", peak.kind)
            )
    return outcome(cases, expected="no more than the device is described to do", look="`describe`, or work that is not done")


CHECKS = tuple(Check(function, tiny_only=True) for function in (times_are_the_devices, time_follows_work, throughput, operators_reach))


def larger(subject: Subject) -> Subject:
    """The tiny model, wide enough that its steps take time."""
    return subject.variant(**_LARGER[subject.family])


def _limits(subject: Subject) -> Limits:
    return replace(LIMITS, dtype=subject.dtype)


def prefill(subject: Subject, session: Session, handles: Sequence[int], count: int) -> StepResult:
    """`count` tokens of each sequence, other ones for each."""
    return session.prefill([feed(handle, subject.tokens(count, handle)) for handle in handles])


def _prefill_time(subject: Subject, session: Session, count: int) -> float:
    handle = session.kv.allocate()
    seconds = prefill(subject, session, [handle], count).device_s
    session.kv.free(handle)
    return seconds


def _rates(name: str, tokens: int, times: Sequence[float]) -> list[Case]:
    median = statistics.median(times)
    told = f"median of {len(times)}, {min(times):.3g} to {max(times):.3g} s"
    return [holds(f"{name} takes time", median > 0, told), Case(name, "PASS", tokens / median if median > 0 else 0.0, "token/s", note=told)]
