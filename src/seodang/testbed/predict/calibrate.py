"""Fitting the parameters to the calibration rows, and to nothing else."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from seodang.statistics.student import student_quantile
from seodang.testbed.predict.calibrated import Calibrated
from seodang.testbed.predict.case import resolve
from seodang.testbed.predict.evaluate import evaluate
from seodang.testbed.predict.exchange import exchange
from seodang.testbed.predict.least_squares import Fitted, fit
from seodang.testbed.predict.parameters import NAMES, PRIORS, Parameters, from_logs, prior, to_logs
from seodang.testbed.predict.rows import Row, calibration
from seodang.testbed.predict.tiers import Z80

SERVING_NOISE = 0.03  # deviation of a measured time per token from run to run (assumed; averages of hundreds of requests)
COLLECTIVE_NOISE = 0.04  # the same for a latency that is printed in whole microseconds (assumed)
_SCALE = {"ms": 1e-3, "us": 1e-6}


def used(rows: Sequence[Row]) -> list[Row]:
    """Of the calibration rows those that the fit reads: times per token and latencies. A loaded time to first token is not among them."""
    return [row for row in calibration(rows) if row.value is not None and (row.metric == "tpot" or row.metric.startswith("latency_"))]


def calibrate(rows: Sequence[Row]) -> Calibrated:
    """Least squares of relative errors with the priors, and the errors that rows would have if they were left out."""
    chosen = used(rows)
    models = [_model(row) for row in chosen]
    noise = np.array([SERVING_NOISE if row.metric == "tpot" else COLLECTIVE_NOISE for row in chosen])
    whole = _fit(models, noise)
    serving = np.array([row.metric == "tpot" for row in chosen])

    def left_out(of: NDArray[np.bool_]) -> float:
        deviation = float(np.sqrt(np.mean(whole.left_out[of] ** 2)))
        free = max(1.0, float(np.sum(1 - whole.leverage[of])))  # rows less the parameters that they determine
        return deviation * student_quantile(0.9, free) / Z80

    return Calibrated(
        parameters=from_logs(whole.point),
        covariance=whole.covariance,
        left_out_serving=left_out(serving),
        left_out_collectives=left_out(~serving),
        rows=tuple(row.id for row in chosen),
    )


def residuals(rows: Sequence[Row], parameters: Parameters) -> dict[str, float]:
    """Logarithm of predicted over measured, by row, of the rows that the fit reads."""
    return {row.id: _model(row)(parameters) for row in used(rows)}


def _fit(models: Sequence[Callable[[Parameters], float]], noise: NDArray[np.float64]) -> Fitted:
    spread = np.array([PRIORS[name].spread for name in NAMES])

    def errors(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([model(from_logs(logs)) for model in models])

    return fit(errors, noise, to_logs(prior()), spread)


def _model(row: Row) -> Callable[[Parameters], float]:
    """The logarithm of predicted over measured as a function of the parameters."""
    value: Callable[[Parameters], float]
    if row.phase == "collective":
        value = exchange(row)
    else:
        case = resolve(row)
        value = lambda parameters: evaluate(case, parameters)  # noqa: E731
    measured = (row.value or 1.0) * _SCALE[row.unit]
    return lambda parameters: math.log(value(parameters) / measured)
