"""Approximate likelihood matching, the loss across tokenizers (Minixhofer et al. 2025, arXiv 2503.20083)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from seodang.distill.align.boundary import THRESHOLD, Boundary, merge_chunks
from seodang.distill.align.chunks import Chunks, chunk_sums, members
from seodang.distill.align.surprisal import set_surprisal, surprisal
from seodang.distill.align.target import Across, Likelihoods, chosen_chunks
from seodang.distill.losses.target import Target, count

_ROUNDING = 1e-4  # a log-probability this far above 0 is a rounded 0


def alm(
    student: torch.Tensor,
    student_ids: torch.Tensor,
    teacher_logprobs: torch.Tensor,
    chunks: Chunks,
    mask: torch.Tensor | None = None,
    *,
    tau: float = 100.0,
    num_chunks: float | None = None,
    boundary: Boundary | None = None,
) -> torch.Tensor:
    """tau * KL(coin of p ** (1 / tau) || coin of q ** (1 / tau)) in nats, summed over the chunks and divided by `num_chunks`.

    p is the teacher's likelihood of a chunk and q the student's: the product of its tokens' probabilities. `student` holds logits
    (T_s, V_s), whose row t predicts `student_ids[t]`; `teacher_logprobs` (T_t,) are natural-log probabilities of the teacher's tokens, all
    that is needed of it. `mask` (N,) says which chunks count (default: all), and `num_chunks` is how many of them by default.

    A long chunk's likelihood is small, and its coin would say nothing about it; the root by `tau` brings it up. The factor tau, which the
    paper leaves to the loss's weight, keeps the gradient's size: with a = -log p and b = -log q the loss tends to a log(a / b) + b - a as
    tau grows, and is the plain divergence at tau 1. It is 0 exactly where the likelihoods are equal, and finite for finite logits.

    With `boundary`, p and q also hold the mass of the tokens that may begin a word after the chunk, where the text goes on: chunks of
    `merge_chunks` then end where words do. ValueError for shapes that do not fit the chunks, and for log-probabilities that are none.
    """
    if not tau > 0:
        raise ValueError(f"tau is {tau}, and not above 0")
    _check(student, student_ids, teacher_logprobs, chunks)
    taken = chunks if mask is None else chunks.take(mask)
    total = count(torch.ones(len(taken)), num_chunks)
    teacher_N = -chunk_sums(_log_probabilities(teacher_logprobs, members(taken.teacher)[0]), taken.teacher)
    token_M, chunk_M = members(taken.student)
    surprisal_M = surprisal(student, token_M, student_ids[token_M])
    student_N = surprisal_M.new_zeros(len(taken)).index_add(0, chunk_M, surprisal_M)
    if boundary is not None:
        followed_F = taken.followed.nonzero()[:, 0]
        after_F = taken.teacher[followed_F, 1]
        teacher_N = teacher_N.index_add(0, followed_F, -_log_probabilities(boundary.teacher, after_F)[after_F])
        student_N = student_N.index_add(0, followed_F, set_surprisal(student, taken.student[followed_F, 1], boundary.student))
    loss = coin_divergence(teacher_N, student_N, tau).sum() / total
    return loss.to(torch.float64 if student.dtype == torch.float64 else torch.float32)


@dataclass(frozen=True, slots=True)
class LikelihoodMatching:
    """`alm` as training takes it: on a pack's logits, with its share of a loss over `num_tokens` answer tokens."""

    tau: float
    threshold: float
    name: str = "alm"
    temperature: float = 1.0

    def on_logits(self, student: torch.Tensor, target: Target | Across, mask: torch.Tensor, num_tokens: float | None) -> torch.Tensor:
        """The sum over the chunks of `mask` (T_s,), a mask of the student's tokens, divided by `num_tokens` (default: how many count).

        It is divided by tokens and not by chunks: surprisals add up, so that the sum over a text's chunks is of the size of the sum over
        its tokens, however they are joined, and a weight mixes it with cross-entropy a token. ValueError for a target of another kind.
        """
        if not isinstance(target, Across) or not isinstance(target.teacher, Likelihoods):
            raise ValueError("`alm` is computed from the likelihoods of the teacher's tokens; keep them with the codec `likelihoods`")
        chunks, boundary = target.chunks, None
        if self.threshold > 0:
            missing = student.shape[-1] - len(target.begins)  # a model may have more rows than its tokenizer has tokens
            boundary = Boundary(target.teacher.boundary, F.pad(target.begins, (0, missing)))
            chunks = merge_chunks(chunks, target.teacher.boundary, self.threshold)
        total = count(mask, num_tokens)
        counted = chosen_chunks(chunks, mask)
        logprobs_T = target.teacher.logprobs
        return alm(student, target.ids, logprobs_T, chunks, counted, tau=self.tau, num_chunks=total, boundary=boundary)


def divergence(temperature: float = 1.0, tau: float = 100.0, threshold: float = THRESHOLD) -> LikelihoodMatching:
    """The loss as training takes it. `threshold` is that of `merge_chunks`; at 0 every piece that both sides cut out is a chunk, and ends
    of words are left out of the likelihoods. ValueError for a setting out of its range."""
    if temperature != 1.0:
        raise ValueError(f"a temperature of {temperature:g}: the teacher's likelihoods are those of temperature 1")
    if not tau > 0:
        raise ValueError(f"tau is {tau:g}; it has to be above 0")
    if not 0 <= threshold < 1:
        raise ValueError(f"threshold is {threshold:g}; it has to be at least 0 and below 1")
    return LikelihoodMatching(tau, threshold)


def coin_divergence(teacher: torch.Tensor, student: torch.Tensor, tau: float) -> torch.Tensor:
    """tau * KL of two coins, each thrown with a probability of exp(-surprisal / tau): float64 surprisals in nats, of any one shape."""
    heads, tails = torch.exp(-teacher / tau), -torch.expm1(-teacher / tau)
    sure = student == 0
    log_tails = torch.where(sure, float("-inf"), torch.log(-torch.expm1(-torch.where(sure, 1.0, student) / tau)))
    by_tails = torch.where(tails > 0, tails * (torch.where(tails > 0, tails, 1.0).log() - log_tails), 0.0)
    return heads * (student - teacher) + tau * by_tails


def _check(student: torch.Tensor, student_ids: torch.Tensor, teacher_logprobs: torch.Tensor, chunks: Chunks) -> None:
    if len(student) != chunks.num_student or len(student_ids) != chunks.num_student:
        raise ValueError(f"{len(student)} rows of logits and {len(student_ids)} ids for chunks of {chunks.num_student} student tokens")
    if len(teacher_logprobs) != chunks.num_teacher:
        raise ValueError(f"{len(teacher_logprobs)} log-probabilities for chunks of {chunks.num_teacher} teacher tokens")


def _log_probabilities(logprobs_T: torch.Tensor, used: torch.Tensor) -> torch.Tensor:
    """As float64; ValueError where one that is used is above 0 or not finite."""
    logprobs_T = logprobs_T.double()
    values = logprobs_T[used]
    wrong = ~values.isfinite() | (values > _ROUNDING)
    if bool(wrong.any()):
        raise ValueError(f"{values[wrong][0].item()} is not a natural-log probability of something that was written")
    return logprobs_T.clamp(max=0.0)
