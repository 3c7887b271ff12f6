"""Universal logit distillation, the baseline across tokenizers (Boizard et al. 2024, arXiv 2402.12030)."""

from dataclasses import dataclass

import torch

from seodang.distill.align.chunks import Chunks
from seodang.distill.align.target import Across, chosen_chunks
from seodang.distill.losses.divergence import teacher_logits
from seodang.distill.losses.target import Dense, Hidden, Target, count


def uld(
    student: torch.Tensor,
    target: Dense | Hidden,
    chunks: Chunks,
    mask: torch.Tensor | None = None,
    *,
    num_chunks: float | None = None,
) -> torch.Tensor:
    """The sum of |p - q| over sorted probabilities, the largest with the largest, at most 2; it has no unit.

    It is taken where one chunk ends and the next begins: there both sides have read the same bytes. `student` holds logits (T_s, V_s) and
    `target` the teacher's (T_t, V_t), of which the rows of the chunks' first tokens are used. The smaller vocabulary is filled up with
    probabilities of zero. Summed over the chunks of `mask` (N,) (default: all) and divided by `num_chunks` (default: how many count).
    Which token is meant is not compared, so a student can agree and be wrong; `alm` does not have this fault.
    """
    num_teacher = len(target.logits if isinstance(target, Dense) else target.hidden)
    if len(student) != chunks.num_student or num_teacher != chunks.num_teacher:
        raise ValueError(
            f"{len(student)} and {num_teacher} rows of logits for chunks of {chunks.num_student} student tokens "
            f"and {chunks.num_teacher} teacher tokens"
        )
    taken = chunks if mask is None else chunks.take(mask)
    total = count(torch.ones(len(taken)), num_chunks)
    q_NV = _sorted(student[taken.student[:, 0]])
    p_NV = _sorted(teacher_logits(target.take(taken.teacher[:, 0]), q_NV.dtype))
    width = min(q_NV.shape[1], p_NV.shape[1])
    beyond = q_NV[:, width:].sum() + p_NV[:, width:].sum()  # of the larger vocabulary, against zeros
    return ((q_NV[:, :width] - p_NV[:, :width]).abs().sum() + beyond) / total


@dataclass(frozen=True, slots=True)
class LogitDistillation:
    """`uld` as training takes it: on a pack's logits, with its share of a loss over `num_tokens` answer tokens."""

    name: str = "uld"
    temperature: float = 1.0

    def on_logits(self, student: torch.Tensor, target: Target | Across, mask: torch.Tensor, num_tokens: float | None) -> torch.Tensor:
        """The sum over the chunks of `mask` (T_s,), a mask of the student's tokens, divided by `num_tokens` (default: how many count): a
        chunk's first token stands for it, so that this is at most 2 a token. ValueError for a target of another kind."""
        if not isinstance(target, Across) or not isinstance(target.teacher, Dense | Hidden):
            raise ValueError("`uld` is computed from whole distributions over the teacher's tokens; keep them with the codec `hidden`")
        counted = chosen_chunks(target.chunks, mask)
        return uld(student, target.teacher, target.chunks, counted, num_chunks=count(mask, num_tokens))


def divergence(temperature: float = 1.0) -> LogitDistillation:
    """The loss as training takes it. ValueError for a temperature other than 1: the paper has none."""
    if temperature != 1.0:
        raise ValueError(f"a temperature of {temperature:g}: sorted probabilities are compared at temperature 1")
    return LogitDistillation()


def _sorted(logits_NV: torch.Tensor) -> torch.Tensor:
    logits_NV = logits_NV if logits_NV.dtype == torch.float64 else logits_NV.float()
    return torch.softmax(logits_NV, -1).sort(-1, descending=True).values
