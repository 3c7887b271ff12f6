"""What the predictor will not answer, and why."""

from typing import Literal

from seodang.core.errors import SeodangError

Reason = Literal["no evidence", "does not fit", "missing input", "unknown"]


class PredictionRefused(SeodangError):
    """A question without an honest answer. `reason`: no evidence for a family of operators, a layout that does not fit into the memory,
    an input that is missing, or a name or metric that is not known. In a scorecard a refusal counts as a miss."""

    exit_code = 3

    def __init__(self, reason: Reason, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what, where=where, hint=hint)
        self.reason: Reason = reason

    def told(self) -> dict[str, str | None]:
        """For JSON."""
        return {"reason": self.reason, "what": self.what, "where": self.where, "hint": self.hint}


def too_extreme(error: ArithmeticError, where: str | None = None) -> PredictionRefused:
    """The refusal of numbers that cannot be computed with."""
    what = f"numbers too large or too small to compute with ({error})"
    return PredictionRefused("missing input", what, where=where, hint="ask for fewer devices, clients or tokens")
