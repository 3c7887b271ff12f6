"""Forward Kullback-Leibler divergence of teacher and student (Hinton et al. 2015, arXiv 1503.02531)."""

import torch

from seodang.distill.losses.target import Dense, Sparse, Target, count, log1mexp


def forward_kl(
    student: torch.Tensor, target: Target, mask: torch.Tensor, *, temperature: float = 1.0, num_tokens: float | None = None
) -> torch.Tensor:
    """KL(teacher || student) in nats, summed over the positions of `mask` and divided by `num_tokens`.

    `student` holds logits (T, V), `mask` (T,) bool. A temperature divides both sides' logits and the result is multiplied by
    its square once. For a `Sparse` target the tail is one bucket on both sides: the result is the KL of the coarser
    distributions, between 0 and the full KL and equal to it when all of the vocabulary is kept; nothing is clamped or
    renormalised. ValueError for a `Sparse` target at a temperature other than 1, whose normaliser is not known.
    """
    logprobs_TV = torch.log_softmax(student.float() / temperature, -1)
    total = count(mask, num_tokens)
    if isinstance(target, Dense):
        teacher_TV = torch.log_softmax(target.logits.float() / temperature, -1)
        kl_T = (teacher_TV.exp() * (teacher_TV - logprobs_TV)).sum(-1)
        return temperature**2 * kl_T[mask].sum() / total
    if temperature != 1.0:
        raise ValueError("a sparse target was stored at temperature 1; its normaliser at another one is not known")
    return _sparse(logprobs_TV, target)[mask].sum() / total


def _sparse(logprobs_TV: torch.Tensor, target: Sparse) -> torch.Tensor:
    rows, num_positions = target.rows, len(target.offsets) - 1
    student_N = logprobs_TV[rows, target.ids]
    head_N = target.logprobs.exp() * (target.logprobs - student_N)
    zero_T = logprobs_TV.new_zeros(num_positions)
    head_T = zero_T.index_add(0, rows, head_N)
    teacher_tail_T = 1.0 - zero_T.double().index_add(0, rows, target.logprobs.double().exp())
    # Kept mass that rounding put at or above 1 leaves no tail to compare.
    has_tail_T = teacher_tail_T > 1e-7
    tail_T = torch.where(has_tail_T, teacher_tail_T, 1.0).float()
    student_head_T = zero_T.index_add(0, rows, student_N.exp())
    log_student_tail_T = log1mexp(torch.log(torch.where(has_tail_T & (student_head_T < 1), student_head_T, 0.5)))
    return head_T + torch.where(has_tail_T, tail_T * (tail_T.log() - log_student_tail_T), 0.0)
