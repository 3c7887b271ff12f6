"""The frozen fit: parameters, how sure they are, and which rows they follow from."""

import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seodang.core.errors import VerificationError
from seodang.testbed.predict.parameters import NAMES, Parameters, to_logs

FROZEN = Path(str(resources.files("seodang.testbed.predict") / "evidence" / "fitted.json"))


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The parameters, and the covariance of their logarithms (num_parameters, num_parameters); deviations of leave-one-out errors of the
    rows of serving and of those of collectives, widened as few rows ask; `scale` is the logarithm of a factor on serving times that an
    anchor sets."""

    parameters: Parameters
    covariance: NDArray[np.float64]
    left_out_serving: float
    left_out_collectives: float
    rows: tuple[str, ...]
    scale: float = 0.0
    anchor: str | None = None

    def digest(self) -> str:
        """What the fit is known by."""
        return self.parameters.digest()

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "parameters": asdict(self.parameters),
            "digest": self.digest(),
            "names": list(NAMES),
            "covariance": [[float(f"{value:.8g}") for value in line] for line in self.covariance],
            "left_out_serving": self.left_out_serving,
            "left_out_collectives": self.left_out_collectives,
            "rows": list(self.rows),
        }


@cache
def frozen() -> Calibrated:
    """The fit that comes with seodang. VerificationError where its numbers are not those of its digest."""
    record = json.loads(FROZEN.read_text(encoding="utf-8"))
    parameters = Parameters(**record["parameters"])
    if parameters.digest() != record["digest"] or record["names"] != list(NAMES):
        raise VerificationError(
            "the frozen parameters do not have the digest that stands beside them",
            where=str(FROZEN),
            hint="`python benchmarks/predictor.py --refit` fits them again from the calibration rows",
        )
    return Calibrated(
        parameters,
        np.array(record["covariance"]),
        record["left_out_serving"],
        record["left_out_collectives"],
        tuple(record["rows"]),
    )


def logs(calibrated: Calibrated) -> NDArray[np.float64]:
    """The logarithms of its parameters, shape (num_parameters,)."""
    return to_logs(calibrated.parameters)
