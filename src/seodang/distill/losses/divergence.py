"""One divergence at each position, with its gradient written out: what every loss on logits and the fused path share.

Logits are float buffers (T, V) that may be overwritten; a gradient comes back in the same buffer. So nothing of that size is kept but the
student's buffer and, for a dense target, the teacher's.
"""

from dataclasses import dataclass
from typing import Any

import torch

from seodang.distill.losses.support import refuse
from seodang.distill.losses.target import Dense, Hidden, Sampled, Sparse, Target, count
from seodang.distill.losses.terms import Term, forward_kl

_COLUMNS = 2048  # of the vocabulary that are looked at together, so that what is made on the way stays in the processor's cache
_SMALLEST_TAIL = 1e-7  # float32 cannot tell a smaller tail from none
_COLUMN = (slice(None), None)  # a value of each position, beside its outcomes
ByPosition = tuple[torch.Tensor, torch.Tensor | None]


@dataclass(frozen=True, slots=True)
class Written:
    """The tokens that were written, `ids` (T,), and the share of the loss that is cross-entropy with them; the rest is the divergence.

    `share` is one for all positions, or each position's own (T,).
    """

    ids: torch.Tensor
    share: float | torch.Tensor

    def take(self, places: torch.Tensor) -> "Written":
        """Those of some positions, given by their indices."""
        return Written(self.ids[places], _at(self.share, places))


@dataclass(frozen=True, slots=True)
class Divergence:
    """What is summed over the vocabulary, at which temperature. `name` stands in the table of `support`."""

    name: str
    term: Term
    temperature: float = 1.0

    def on_logits(self, student: torch.Tensor, target: Target, mask: torch.Tensor, num_tokens: float | None) -> torch.Tensor:
        """The divergence in nats, summed over the positions of `mask` (T,) and divided by `num_tokens`, differentiable by `student` (T, V).

        The temperature divides both sides' logits, and the result is multiplied by its square, once (Hinton et al. 2015, arXiv 1503.02531).
        ValueError for a target that this divergence cannot be computed from (`support`), or at another temperature than it was kept for.
        """
        self.check(target, student.shape[-1])
        total = count(mask, num_tokens)
        value_T: torch.Tensor = _OnLogits.apply(student, target, mask, self)  # pyright: ignore[reportAssignmentType]
        return value_T.sum() / total

    def check(self, target: Target, vocabulary: int) -> None:
        """ValueError where the target does not serve this divergence."""
        if not self.temperature > 0:
            raise ValueError(f"a temperature of {self.temperature} is not above 0")
        refuse(self.name, target, vocabulary)

    def by_position(self, logits_TV: torch.Tensor, target: Target, with_grad: bool, written: Written | None = None) -> ByPosition:
        """The divergence at each position (T,), and its derivative by `logits_TV`, which is overwritten. With `written` it is mixed with
        cross-entropy, which costs no further pass; that needs temperature 1."""
        heat = self.temperature
        if heat != 1.0 and written is not None:
            raise ValueError("cross-entropy is mixed in at temperature 1 only; add the two losses instead")
        if heat != 1.0:
            logits_TV /= heat
        if isinstance(target, Sparse):
            found = _sparse(logits_TV, _at_temperature(target, heat, logits_TV.shape[-1]), self.term, with_grad, written)
        elif isinstance(target, Sampled):
            if heat != 1.0:
                raise ValueError("a sampled target was drawn at temperature 1; what it would weigh at another one is not known")
            found = _sampled(logits_TV, target, with_grad, written)
        else:
            teacher_TV = teacher_logits(target, logits_TV.dtype)
            if teacher_TV.shape != logits_TV.shape:
                raise ValueError(
                    f"the teacher's logits have shape {tuple(teacher_TV.shape)}, the student's {tuple(logits_TV.shape)}: compare the "
                    "vocabularies' maps and cut both to what they share"
                )
            if heat != 1.0:
                teacher_TV /= heat
            if self.term is forward_kl:
                found = _dense_forward_kl(logits_TV, teacher_TV, with_grad, written)
            else:
                found = _dense(logits_TV, teacher_TV, self.term, with_grad, written)
        value_T, grad_TV = found
        if heat != 1.0:
            value_T = value_T * heat**2
            grad_TV = grad_TV.mul_(heat) if grad_TV is not None else None
        return value_T, grad_TV


