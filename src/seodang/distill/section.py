"""The knobs of teaching: targets, loss and mode."""

import importlib
from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from seodang.core.errors import RecipeError
from seodang.core.sections import Section
from seodang.distill.train_section import TrainSection

Loss = Literal["forward_kl", "reverse_kl", "generalized_jsd", "skew_kl", "skew_reverse_kl", "total_variation", "alpha_beta", "alm", "uld"]
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


Mode = Literal["cached", "live", "on_policy", "offline_on_policy"]
# What each mode uses of the knobs below; the others change nothing of its student.
MODE_SETTINGS: dict[Mode, tuple[str, ...]] = {
    "cached": (),
    "live": (),
    "on_policy": ("on_policy_share", "rollout_temperature", "rollout_tokens"),
    "offline_on_policy": ("rollout_temperature", "rollout_tokens", "rollout_samples"),
}
LIVE_MODES = ("live", "on_policy")  # the teacher is asked while the student is trained


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


class VariantSection(Section):
    """Another distilled arm, by its name; what is not given is as in `distill`."""

    mode: Mode | None = Field(default=None, description="at whose answers the teacher's distributions are taught, and when it gives them")
    loss: Loss | None = Field(default=None, description="divergence between teacher and student; a new one begins without settings")
    temperature: float | None = Field(default=None, gt=0, description="divides both sides' logits")
    loss_settings: dict[str, float] | None = Field(default=None, description="settings of the loss")
    weight: float | None = Field(default=None, ge=0, le=1, description="share of the divergence in the loss")
    general_weight: float | None = Field(default=None, ge=0, le=1, description="the same share for everyday questions")


class DistillSection(TrainSection):
    """How the student is taught."""

    mode: Mode = Field(
        default="cached",
        description="at whose answers the teacher's distributions are taught, and when it gives them. cached: the verified answers, kept "
        "by the step `targets`; live: the same, asked for in each step and not kept; on_policy: as live, a share of the packs at what the "
        "student itself answers then; offline_on_policy: kept, at what the fine-tuned student of the same seed answers, which is taught "
        "further. live and on_policy need a local teacher",
    )
    on_policy_share: float = Field(
        default=0.5, ge=0, le=1, description="`on_policy`: probability that a pack is taught at the student's own answers"
    )
    rollout_temperature: float = Field(
        default=1.0, gt=0, le=10, description="`on_policy`, `offline_on_policy`: temperature at which the student answers"
    )
    rollout_tokens: int = Field(default=64, ge=1, description="`on_policy`, `offline_on_policy`: tokens an answer of the student may have")
    rollout_samples: int = Field(default=1, ge=1, le=64, description="`offline_on_policy`: answers of the student to each question")
    loss: Loss = Field(
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
    variants: dict[str, VariantSection] = Field(
        default_factory=dict[str, VariantSection],
        description="further distilled arms by their names, which `evaluate.arms` may hold; taught the same records with equal tokens, "
        "and in the mode `offline_on_policy` for as many steps again after fine-tuning",
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

    @model_validator(mode="after")
    def _variants_can_be_taught(self) -> "DistillSection":
        for name in self.variants:
            try:
                self.of_arm(name)
            except ValidationError as error:
                what = error.errors()[0]["msg"].removeprefix("Value error, ")
                raise RecipeError(
                    f"`distill.variants.{name}`: {what}", hint="`seodang explain distill` lists the losses with their settings"
                ) from error
        return self

    def of_arm(self, arm: str) -> "DistillSection":
        """How an arm is taught: as this section says, with what the variant of that name changes."""
        if arm not in self.variants:
            return self
        changes = self.variants[arm].model_dump(exclude_none=True)
        own = self.model_dump(exclude={"variants"})
        if changes.get("loss", self.loss) != self.loss:
            own["loss_settings"] = {}
        return DistillSection.model_validate(own | changes)


def loss_module(loss: str) -> str:
    """Where the function `divergence` of a loss stands."""
    return f"seodang.distill.{'align' if loss in ACROSS else 'losses'}.{loss}"


def kept_kind(section: TargetsSection) -> str:
    """Which kind of target (losses/target.py) is kept: a column of the table in losses/support.py."""
    return _KINDS[section.codec]


def taught_kind(distill: DistillSection, targets: TargetsSection) -> str:
    """Which kind of target is taught from: a live teacher's whole distributions, or what is kept."""
    return "hidden" if distill.mode in LIVE_MODES else kept_kind(targets)


def mode_settings(distill: DistillSection) -> dict[str, Any]:
    """The mode with the knobs that it uses."""
    return {name: getattr(distill, name) for name in ("mode", *MODE_SETTINGS[distill.mode])}


def refuse_loss(distill: DistillSection, kind: str, key: str = "distill") -> None:
    """RecipeError where the loss cannot be computed from the kind of targets that is kept; `key` is where it stands in the recipe."""
    if distill.loss in ACROSS or kind == "likelihoods":
        _refuse_across(distill, kind, key)
        return
    if kind in ("sparse", "sampled") and distill.temperature != 1.0:
        raise RecipeError(
            f"`{key}.temperature`: {kind} targets are kept for temperature 1, not for {distill.temperature:g}",
            hint=f"leave `{key}.temperature` at 1, or keep the teacher's whole distribution",
        )
    if distill.loss == "forward_kl":
        return  # every kind of target serves it, so that PyTorch need not be loaded to read most recipes
    from seodang.distill.losses.support import SUPPORT

    if SUPPORT[distill.loss][kind] == "refused":
        others = ", ".join(name for name, row in SUPPORT.items() if row[kind] != "refused")
        raise RecipeError(
            f"`{key}.loss`: `{distill.loss}` cannot be computed from {kind} targets",
            hint=f"use {others}, or keep the teacher's whole distribution",
        )


def _refuse_across(distill: DistillSection, kind: str, key: str) -> None:
    """RecipeError for a loss across tokenizers, or targets for one, that do not go with each other."""
    if distill.loss not in ACROSS:
        raise RecipeError(
            f"`{key}.loss`: `{distill.loss}` cannot be computed from likelihoods, which say nothing of the tokens that were not written",
            hint=f"set `{key}.loss: alm`, or another `targets.codec`",
        )
    if distill.mode != "cached":
        raise RecipeError(
            f"`{key}.mode`: `{distill.loss}` is taught from kept targets, not in the mode `{distill.mode}`",
            hint=f"set `{key}.mode: cached`, or take a student with the teacher's tokenizer and another loss",
        )
    if distill.temperature != 1.0:
        raise RecipeError(
            f"`{key}.temperature`: `{distill.loss}` is computed at temperature 1, not at {distill.temperature:g}",
            hint=f"leave `{key}.temperature` at 1",
        )
    if kind not in ACROSS[distill.loss]:
        codec = "likelihoods" if distill.loss == "alm" else "hidden"
        raise RecipeError(f"`{key}.loss`: `{distill.loss}` cannot be computed from {kind} targets", hint=f"set `targets.codec: {codec}`")
