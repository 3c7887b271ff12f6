"""Cross-entropy with the tokens that were written: supervised fine-tuning, and sequence-level distillation on a teacher's text."""

import torch
import torch.nn.functional as F

from seodang.distill.losses.target import count


def cross_entropy(
    student: torch.Tensor, target: torch.Tensor, mask: torch.Tensor, *, temperature: float = 1.0, num_tokens: float | None = None
) -> torch.Tensor:
    """-log p(token) in nats, summed over the positions of `mask` and divided by `num_tokens`.

    `student` holds logits (T, V), `target` token ids (T,), `mask` (T,) bool. The temperature divides the logits.
    """
    precise_TV = student if student.dtype == torch.float64 else student.float()
    logits_TV = precise_TV if temperature == 1.0 else precise_TV / temperature
    loss_T = F.cross_entropy(logits_TV, target, reduction="none")
    return loss_T[mask].sum() / count(mask, num_tokens)
