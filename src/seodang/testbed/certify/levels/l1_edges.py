"""Level 1, operators at the edges: what is not a number, nothing at all, equal values, and the same question twice."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from seodang.testbed.certify.check import LATENT, Check
from seodang.testbed.certify.compare import max_ulp, nmse
from seodang.testbed.certify.finding import Case, NotJudged, Outcome, holds, outcome, within
from seodang.testbed.certify.levels.l1 import router_trial, shapes_of
from seodang.testbed.certify.levels.operators import Trial, dtypes_of, random_array, run_trial, runner, truth_of
from seodang.testbed.certify.subject import Subject

_WIDTH = 64


def _simple(seed: int, tokens: int = 5) -> Mapping[str, Trial]:
    """One small trial of each operator that works row by row."""
    x, y = random_array((tokens, _WIDTH), seed), random_array((tokens, _WIDTH), seed + 1)
    weight = random_array((48, _WIDTH), seed + 2, 0.125)
    angles = tuple(float(10_000.0 ** (-i / 16)) for i in range(16))
    scale = random_array((_WIDTH,), seed + 3)
    turned = {"heads": 2, "frequencies": angles, "interleaved": False, "magnitude": 1.0}
    return {
        "linear": Trial("linear", "linear", [x], {"weight": weight}, terms=_WIDTH, roundings=1),
        "rms_norm": Trial("rms_norm", "rms_norm", [x], {"scale": scale}, {"eps": 1e-6}, terms=_WIDTH, roundings=4),
        "swiglu": Trial("swiglu", "swiglu", [x, y], roundings=6),
        "add": Trial("add", "add", [x, y], roundings=1),
        "rotary": Trial("rotary", "rotary", [x], {}, turned, roundings=8, angle=tokens),
    }


def _sequence(family: str, seed: int, tokens: int) -> Trial:
    """One small trial of the family's attention."""
    if family == "llama":
        inputs = [random_array((tokens, count * 16), seed + count) for count in (4, 2, 2)]
        attributes = {"num_heads": 4, "num_kv_heads": 2, "head_width": 16, "scale": 0.25, "layer": 0}
        return Trial("attention", "attention", inputs, {}, attributes, terms=16 + tokens, roundings=24)
    inputs = [random_array((tokens, width), seed + width) for width in (4 * 16, 4 * 8, 24, 8)]
    attributes = {"num_heads": 4, "nope": 16, "rope": 8, "value": 12, "rank": 24, "scale": 0.2, "layer": 0}
    weights = {"kv_b": random_array((4 * 28, 24), seed, 0.25)}
    return Trial("latent_attention", "latent_attention", inputs, weights, attributes, terms=48 + tokens, roundings=48)


def _try(subject: Subject, name: str, trial: Trial, dtype: str) -> tuple[np.ndarray | None, Case]:
    try:
        return run_trial(subject, trial, dtype), holds(name, True)
    except NotJudged as error:
        return None, Case(name, error.status, note=str(error))


@np.errstate(all="ignore")
def not_a_number_is_not_hidden(subject: Subject) -> Outcome:
    """NaN and infinity in one row come out where they do in the reference, and touch no other row."""
    runner(subject)
    cases: list[Case] = []
    for what, value in {"NaN": np.nan, "infinity": np.inf, "minus infinity": -np.inf}.items():
        for name, trial in _simple(1).items():
            x = trial.inputs[0].copy()
            x[2, 7] = value
            spoiled = replace(trial, inputs=[x, *trial.inputs[1:]])
            truth = truth_of(spoiled)
            for dtype in dtypes_of(subject):
                found, case = _try(subject, f"{what} in {name}, {dtype}", spoiled, dtype)
                cases.append(case if found is None else _like(case.name, truth, found, trial, dtype))
    return outcome(cases, expected="NaN and infinity as IEEE 754 has them", look="operators that clamp, or replace what is not a number")


def _like(name: str, truth: np.ndarray, found: np.ndarray, trial: Trial, dtype: str) -> Case:
    if found.shape != truth.shape:
        return holds(name, False, f"shape {found.shape}, the reference has {truth.shape}")
    wide = np.asarray(found, np.float64)
    places = (np.isnan(truth) == np.isnan(wide)) & (np.isinf(truth) == np.isinf(wide))
    if not places.all():
        row, column = np.argwhere(~places)[0]
        return holds(name, False, f"row {row}, column {column} is {wide[row, column]}, the reference has {truth[row, column]}")
    rest = [row for row in range(len(truth)) if np.isfinite(truth[row]).all()]
    return within(name, nmse(truth[rest], wide[rest]), trial.nmse_limit(dtype), "1", "rows that are finite")


