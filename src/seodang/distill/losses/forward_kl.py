"""Forward Kullback-Leibler divergence of teacher and student (Hinton et al. 2015, arXiv 1503.02531)."""

import torch

from seodang.distill.losses.target import Dense, Sparse, Target, count


def forward_kl(
    student: torch.Tensor, target: Target, mask: torch.Tensor, *, temperature: float = 1.0, num_tokens: float | None = None
) -> torch.Tensor:
    """KL(teacher || student) in nats, summed over the positions of `mask` and divided by `num_tokens`.

    `student` holds logits (T, V), `mask` (T,) bool. A temperature divides both sides' logits and the result is multiplied by
    its square once. For a `Sparse` target the tail is one bucket on both sides: the result is the KL of the coarser
    distributions, between 0 and the full KL and equal to it when all of the vocabulary is kept; nothing is clamped or
    renormalised. ValueError for a `Sparse` target at a temperature other than 1, whose normaliser is not known.
    """
    total = count(mask, num_tokens)
    if isinstance(target, Dense):
        logprobs_TV = torch.log_softmax(student.float() / temperature, -1)
        teacher_TV = torch.log_softmax(target.logits.float() / temperature, -1)
        kl_T = (teacher_TV.exp() * (teacher_TV - logprobs_TV)).sum(-1)
        return temperature**2 * kl_T[mask].sum() / total
    if temperature != 1.0:
        raise ValueError("a sparse target was stored at temperature 1; its normaliser at another one is not known")
    return _sparse(student.float(), target)[mask].sum() / total


def _sparse(logits_TV: torch.Tensor, target: Sparse) -> torch.Tensor:
    rows = target.rows
    normaliser_T = torch.logsumexp(logits_TV, -1)
    student_N = logits_TV[rows, target.ids] - normaliser_T[rows]
    zero_T = torch.zeros_like(normaliser_T)
    head_T = zero_T.index_add(0, rows, target.logprobs.exp() * (target.logprobs - student_N))
    teacher_tail_T = 1.0 - zero_T.double().index_add(0, rows, target.logprobs.double().exp())
    # Where all of the vocabulary is kept, or rounding put the kept mass at 1, there is no tail to compare.
    has_tail_T = (teacher_tail_T > 1e-7) & (target.offsets.diff() < logits_TV.shape[-1])
    tail_T = torch.where(has_tail_T, teacher_tail_T, 1.0).float()
    # The student's tail is summed from what is not kept: 1 minus the kept mass would cancel where the student is sure.
    in_tail = has_tail_T[rows]
    rest_TV = logits_TV.index_put((rows[in_tail], target.ids[in_tail]), logits_TV.new_tensor(float("-inf")))
    log_student_tail_T = torch.logsumexp(rest_TV, -1) - normaliser_T
    return head_T + torch.where(has_tail_T, tail_T * (tail_T.log() - log_student_tail_T), 0.0)
