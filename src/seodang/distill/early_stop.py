"""Training ends where the held-out loss no longer falls, and the weights of its lowest value are the student's."""

import math
from collections.abc import Sequence
from typing import Any

import torch


class EarlyStop:
    """Keeps the best weights so far. `patience` is how many evaluations in a row may bring nothing better; None: neither kept nor ended."""

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.loss: float | None = None
        self.step: int | None = None
        self.num_worse = 0
        self.weights: list[torch.Tensor] = []

    @property
    def over(self) -> bool:
        return self.patience is not None and self.num_worse >= self.patience

    def see(self, step: int, loss: float, parameters: Sequence[torch.Tensor]) -> None:
        """Takes note of an evaluation's loss. One that is no number is never the best."""
        if self.patience is None:
            return
        if math.isfinite(loss) and (self.loss is None or loss < self.loss):
            self.loss, self.step, self.num_worse = loss, step, 0
            self.weights = [p.detach().clone() for p in parameters]
        else:
            self.num_worse += 1

    @torch.no_grad()
    def restore(self, parameters: Sequence[torch.Tensor]) -> None:
        """Gives the best weights back to the model, if there are any."""
        if self.weights:
            for parameter, best in zip(parameters, self.weights, strict=True):
                parameter.copy_(best)

    def row(self) -> dict[str, Any]:
        """What a checkpoint's record needs, beside the weights."""
        return {"loss": self.loss, "step": self.step, "num_worse": self.num_worse}

    def go_on(self, row: dict[str, Any], weights: list[torch.Tensor]) -> None:
        """Takes up what `row` gave."""
        self.loss, self.step, self.num_worse, self.weights = row["loss"], row["step"], row["num_worse"], weights
