"""What a device reaches by its own measurement: then no share of a peak has to be fitted."""

import math
import re
from bisect import bisect_left
from collections.abc import Sequence

from seodang.backends.description import Description


def measured_rates(device: Description) -> dict[str, float]:
    """Bytes and FLOP a second by family and type, such as `gemm.float32` and `gemv.float32`, `stream`, and seconds of a `launch` where they
    were measured; empty where not all of the device was.

    Where a family was measured with several numbers of rows, the one with the most stands for it: few rows are bound by reading.
    """
    if device.said != "measured":
        return {}
    rates: dict[str, float] = {"stream": device.memory[0].bandwidth.value}
    rows: dict[str, int] = {}
    for name, quantity in device.reached.items():
        found = re.fullmatch(r"(.+)\.rows(\d+)", name)
        family, count = (found[1], int(found[2])) if found else (name, 1 << 30)
        if quantity.unit in ("B/s", "FLOP/s", "OP/s", "s") and count > rows.get(family, 0):
            rows[family] = count
            rates[family] = quantity.value
    return rates


Curve = Sequence[tuple[float, float]]  # rows of a product and the FLOP a second that it reached, by rising rows


def measured_curves(device: Description) -> dict[str, Curve]:
    """What products of a measured device reach by their number of rows, by family and type, such as `gemm.float32`; weights are read from
    memory in them. Empty where not all of the device was measured, or a family was measured with one number of rows."""
    if device.said != "measured":
        return {}
    found: dict[str, dict[int, float]] = {}
    for name, quantity in device.reached.items():
        told = re.fullmatch(r"((?:grouped_)?gemm(?:_small)?\.\w+)\.rows(\d+)", name)
        if told is not None and quantity.unit == "FLOP/s":
            found.setdefault(told[1], {})[int(told[2])] = quantity.value
    return {family: sorted(rates.items()) for family, rates in found.items() if len(rates) > 1}


def rate_of(curve: Curve, rows: float) -> float:
    """FLOP a second at a number of rows: a straight line of logarithms between neighbours, and the nearest one beyond the ends."""
    place = bisect_left(curve, (rows, 0.0))
    if place == 0 or place == len(curve):
        return curve[min(place, len(curve) - 1)][1]
    (before, slow), (after, fast) = curve[place - 1], curve[place]
    share = math.log(rows / before) / math.log(after / before)
    return math.exp((1 - share) * math.log(slow) + share * math.log(fast))
