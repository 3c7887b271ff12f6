"""Least squares with priors: the most probable parameters, and how sure they are (Gauss-Newton with Levenberg's damping, 1944)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The point of least squares, its covariance (num_parameters, num_parameters), and there the residuals (num_rows,) and those that each
    row would have, had it been left out (num_rows,), to first order; and its leverage (num_rows,), by which that differs."""

    point: Array
    covariance: Array
    residuals: Array
    left_out: Array
    leverage: Array


def jacobian(residuals: Callable[[Array], Array], at: Array, step: float = 1e-4) -> Array:
    """Central differences, shape (num_rows, num_parameters)."""
    columns: list[Array] = []
    for index in range(at.size):
        up, down = at.copy(), at.copy()
        up[index] += step
        down[index] -= step
        columns.append((residuals(up) - residuals(down)) / (2 * step))
    return np.stack(columns, axis=1)


def fit(residuals: Callable[[Array], Array], noise: Array, centre: Array, spread: Array, *, rounds: int = 60) -> Fitted:
    """Least of sum((residuals/noise)^2) + sum(((x-centre)/spread)^2), from `centre` on.

    A row that is left out has its residual over 1 - leverage (PRESS; Allen 1974).

    `residuals(x)` and `noise`: (num_rows,); `centre`, `spread`: (num_parameters,), all spreads above 0. ValueError where nothing is finite.
    """

    def whole(x: Array) -> Array:
        return np.concatenate([residuals(x) / noise, (x - centre) / spread])

    point, damping = centre.copy(), 1e-3
    values = whole(point)
    if not np.isfinite(values).all():
        raise ValueError("the residuals at the centre of the priors are not finite")
    for _ in range(rounds):
        slope = np.concatenate([jacobian(residuals, point) / noise[:, None], np.diag(1 / spread)])
        normal, gradient = slope.T @ slope, slope.T @ values
        move = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), -gradient)
        tried = whole(point + move)
        if np.isfinite(tried).all() and tried @ tried < values @ values:
            point, values, damping = point + move, tried, damping / 10
            if np.abs(move).max() < 1e-9:
                break
        else:
            damping *= 10
            if damping > 1e9:
                break
    slope = jacobian(residuals, point) / noise[:, None]
    covariance: Array = np.asarray(np.linalg.inv(slope.T @ slope + np.diag(spread**-2.0)), dtype=np.float64)
    leverage = np.einsum("rp,pq,rq->r", slope, covariance, slope)
    found = residuals(point)
    return Fitted(point, covariance, found, found / (1 - leverage), leverage)
