"""How far a question is from what was measured, and how much wider its interval is for it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from seodang.testbed.predict.rows import Row

Tier = Literal["same_deployment", "same_stack", "same_framework", "same_chip", "described"]

Z80 = 1.2816  # a normal variable lies within +-Z80 deviations in 80 % of the cases
_MEAN_TO_DEVIATION = math.sqrt(math.pi / 2)  # of a normal variable: deviation over mean absolute error
_OTHER_CHIP = 0.128 * _MEAN_TO_DEVIATION
_OTHER_FRAMEWORK = 0.21 * _MEAN_TO_DEVIATION
LEAST = 0.0425 * _MEAN_TO_DEVIATION  # of operator times on a measured device: aiconfigurator's leave-one-out error of GEMMs is 3.6 to 4.9 %
OTHER_PARALLELISM = _OTHER_CHIP  # a way of dividing the model that no serving row of the calibration has: as another chip (assumed)

ORDER: tuple[Tier, ...] = ("same_deployment", "same_stack", "same_framework", "same_chip", "described")
MEANING: dict[Tier, str] = {
    "same_deployment": "other load points of this deployment were measured",
    "same_stack": "this device and framework were measured with another model, precision or layout",
    "same_framework": "this framework was measured on another device; the device is only described",
    "same_chip": "this device was measured under another framework",
    "described": "neither this device nor this framework was measured",
}
SPREAD_SOURCE: dict[Tier, str] = {
    "same_deployment": "leave-one-out errors of the calibration rows, widened by Student's t for so few, or, if larger, "
    "the published error of operators on a measured device (4.25 %, aiconfigurator)",
    "same_stack": "assumed: the geometric mean of its neighbours",
    "same_framework": "published error of time per token on unseen GPU generations, 12.8 % on average (KernelSight-LM, arXiv:2606.28565)",
    "same_chip": "independent error of the time between tokens, 21 % on average (inference-sim/sim-to-real-accuracy-validation, 9 runs)",
    "described": "the two above, as independent",
}
ASSUMED_LENGTHS = 0.15  # further deviation of the logarithm where lengths or limits of a benchmark had to be assumed


@dataclass(frozen=True, slots=True)
class Standing:
    """The tier of a question, the calibration rows nearest to it, and the deviation of the logarithm that the tier adds."""

    tier: Tier
    calibration: tuple[str, ...]
    deviation: float


def spread(tier: Tier, left_out: float) -> float:
    """Deviation of the logarithm; `left_out` is that of leave-one-out errors, taken as at least that of operators themselves."""
    nearest = max(left_out, LEAST)
    table: dict[Tier, float] = {
        "same_deployment": nearest,
        "same_stack": max(nearest, math.sqrt(nearest * _OTHER_CHIP)),
        "same_framework": max(nearest, _OTHER_CHIP),
        "same_chip": max(nearest, _OTHER_FRAMEWORK),
        "described": max(nearest, math.hypot(_OTHER_CHIP, _OTHER_FRAMEWORK)),
    }
    return table[tier]


def framework_family(name: str) -> str:
    """`sglang-0.5.9` and `sglang-0.5.8` are one framework: its name without the version. Other names with dashes stay."""
    head, _, tail = name.rpartition("-")
    return head if head and tail[:1].isdigit() else name


def standing(row: Row, calibrated: Iterable[Row], left_out: float) -> Standing:
    """Where a row stands to the calibration rows of its kind (collectives for collectives, serving for serving)."""
    kind = [known for known in calibrated if (known.phase == "collective") == (row.phase == "collective")]
    family = framework_family(row.framework)
    near: dict[Tier, list[Row]] = {
        "same_deployment": [known for known in kind if known.deployment == row.deployment],
        "same_stack": [known for known in kind if known.device == row.device and framework_family(known.framework) == family],
        "same_framework": [known for known in kind if framework_family(known.framework) == family],
        "same_chip": [known for known in kind if known.device == row.device],
        "described": kind,
    }
    found: list[Tier] = [tier for tier in ORDER if near[tier]]
    nearest: Tier = found[0] if found else "described"
    return Standing(nearest, tuple(known.id for known in near[nearest]), spread(nearest, left_out))
