"""A prediction: its value, its interval at 80 %, the tier, the rows behind it and every assumption."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from seodang.testbed.predict.calibrated import Calibrated, logs
from seodang.testbed.predict.case import Case, resolve, shape_of
from seodang.testbed.predict.communication import network
from seodang.testbed.predict.evaluate import evaluate
from seodang.testbed.predict.exchange import exchange
from seodang.testbed.predict.layouts import all_layouts
from seodang.testbed.predict.parameters import Parameters, from_logs
from seodang.testbed.predict.refused import PredictionRefused, too_extreme
from seodang.testbed.predict.rows import Row, calibration, evidence
from seodang.testbed.predict.tiers import (
    ASSUMED_LENGTHS,
    LEAST,
    OTHER_PARALLELISM,
    SPREAD_SOURCE,
    Z80,
    Standing,
    Tier,
    framework_family,
    spread,
    standing,
)
from seodang.testbed.workloads.layout_name import layout_name

_STEP = 1e-3  # of a logarithm, for derivatives
_LOADED_TTFT = 0.5  # deviation of the logarithm of a loaded time to first token, whose queues are only sketched (assumed)

_UNITS = {"ms": 1e-3, "us": 1e-6, "s": 1.0, "token/s": 1.0, "tokens/s": 1.0, "GB/s": 1e9, "B/s": 1.0}
_TIMES, _RATES = ("ms", "us", "s"), ("token/s", "tokens/s")
_FITTING = {"tpot": _TIMES, "ttft": _TIMES, "latency": _TIMES, "throughput": _RATES, "bandwidth": ("GB/s", "B/s")}  # by kind of metric


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of one row, in the row's unit. `deviation` is that of the logarithm; `interval` covers 80 % under a normal one."""

    value: float
    interval: tuple[float, float]
    unit: str
    tier: Tier
    deviation: float
    calibration: tuple[str, ...]
    spread_source: str
    assumptions: tuple[str, ...]
    anchor: str | None


def predict_row(row: Row, calibrated: Calibrated, *, case: Case | None = None) -> Prediction:
    """PredictionRefused where there is no honest answer."""
    factor, unit = _unit(row)
    known = calibration(evidence())
    if row.phase == "collective" or row.metric.startswith(("latency_", "bandwidth_")):
        model, assumptions, assumed = exchange(row), (), row.metric.startswith("bandwidth_")
        stand = standing(row, known, calibrated.left_out_collectives)
        scale, new = 0.0, frozenset[str]()
    else:
        if case is not None:
            cases = [dataclasses.replace(case, row=row)]
        else:
            cases = [resolve(row)] if row.has_layout else unsaid_layout(row, calibrated.parameters)
        resolved = cases[0]
        model, assumptions, assumed = _mean_of(cases), resolved.assumptions, resolved.lengths_assumed
        stand, scale = standing(row, known, calibrated.left_out_serving), calibrated.scale
        new = parallelism(resolved) - _measured_parallelism()
        assumptions = (*assumptions, *(f"no serving row of the calibration has {one}: a wider interval" for one in sorted(new)))
    value, slopes = sensitivity(model, calibrated)
    value *= math.exp(-scale if _is_rate(row) else scale)
    wider = 0.0
    if calibrated.anchor is not None:
        near = min(stand.deviation, anchored_spread(calibrated))
    else:
        near, wider = stand.deviation, OTHER_PARALLELISM if new else 0.0
    deviation = math.sqrt(float(slopes @ calibrated.covariance @ slopes) + near**2 + wider**2 + (ASSUMED_LENGTHS**2 if assumed else 0.0))
    if row.metric == "ttft_loaded":
        deviation = math.hypot(deviation, _LOADED_TTFT)
    wide = math.exp(Z80 * deviation)
    return Prediction(
        value=value / factor,
        interval=(value / factor / wide, value / factor * wide),
        unit=unit,
        tier=stand.tier,
        deviation=deviation,
        calibration=stand.calibration,
        spread_source=SPREAD_SOURCE[stand.tier],
        assumptions=assumptions,
        anchor=calibrated.anchor,
    )


def unsaid_layout(row: Row, parameters: Parameters) -> list[Case]:
    """The layouts that a row of throughput may mean which says none: those that give as much as the best one, within what the model can
    tell apart. The best first. PredictionRefused for other metrics, or if no layout fits."""
    if not row.metric.startswith("throughput") or row.count is None:
        return [resolve(row)]
    tried: list[tuple[float, Case]] = []
    refused: PredictionRefused | None = None
    for layout in all_layouts(shape_of(row.model), row.count):
        try:
            case = resolve(row, layout=layout)
            tried.append((evaluate(case, parameters), case))
        except PredictionRefused as error:
            refused = error
    if not tried:
        raise refused or PredictionRefused("does not fit", f"no layout of {row.count} devices")
    tried.sort(key=lambda one: -one[0])
    like = [case for value, case in tried if value >= tried[0][0] * math.exp(-Z80 * spread("same_framework", 0.0))]
    said = (
        f"the layout is not said: the mean over {', '.join(layout_name(case.layout) for case in like)}, which the model cannot tell apart"
    )
    return [dataclasses.replace(case, assumptions=(*case.assumptions, said)) for case in like]