def smallest_numbers(subject: Subject) -> Outcome:
    """Numbers below the normal range are kept or become zero, and a norm of them is as the reference's."""
    runner(subject)
    cases: list[Case] = []
    for name, trial in _simple(2).items():
        x = np.full_like(trial.inputs[0], 2.0**-132)  # which bfloat16 has too
        x[:, ::2] *= -3 / 2
        small = replace(trial, inputs=[x, *trial.inputs[1:]])
        truth = truth_of(small)
        for dtype in dtypes_of(subject):
            found, case = _try(subject, f"{name}, {dtype}", small, dtype)
            if found is not None:
                kept = np.where(found == 0, truth, found) if found.shape == truth.shape else found
                case = within(case.name, max_ulp(truth, kept, dtype), trial.ulp_limit(dtype), "ULP", "zero is allowed")
            cases.append(case)
    return outcome(cases, expected="the reference, or zero where it is below 1.2e-38", look="operators that divide by what is nearly zero")


def zero_tokens(subject: Subject) -> Outcome:
    """An input of no token gives an output of no token, of the right width."""
    runner(subject)
    trials = list(_simple(3, tokens=0).values())
    trials.append(Trial("embedding", "embedding", [np.zeros(0, np.int64)], {"table": random_array((8, 16), 1)}))
    if subject.family == "latent":
        full = router_trial(subject, 2)
        trials.append(replace(full, name="router", inputs=[full.inputs[0][:0]]))
    cases: list[Case] = []
    for trial in trials:
        shape = truth_of(trial).shape
        for dtype in dtypes_of(subject):
            found, case = _try(subject, f"{trial.name}, {dtype}", trial, dtype)
            cases.append(case if found is None else holds(case.name, found.shape == shape, f"shape {found.shape}, expected {shape}"))
    return outcome(cases, expected="(0, width)", look="reshapes and reductions of nothing")


def ties_take_the_lower_index(subject: Subject) -> Outcome:
    """Of experts, or groups, that are equally good the lower index is chosen."""
    runner(subject)
    shapes = shapes_of(subject)
    rng = np.random.default_rng(5)
    x = rng.integers(-1, 2, (6, shapes.hidden)).astype(np.float32)
    one = rng.integers(-1, 2, (1, shapes.hidden)).astype(np.float32) / 64  # sums of multiples of 1/64: exact in every type
    weight = np.repeat(one, shapes.experts, 0)
    weight[shapes.experts // 2 :: 3] *= 2.0
    cases: list[Case] = []
    for name, (groups, topk_group) in {"with groups": (shapes.groups, shapes.topk_group), "without groups": (1, 1)}.items():
        attributes = {
            "score": "sigmoid", "top_k": shapes.top_k, "num_groups": groups, "topk_group": topk_group, "normalised": False, "scaling": 1.0,
        }  # fmt: skip
        for kind, told in {"some equal": weight, "all equal": np.repeat(one, shapes.experts, 0)}.items():
            trial = Trial(f"{name}, {kind}", "router", [x], {"weight": told}, attributes)
            truth = truth_of(trial)
            for dtype in dtypes_of(subject):
                found, case = _try(subject, f"{trial.name}, {dtype}", trial, dtype)
                if found is not None:
                    wrong = int(((found != 0) != (truth != 0)).any(-1).sum())
                    case = within(case.name, wrong, 0, "1", f"rows with other experts, of {len(truth)}")
                cases.append(case)
    return outcome(cases, expected="the lower index", look="`router`: a sort that is not stable")


def answers_anew(subject: Subject) -> Outcome:
    """The same input twice gives the same output (equal bits, where that is claimed), and another input of the same shape its own."""
    runner(subject)
    exact = subject.deterministic
    cases: list[Case] = []
    first, other = ([*_simple(seed).values(), _sequence(subject.family, seed, 9)] for seed in (11, 17))
    for trial, changed in zip(first, other, strict=True):
        for dtype in dtypes_of(subject):
            before, case = _try(subject, f"{trial.name}, {dtype}", trial, dtype)
            if before is None:
                cases.append(case)
                continue
            before = before.copy()
            between = run_trial(subject, changed, dtype).copy()
            again = run_trial(subject, trial, dtype)
            limit = changed.nmse_limit(dtype)
            cases.append(within(f"another input, {case.name}", nmse(truth_of(changed), between), limit, "1"))
            apart = nmse(np.asarray(before, np.float64), again)
            note = "claimed deterministic" if exact else "not claimed deterministic"
            cases.append(within(f"the same input again, {case.name}", apart, 0.0 if exact else limit, "1", note))
    return outcome(cases, expected="each input's own output, and the same again", look="caches of results, atomic sums")


CHECKS = (
    Check(not_a_number_is_not_hidden),
    Check(smallest_numbers),
    Check(zero_tokens),
    Check(answers_anew),
    Check(ties_take_the_lower_index, LATENT),
)
