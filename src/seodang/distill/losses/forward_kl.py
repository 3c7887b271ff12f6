"""Forward Kullback-Leibler divergence of teacher and student (Hinton et al. 2015, arXiv 1503.02531)."""

from typing import Any

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
    kl_T: torch.Tensor = _SparseKL.apply(student, target)  # pyright: ignore[reportAssignmentType]
    return kl_T[mask].sum() / total


class _SparseKL(torch.autograd.Function):
    """The divergence at each position (T,), with its gradient written out: one pass over the vocabulary each way, one copy kept.

    With p the student's and t the teacher's probabilities, the derivative by a kept logit is p - t. The others share the tail in the
    proportions of the student's own tail, so theirs is that share times (student's tail - teacher's tail). The student's tail is
    summed from what is not kept: 1 minus the kept mass would cancel where the student is sure.
    """

    @staticmethod
    def forward(ctx: Any, student: torch.Tensor, target: Sparse) -> torch.Tensor:
        rest_TV = student.to(torch.float64 if student.dtype == torch.float64 else torch.float32, copy=True)
        rows, ids, zero_T = target.rows, target.ids, rest_TV.new_zeros(len(rest_TV))
        kept_N, teacher_N = rest_TV[rows, ids], target.logprobs.to(rest_TV.dtype)
        rest_TV[rows, ids] = float("-inf")
        rest_T = torch.logsumexp(rest_TV, -1)
        highest_T = rest_T.scatter_reduce(0, rows, kept_N, "amax")
        kept_mass_T = zero_T.index_add(0, rows, (kept_N - highest_T[rows]).exp())
        normaliser_T = highest_T + ((rest_T - highest_T).exp() + kept_mass_T).log()
        student_N = kept_N - normaliser_T[rows]
        teacher_tail_T = 1.0 - zero_T.double().index_add(0, rows, target.logprobs.double().exp())
        # Where all of the vocabulary is kept, or rounding put the kept mass at 1, there is no tail to compare.
        has_tail_T = (teacher_tail_T > 1e-7) & (target.offsets.diff() < rest_TV.shape[-1])
        tail_T = torch.where(has_tail_T, teacher_tail_T, 0.0).to(rest_TV.dtype)
        log_student_tail_T = rest_T - normaliser_T
        ctx.save_for_backward(rest_TV, rest_T, rows, ids, student_N.exp() - teacher_N.exp(), log_student_tail_T.exp() - tail_T)
        ctx.dtype = student.dtype
        head_T = zero_T.index_add(0, rows, teacher_N.exp() * (teacher_N - student_N))
        return head_T + torch.where(has_tail_T, tail_T * (tail_T.log() - log_student_tail_T), 0.0)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor, None]:
        (grad_T,) = grad_outputs
        rest_TV, rest_T, rows, ids, kept_N, tail_T = ctx.saved_tensors
        shift_T = torch.where(rest_T.isinf(), 0.0, rest_T)  # nothing is left where everything is kept
        grad_TV = (rest_TV - shift_T[:, None]).exp_().mul_((grad_T * tail_T)[:, None])
        grad_TV[rows, ids] = grad_T[rows] * kept_N
        return grad_TV.to(ctx.dtype), None