def teacher_logits(target: Dense | Hidden, dtype: torch.dtype) -> torch.Tensor:
    """The teacher's logits (T, V) in a buffer of their own."""
    if isinstance(target, Hidden):
        return (target.hidden @ target.head.T).to(dtype)
    return target.logits.to(dtype, copy=True)


class _OnLogits(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, student: torch.Tensor, target: Target, mask: torch.Tensor, divergence: Divergence) -> torch.Tensor:
        whole = bool(mask.all())
        places = None if whole else mask.nonzero()[:, 0]
        dtype = torch.float64 if student.dtype == torch.float64 else torch.float32
        buffer = student.detach().to(dtype, copy=True) if places is None else student.detach()[places].to(dtype)
        target = target if places is None else target.take(places)
        value, grad = divergence.by_position(buffer, target, ctx.needs_input_grad[0])
        ctx.save_for_backward(*([] if grad is None else [grad]), *([] if places is None else [places]))
        ctx.shape, ctx.dtype, ctx.whole = student.shape, student.dtype, whole
        return value

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        grad = (ctx.saved_tensors[0] * grad_outputs[0][:, None]).to(ctx.dtype)
        if not ctx.whole:
            grad = grad.new_zeros(ctx.shape).index_copy_(0, ctx.saved_tensors[1], grad)
        return grad, None, None, None


