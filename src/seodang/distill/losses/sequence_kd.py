"""Sequence-level distillation (Kim and Rush 2016, arXiv 1606.07947): cross-entropy with a text that the teacher wrote."""

import torch

from seodang.distill.losses.cross_entropy import cross_entropy


def sequence_kd(
    student: torch.Tensor, target: torch.Tensor, mask: torch.Tensor, *, temperature: float = 1.0, num_tokens: float | None = None
) -> torch.Tensor:
    """-log p(the teacher's token) in nats, summed over the positions of `mask` and divided by `num_tokens` (default: how many count).

    `student` holds logits (T, V), `target` the token ids of the teacher's own text (T,), `mask` (T,) bool: one draw of the teacher's
    distribution over whole texts stands for it. What makes it another method than fine-tuning is who wrote the tokens.
    """
    return cross_entropy(student, target, mask, temperature=temperature, num_tokens=num_tokens)
