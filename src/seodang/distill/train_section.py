"""The knobs of the training loop, whatever is taught."""

import math
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from seodang.core.errors import RecipeError
from seodang.core.sections import Section

Precision = Literal["auto", "float32", "bfloat16"]


class TrainSection(Section):
    """How a student is trained."""

    epochs: float = Field(default=2.0, gt=0, description="passes over the accepted records")
    learning_rate: float | tuple[float, ...] = Field(
        default=2e-3,
        description="peak of AdamW's learning rate, above 0. A list is a grid: every arm of every seed is trained at each rate, and the "
        "student with the lowest held-out cross-entropy is kept",
    )
    warmup: float = Field(
        default=0.05, ge=0, lt=1, description="share of the steps in which the rate rises from zero; after it falls by a cosine to a tenth"
    )
    weight_decay: float = Field(default=0.0, ge=0, description="AdamW's weight decay")
    max_grad_norm: float = Field(default=1.0, gt=0, description="gradients longer than this are shortened to it")
    pack_tokens: int = Field(default=384, ge=64, description="tokens that are computed together")
    packs_per_step: int = Field(
        default=1, ge=1, description="packs whose gradients are added up to one step; several processes share them, at least one each"
    )
    precision: Precision = Field(
        default="auto",
        description="what weights are computed in; they are kept and changed in float32. auto: all weights in float32, adapters and the "
        "frozen weights under them in bfloat16 where the processor is fast in it",
    )
    gradient_checkpointing: bool = Field(
        default=False, description="compute each block again in the backward pass instead of keeping what it made: less memory, more time"
    )
    checkpoint_steps: int = Field(default=40, ge=1, description="steps between checkpoints; a kill loses at most this many")
    held_out: float = Field(default=0.05, ge=0, lt=0.5, description="share of the records kept out of training to watch the loss")
    held_out_by: Literal["documents", "questions"] = Field(
        default="questions",
        description="what is held out together. questions: near-duplicate questions, so that every document is taught. documents: all "
        "records of a document and of their near-duplicate questions, so that the watched loss tells of documents that are not taught; "
        "where documents are too few or too large for the share it is by questions, and the report says so",
    )
    evaluations: int = Field(default=8, ge=1, description="how often in a training the held-out loss is computed")
    patience: int | None = Field(
        default=None,
        ge=1,
        description="evaluations in a row without a lower held-out loss after which training ends; the weights of the lowest are kept. "
        "none: it goes to the end, and the last weights are kept",
    )

    @field_validator("learning_rate", mode="before")
    @classmethod
    def _rates_can_be_used(cls, given: Any) -> Any:
        many = isinstance(given, list | tuple)
        rates = [_rate(value) for value in (given if many else [given])]  # pyright: ignore[reportUnknownVariableType]
        if not rates or len(set(rates)) < len(rates):
            raise ValueError("a grid of learning rates holds at least one, and each once")
        return rates[0] if len(rates) == 1 else tuple(rates)

    @model_validator(mode="after")
    def _a_grid_can_be_judged(self) -> "TrainSection":
        if len(self.rates) > 1 and self.held_out == 0:
            raise RecipeError(
                "`distill.learning_rate`: several rates are compared on held-out records, and `distill.held_out` is 0",
                hint="set `distill.held_out` to a share such as 0.1, or give one learning rate",
            )
        return self

    @property
    def rates(self) -> tuple[float, ...]:
        """The learning rates at which a student is trained, one or more."""
        return self.learning_rate if isinstance(self.learning_rate, tuple) else (self.learning_rate,)


def _rate(given: Any) -> float:
    """A learning rate, also where YAML makes a text of it (1e-3). ValueError for what is none."""
    try:
        rate = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        rate = math.nan
    if not 0 < rate < math.inf:
        raise ValueError(f"a learning rate is a number above 0, not {given!r}")
    return rate