def _normalisers(logits_TV: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The highest logit of each position, and the logarithm of the sum of exp(logit - highest): (T, 1) each, without a copy of the logits.

    Taken off one after the other, they leave the likely outcomes' log-probabilities exact to the last digit; their sum would not.
    """
    highest_T1 = logits_TV.amax(-1, keepdim=True)
    highest_T1.masked_fill_(highest_T1.isneginf(), 0.0)  # a position whose outcomes are all impossible
    sum_T1 = torch.zeros_like(highest_T1, dtype=torch.float64)
    for block in logits_TV.split(_COLUMNS, -1):
        sum_T1 += (block - highest_T1).exp_().sum(-1, keepdim=True)
    return highest_T1, sum_T1.log().to(logits_TV.dtype)


def _dense(student_TV: torch.Tensor, teacher_TV: torch.Tensor, term: Term, with_grad: bool, written: Written | None) -> ByPosition:
    (highest_q_T1, log_sum_q_T1), (highest_p_T1, log_sum_p_T1) = _normalisers(student_TV), _normalisers(teacher_TV)
    places, share = torch.arange(len(student_TV), device=student_TV.device), _share(written, student_TV.dtype)
    cross_entropy_T = (highest_q_T1 + log_sum_q_T1)[:, 0] - student_TV[places, written.ids] if written else None
    value_T, slopes_T = torch.zeros(2, len(student_TV), dtype=torch.float64, device=student_TV.device)
    for student, teacher in zip(student_TV.split(_COLUMNS, -1), teacher_TV.split(_COLUMNS, -1), strict=True):
        log_q, log_p = (student - highest_q_T1).sub_(log_sum_q_T1), (teacher - highest_p_T1).sub_(log_sum_p_T1)
        # The teacher's logits are done with here; their buffer takes the student's probabilities, the student's the slopes.
        q = torch.exp(log_q, out=teacher)
        value, slope = term(log_p, log_q, log_p.exp(), q)
        value_T += value.sum(-1)
        if with_grad:
            slopes_T += slope.sum(-1)
            student.copy_(slope)
    value_T = _mixed(value_T, cross_entropy_T, share).to(student_TV.dtype)
    if not with_grad:
        return value_T, None
    by_q_T1 = (share - (1 - share) * slopes_T).to(student_TV.dtype)[:, None]
    for slope, q in zip(student_TV.split(_COLUMNS, -1), teacher_TV.split(_COLUMNS, -1), strict=True):
        slope.mul_(_at(1 - share, _COLUMN)).addcmul_(q, by_q_T1)
    return value_T, _less(student_TV, places, written)


def _dense_forward_kl(student_TV: torch.Tensor, teacher_TV: torch.Tensor, with_grad: bool, written: Written | None) -> ByPosition:
    """As `_dense`, with one exponential instead of two: the slopes are -p and sum to -1, so the derivative is q - p."""
    places, share = torch.arange(len(student_TV), device=student_TV.device), _share(written, student_TV.dtype)
    highest_q_T1, highest_p_T1 = student_TV.amax(-1, keepdim=True), teacher_TV.amax(-1, keepdim=True)
    written_T = student_TV[places, written.ids] if written else None
    # Sums of a position in float64: two normalisers are subtracted, and the divergence may be much smaller than they are.
    sum_q_T, sum_p_T, dot_T = torch.zeros(3, len(student_TV), dtype=torch.float64, device=student_TV.device)
    for student, teacher in zip(student_TV.split(_COLUMNS, -1), teacher_TV.split(_COLUMNS, -1), strict=True):
        difference = teacher - student
        difference += highest_q_T1 - highest_p_T1
        p, q = teacher.sub_(highest_p_T1).exp_(), student.sub_(highest_q_T1).exp_()
        sum_p_T += p.sum(-1)
        sum_q_T += q.sum(-1)
        dot_T += torch.where(p > 0, difference.mul_(p), 0.0).sum(-1)
    cross_entropy_T = None if written_T is None else highest_q_T1[:, 0] - written_T + sum_q_T.log()
    value_T = _mixed(dot_T / sum_p_T + sum_q_T.log() - sum_p_T.log(), cross_entropy_T, share).to(student_TV.dtype)
    if not with_grad:
        return value_T, None
    by_q_T1, by_p_T1 = (x.to(student_TV.dtype)[:, None] for x in (1 / sum_q_T, (share - 1) / sum_p_T))
    for q, p in zip(student_TV.split(_COLUMNS, -1), teacher_TV.split(_COLUMNS, -1), strict=True):
        q.mul_(by_q_T1).addcmul_(p, by_p_T1)
    return value_T, _less(student_TV, places, written)


def _mixed(value_T: torch.Tensor, cross_entropy_T: torch.Tensor | None, share: float | torch.Tensor) -> torch.Tensor:
    """The divergence with its share of cross-entropy, where there is one."""
    if cross_entropy_T is None:
        return value_T
    return torch.lerp(value_T, cross_entropy_T.to(value_T.dtype), share.to(value_T.dtype) if isinstance(share, torch.Tensor) else share)


def _share(written: Written | None, dtype: torch.dtype) -> float | torch.Tensor:
    """The share of cross-entropy, one or each position's (T,); none without written tokens."""
    if written is None:
        return 0.0
    return written.share.to(dtype) if isinstance(written.share, torch.Tensor) else written.share


def _at(share: float | torch.Tensor, places: Any) -> float | torch.Tensor:
    """One share as it is, or the positions' own as they are indexed."""
    return share[places] if isinstance(share, torch.Tensor) else share


def _scaled_exp_(logits_TV: torch.Tensor, shift_T: torch.Tensor, factor_T: torch.Tensor) -> torch.Tensor:
    """factor * exp(logits - shift), in place of the logits."""
    for block in logits_TV.split(_COLUMNS, -1):
        block.sub_(shift_T[:, None]).exp_().mul_(factor_T[:, None])
    return logits_TV


def _less(grad_TV: torch.Tensor, places: torch.Tensor, written: Written | None) -> torch.Tensor:
    """The part of cross-entropy's derivative that stands at the written tokens alone."""
    if written:
        grad_TV[places, written.ids] -= _share(written, grad_TV.dtype)
    return grad_TV


def _at_temperature(target: Sparse, heat: float, size: int) -> Sparse:
    """The kept entries' log-probabilities at a temperature, in float64: what they leave to the tail is a small difference of them."""
    if heat == 1.0:
        return target
    tempered_N, rows = target.logprobs.double() / heat, target.rows
    if heat in target.normalisers:
        normaliser_T = target.normalisers[heat].double()
    elif bool((target.offsets.diff() == size).all()):
        normaliser_T = torch.logsumexp(tempered_N.view(-1, size), -1)
    else:
        raise ValueError(
            f"a sparse target was stored at temperature 1; its normaliser at {heat:g} is not known: store it with the target "
            "(`normalisers`), keep the whole vocabulary, or use temperature 1"
        )
    return Sparse(target.ids, tempered_N - normaliser_T[rows], target.offsets)


def _sums(values_N: torch.Tensor, rows: torch.Tensor, zero_T: torch.Tensor) -> torch.Tensor:
    """The sum of each position's entries (T,) in float64: entries are added one after the other, and a long head would lose digits."""
    return zero_T.double().index_add(0, rows, values_N.double())


def _sparse(student_TV: torch.Tensor, target: Sparse, term: Term, with_grad: bool, written: Written | None) -> ByPosition:
    """The divergence of the coarser distributions in which all that is not kept is one outcome.

    Those share the tail in the proportions of the student's own tail, so one factor a position turns their probabilities into their
    derivatives. The student's tail is summed from what is not kept: 1 minus the kept mass would cancel where the student is sure.
    """
    rows, ids = target.rows, target.ids
    places, share = torch.arange(len(student_TV), device=student_TV.device), _share(written, student_TV.dtype)
    zero_T = student_TV.new_zeros(len(student_TV))
    written_T = student_TV[places, written.ids] if written else None
    kept_N, log_p_N = student_TV[rows, ids], target.logprobs.to(student_TV.dtype)
    student_TV[rows, ids] = float("-inf")
    rest_T = torch.add(*_normalisers(student_TV))[:, 0]
    highest_T = rest_T.scatter_reduce(0, rows, kept_N, "amax")
    kept_mass_T = _sums((kept_N - highest_T[rows]).exp(), rows, zero_T)
    log_sum_T = ((rest_T - highest_T).exp() + kept_mass_T).log().to(student_TV.dtype)
    log_q_N, log_tail_q_T = kept_N - highest_T[rows] - log_sum_T[rows], rest_T - highest_T - log_sum_T
    value_N, slope_N = term(log_p_N, log_q_N, log_p_N.exp(), log_q_N.exp())

    tail_p_T = 1.0 - _sums(target.logprobs.double().exp(), rows, zero_T)
    tail_p_T = tail_p_T.clamp(min=_SMALLEST_TAIL).to(student_TV.dtype)
    tail_value_T, tail_slope_T = term(tail_p_T.log(), log_tail_q_T, tail_p_T, log_tail_q_T.exp())
    none_T = rest_T.isneginf() & (tail_p_T <= _SMALLEST_TAIL)  # what is not kept is impossible for both
    has_tail_T = (target.offsets.diff() < student_TV.shape[-1]) & ~none_T
    value_T = _sums(value_N, rows, zero_T) + torch.where(has_tail_T, tail_value_T, 0.0)
    value_T = _mixed(value_T, None if written_T is None else highest_T - written_T + log_sum_T, share).to(student_TV.dtype)
    if not with_grad:
        return value_T, None
    tail_slope_T = torch.where(has_tail_T, tail_slope_T, 0.0)
    slopes_T = _sums(slope_N, rows, zero_T) + tail_slope_T
    by_q_T = (share - (1 - share) * slopes_T).to(student_TV.dtype)  # what the student's probability is multiplied by, kept or not
    factor_T = (1 - share) * tail_slope_T + log_tail_q_T.exp() * by_q_T
    shift_T = torch.where(rest_T.isinf(), 0.0, rest_T)  # nothing is left where everything is kept
    grad_TV = _scaled_exp_(student_TV, shift_T, factor_T)
    grad_TV[rows, ids] = _at(1 - share, rows) * slope_N + log_q_N.exp() * by_q_T[rows]
    return value_T, _less(grad_TV, places, written)


def _sampled(student_TV: torch.Tensor, target: Sampled, with_grad: bool, written: Written | None) -> ByPosition:
    """The forward divergence's estimate: the sum of weight times (log p - log q)."""
    rows, ids, weights_N = target.rows, target.ids, target.weights.to(student_TV.dtype)
    places, share = torch.arange(len(student_TV), device=student_TV.device), _share(written, student_TV.dtype)
    zero_T = student_TV.new_zeros(len(student_TV))
    log_q_sum_T = torch.add(*_normalisers(student_TV))[:, 0]
    log_q_N = student_TV[rows, ids] - log_q_sum_T[rows]
    value_T = _sums(weights_N * (target.logprobs.to(student_TV.dtype) - log_q_N), rows, zero_T)
    value_T = _mixed(value_T, log_q_sum_T - student_TV[places, written.ids] if written else None, share).to(student_TV.dtype)
    if not with_grad:
        return value_T, None
    by_q_T = (share + (1 - share) * _sums(weights_N, rows, zero_T)).to(student_TV.dtype)
    grad_TV = _scaled_exp_(student_TV, log_q_sum_T, by_q_T).index_put_((rows, ids), -_at(1 - share, rows) * weights_N, accumulate=True)
    return value_T, _less(grad_TV, places, written)