def _mean_of(cases: Sequence[Case]) -> Callable[[Parameters], float]:
    """The geometric mean over cases."""
    return lambda parameters: math.exp(math.fsum(math.log(evaluate(case, parameters)) for case in cases) / len(cases))


def sensitivity(model: Callable[[Parameters], float], calibrated: Calibrated) -> tuple[float, NDArray[np.float64]]:
    """The value, and d log value / d log parameter, shape (num_parameters,), by forward differences."""
    at = logs(calibrated)
    value = model(from_logs(at))
    if not (math.isfinite(value) and value > 0):
        raise PredictionRefused("missing input", "the inputs give no finite value above 0")
    slopes = np.empty(at.size)
    for index in range(at.size):
        moved = at.copy()
        moved[index] += _STEP
        slopes[index] = math.log(model(from_logs(moved)) / value) / _STEP
    return value, slopes


def parallelism(case: Case) -> frozenset[str]:
    """Ways of dividing a model that need communication of a kind of its own."""
    across = case.layout.stage_devices > network(case.device).domain
    ways = {
        "tokens sent to experts": case.layout.sends_tokens,
        "tensors or experts divided across fast domains": across,
        "a pipeline": case.layout.pp > 1,
    }
    return frozenset(name for name, holds in ways.items() if holds)


def unmeasured_spread(case: Case) -> float:
    """What a way of dividing the model that no serving row of the calibration has adds to the deviation of the logarithm."""
    return OTHER_PARALLELISM if parallelism(case) - _measured_parallelism() else 0.0


@cache
def _measured_parallelism() -> frozenset[str]:
    serving = [resolve(row) for row in calibration(evidence()) if row.phase != "collective"]
    return frozenset[str]().union(*(parallelism(case) for case in serving))


def anchored_spread(calibrated: Calibrated) -> float:
    """What an anchor leaves of a tier's width: as of another load point, twice, since one point was seen and not five (assumed)."""
    return 2 * max(calibrated.left_out_serving, LEAST)


def anchor_to(row: Row, calibrated: Calibrated) -> Calibrated:
    """The fit after one measured point of the target's stack (a Kalman update of the logarithms; Kalman 1960).

    Before it, each parameter of the target's stack may differ from the fitted one by its tier's deviation, and all times by a common factor
    of half that deviation; what was measured moves each of them as far as it bears on that point.
    """
    if row.value is None:
        raise PredictionRefused("missing input", "an anchor needs a measured value", where=row.id)
    case = resolve(row)
    stand: Standing = standing(row, calibration(evidence()), calibrated.left_out_serving)
    value, slopes = sensitivity(lambda parameters: evaluate(case, parameters), calibrated)
    factor, _ = _unit(row)
    seen = math.log(row.value * factor / value)
    before = calibrated.covariance + stand.deviation**2 * np.eye(slopes.size)
    bearing = before @ slopes
    common = (stand.deviation / 2) ** 2 * (-1 if _is_rate(row) else 1)
    noise = max(calibrated.left_out_serving, LEAST) ** 2
    whole = float(slopes @ bearing) + abs(common) + noise
    return Calibrated(
        parameters=from_logs(logs(calibrated) + bearing * seen / whole),
        covariance=calibrated.covariance,
        left_out_serving=calibrated.left_out_serving,
        left_out_collectives=calibrated.left_out_collectives,
        rows=(*calibrated.rows, row.id),
        scale=common * seen / whole,
        anchor=row.id,
    )


def predict_rows(rows: Sequence[Row], calibrated: Calibrated, anchor: Row | None = None) -> list[Prediction | PredictionRefused]:
    """One answer a row, in order. An anchor is used for rows of its device, framework, model and precision."""
    moved = anchor_to(anchor, calibrated) if anchor is not None else calibrated
    out: list[Prediction | PredictionRefused] = []
    for row in rows:
        same = anchor is not None and same_stack(row, anchor)
        try:
            out.append(predict_row(row, moved if same else calibrated))
        except PredictionRefused as refused:
            out.append(refused)
        except ArithmeticError as error:
            out.append(too_extreme(error))
    return out


def _is_rate(row: Row) -> bool:
    return row.metric.startswith(("throughput", "bandwidth"))


def same_stack(row: Row, anchor: Row) -> bool:
    """Whether both are of one device, framework (in any version), model and precision: then one says something of the other."""
    return _stack(row) == _stack(anchor)


def _stack(row: Row) -> tuple[str, ...]:
    return (row.device, framework_family(row.framework), row.model.lower(), row.weights.lower())


def _unit(row: Row) -> tuple[float, str]:
    """SI units in one of the row's, and its name; where the row has none, the usual one of its metric."""
    unit = row.unit
    if not unit:
        unit = {"tpot": "ms", "ttft": "ms", "latency": "us", "throughput": "token/s", "bandwidth": "GB/s"}.get(row.metric.split("_")[0], "")
    kind = row.metric.split("_")[0]
    if unit not in _UNITS:
        raise PredictionRefused("unknown", f"no unit `{unit}` for the metric `{row.metric}`", hint=f"there are: {', '.join(_UNITS)}")
    if unit not in _FITTING.get(kind, tuple(_UNITS)):
        raise PredictionRefused("unknown", f"no `{row.metric}` in {unit}", hint=f"its units are: {', '.join(_FITTING[kind])}")
    return _UNITS[unit], unit
