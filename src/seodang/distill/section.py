"""The knobs of teaching: targets, loss and training."""

import importlib
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from seodang.core.errors import RecipeError
from seodang.core.sections import Section

Precision = Literal["auto", "float32", "bfloat16"]
# What can be set of each loss, beside the temperature.
LOSS_SETTINGS: dict[str, tuple[str, ...]] = {
    "forward_kl": (),
    "reverse_kl": (),
    "generalized_jsd": ("beta",),
    "skew_kl": ("alpha",),
    "skew_reverse_kl": ("alpha",),
    "total_variation": (),
    "alpha_beta": ("alpha", "beta"),
    "alm": ("tau", "threshold"),
    "uld": (),
}
# The losses across tokenizers, and the kinds of targets that each is computed from.
ACROSS: dict[str, tuple[str, ...]] = {"alm": ("likelihoods",), "uld": ("hidden", "dense")}
_KINDS = {
    "nucleus": "sparse",
    "top_k": "sparse",
    "sampled": "sampled",
    "head_and_sampled": "sampled",
    "hidden": "hidden",
    "full": "dense",
    "likelihoods": "likelihoods",
}


class TrainSection(Section):
    """How a student is trained."""

    epochs: float = Field(default=2.0, gt=0, description="passes over the accepted records")
    learning_rate: float = Field(default=2e-3, gt=0, description="peak of AdamW's learning rate")
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
    evaluations: int = Field(default=8, ge=1, description="how often in a training the held-out loss is computed")
    patience: int | None = Field(
        default=None,
        ge=1,
        description="evaluations in a row without a lower held-out loss after which training ends; the weights of the lowest are kept. "
        "none: it goes to the end, and the last weights are kept",
    )


class TargetsSection(Section):
    """What is kept of the teacher's distribution at each answer token."""

    codec: Literal["nucleus", "top_k", "sampled", "head_and_sampled", "hidden", "full", "likelihoods"] = Field(
        default="nucleus",
        description="how it is kept, a file in distill/targets/codecs; a remote teacher can fill `top_k` only; the loss `alm` needs "
        "`likelihoods`, and `uld` one of `hidden` and `full`",
    )
    nats_per_byte: float = Field(
        default=3e-4,
        ge=1e-6,
        le=0.05,
        description="`nucleus`: a byte is spent where it lowers the divergence from the teacher by this many nats",
    )
    top_k: int = Field(default=32, ge=1, description="`top_k`: log-probabilities kept; the rest is one tail bucket")
    draws: int = Field(default=50, ge=1, le=10_000, description="`sampled`, `head_and_sampled`: tokens drawn")
    head_probability: float = Field(
        default=0.02, gt=0, le=1, description="`head_and_sampled`: tokens at least this probable are kept exactly, the rest is drawn from"
    )
    precision: Literal["bfloat16", "float32"] = Field(default="bfloat16", description="`hidden`: of the kept hidden states")


class DistillSection(TrainSection):
    """How the student is taught."""

    loss: Literal[
        "forward_kl", "reverse_kl", "generalized_jsd", "skew_kl", "skew_reverse_kl", "total_variation", "alpha_beta", "alm", "uld"
    ] = Field(
        default="forward_kl",
        description="divergence between teacher and student, a file in distill/losses; for a student with another tokenizer `alm`, or "
        "`uld` as a baseline, files in distill/align",
    )
    temperature: float = Field(default=1.0, gt=0, description="divides both sides' logits; the loss is multiplied by its square")
    loss_settings: dict[str, float] = Field(
        default_factory=dict[str, float],
        description="beta of generalized_jsd (0 to 1), alpha of the skew losses (between 0 and 1), alpha and beta of alpha_beta; of alm, "
        "tau (above 0, default 100: the root that brings a long text's likelihood up) and threshold (0 to below 1, default 0.1: a chunk "
        "ends where the teacher's mass of words that may begin is above it; 0: chunks as fine as both tokenizers cut them)",
    )
    weight: float = Field(
        default=0.1, ge=0, le=1, description="share of the divergence in the loss; the rest is cross-entropy with the verified answer"
    )
    general_weight: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="the same share for everyday questions, which the teacher answers without a passage: a high one holds a student with "
        "the teacher's weights to what they knew. none: as `weight`",
    )

    think_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of the answer tokens, by their measured number, that are taught in think mode: a thinking teacher's reasoning "
        "and the answer after it; the rest is taught without thinking",
    )

    @field_validator("loss_settings")
    @classmethod
    def _settings_belong_to_the_loss(cls, settings: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        loss = info.data.get("loss")
        if loss is None or not settings:
            return settings
        known = LOSS_SETTINGS[loss]
        for name in settings:
            if name not in known:
                others = ", ".join(f"`{setting}`" for setting in known)
                raise ValueError(f"`{loss}` has no setting `{name}`; it has {others or 'none'}")
        importlib.import_module(loss_module(loss)).divergence(info.data.get("temperature", 1.0), **settings)
        return settings


def loss_module(loss: str) -> str:
    """Where the function `divergence` of a loss stands."""
    return f"seodang.distill.{'align' if loss in ACROSS else 'losses'}.{loss}"


def kept_kind(section: TargetsSection) -> str:
    """Which kind of target (losses/target.py) is kept: a column of the table in losses/support.py."""
    return _KINDS[section.codec]


def refuse_loss(distill: DistillSection, kind: str) -> None:
    """RecipeError where the loss cannot be computed from the kind of targets that is kept."""
    if distill.loss in ACROSS or kind == "likelihoods":
        _refuse_across(distill, kind)
        return
    if kind in ("sparse", "sampled") and distill.temperature != 1.0:
        raise RecipeError(
            f"`distill.temperature`: {kind} targets are kept for temperature 1, not for {distill.temperature:g}",
            hint="leave `distill.temperature` at 1, or keep the teacher's whole distribution",
        )
    if distill.loss == "forward_kl":
        return  # every kind of target serves it, so that PyTorch need not be loaded to read most recipes
    from seodang.distill.losses.support import SUPPORT

    if SUPPORT[distill.loss][kind] == "refused":
        others = ", ".join(name for name, row in SUPPORT.items() if row[kind] != "refused")
        raise RecipeError(
            f"`distill.loss`: `{distill.loss}` cannot be computed from {kind} targets",
            hint=f"use {others}, or keep the teacher's whole distribution",
        )


def _refuse_across(distill: DistillSection, kind: str) -> None:
    """RecipeError for a loss across tokenizers, or targets for one, that do not go with each other."""
    if distill.loss not in ACROSS:
        raise RecipeError(
            f"`distill.loss`: `{distill.loss}` cannot be computed from likelihoods, which say nothing of the tokens that were not written",
            hint="set `distill.loss: alm`, or another `targets.codec`",
        )
    if distill.temperature != 1.0:
        raise RecipeError(
            f"`distill.temperature`: `{distill.loss}` is computed at temperature 1, not at {distill.temperature:g}",
            hint="leave `distill.temperature` at 1",
        )
    if kind not in ACROSS[distill.loss]:
        codec = "likelihoods" if distill.loss == "alm" else "hidden"
        raise RecipeError(f"`distill.loss`: `{distill.loss}` cannot be computed from {kind} targets", hint=f"set `targets.codec: {codec}`")
