"""What a device reaches by its own measurement: then no share of a peak has to be fitted."""

import re

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
