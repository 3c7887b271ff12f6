"""A number that can be printed: with its unit, n, interval, method and source."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured or counted number. ValueError where it could not be traced or makes no sense."""

    value: float
    unit: str  # "fraction" for a share, otherwise as in "tokens/s" or "bytes"
    n: int  # how many items, runs or tokens it stands on
    interval: tuple[float, float] | None  # low and high in `unit`; None: no interval was computed
    method: str  # how value and interval came about, such as "share of right answers, Wilson 95 %"
    source: str  # the file, step or command that it comes from

    def __post_init__(self) -> None:
        for name in ("unit", "method", "source"):
            if not getattr(self, name).strip():
                raise ValueError(f"a measurement needs its {name}")
        if self.n < 1:
            raise ValueError(f"a measurement stands on at least one observation, not on {self.n}")
        if not math.isfinite(self.value):
            raise ValueError(f"{self.value} {self.unit} is not a number that can be printed")
        if self.interval is not None and not self.interval[0] <= self.interval[1]:
            raise ValueError(f"the interval {self.interval} does not run from low to high")
