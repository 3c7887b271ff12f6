"""Published products of matrices: what shares of the peaks they reach, and how far computing and reading hide each other."""

import csv
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seodang.testbed.predict.least_squares import fit

PEAK_FLOP_S, PEAK_BYTES_S = 1.979e15, 3.35e12  # of the H800 on which they were measured, in float8


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the peaks, and seconds of a product beside its work; `error` is the root mean square of relative errors."""

    compute: float
    memory: float
    launch_s: float
    error: float


def published() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """FLOP, bytes and seconds of 28 products, each (num_products,).

    Source: deepseek-ai/DeepGEMM, README of February 2025 (MIT), FP8 on an H800, from its TFLOP/s and GB/s.
    """
    path = Path(str(resources.files("seodang.testbed.predict") / "evidence" / "products.csv"))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    flops = np.array([2.0 * int(row["groups"]) * int(row["rows"]) * int(row["columns"]) * int(row["inner"]) for row in rows])
    seconds = flops / np.array([1e12 * float(row["tflop_s"]) for row in rows])
    return flops, seconds * np.array([1e9 * float(row["gb_s"]) for row in rows]), seconds


def shares(exponent: float) -> Shares:
    """Least squares of time = (compute^exponent + memory^exponent)^(1/exponent) + launch.

    1 is computing after reading, a large exponent is the roofline, in which the longer one hides the other.
    """
    flops, num_bytes, seconds = published()

    def errors(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        compute, memory, launch = np.exp(logs)
        parts = np.stack([flops / (PEAK_FLOP_S * compute), num_bytes / (PEAK_BYTES_S * memory)])
        longest = parts.max(axis=0)
        return np.log((longest * ((parts / longest) ** exponent).sum(axis=0) ** (1 / exponent) + launch) / seconds)

    found = fit(errors, np.full(flops.size, 0.1), np.log([0.6, 0.8, 2e-6]), np.full(3, 10.0))
    compute, memory, launch = (float(value) for value in np.exp(found.point))
    return Shares(compute, memory, launch, float(np.sqrt(np.mean(found.residuals**2))))
