"""The knobs of teaching: targets and loss."""

from typing import Literal

from pydantic import Field

from seodang.core.sections import Section


class TrainSection(Section):
    """How a student is trained."""

    epochs: float = Field(default=2.0, gt=0, description="passes over the accepted records")
    learning_rate: float = Field(default=2e-3, gt=0, description="peak of AdamW's learning rate")
    warmup: float = Field(
        default=0.05, ge=0, lt=1, description="share of the steps in which the rate rises from zero; after it falls by a cosine to a tenth"
    )
    weight_decay: float = Field(default=0.0, ge=0, description="AdamW's weight decay")
    max_grad_norm: float = Field(default=1.0, gt=0, description="gradients longer than this are shortened to it")
    pack_tokens: int = Field(default=384, ge=64, description="tokens in a step")
    checkpoint_steps: int = Field(default=40, ge=1, description="steps between checkpoints; a kill loses at most this many")
    held_out: float = Field(default=0.05, ge=0, lt=0.5, description="share of the records kept out of training to watch the loss")


class TargetsSection(Section):
    """What is kept of the teacher's distribution at each answer token."""

    codec: Literal["nucleus", "top_k", "sampled", "head_and_sampled", "hidden", "full"] = Field(
        default="nucleus", description="how it is kept, a file in distill/targets/codecs; a remote teacher can fill `top_k` only"
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

    loss: Literal["forward_kl"] = Field(
        default="forward_kl", description="divergence between teacher and student, a file in distill/losses"
    )
    weight: float = Field(
        default=0.1, ge=0, le=1, description="share of the divergence in the loss; the rest is cross-entropy with the verified answer"
    )
