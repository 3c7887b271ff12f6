"""Universal logit distillation, the baseline across tokenizers (Boizard et al. 2024, arXiv 2402.12030)."""

import torch
import torch.nn.functional as F

from seodang.distill.align.chunks import Chunks
from seodang.distill.losses.target import Dense, count


def uld(
    student: torch.Tensor,
    target: Dense,
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
    if len(student) != chunks.num_student or len(target.logits) != chunks.num_teacher:
        raise ValueError(
            f"{len(student)} and {len(target.logits)} rows of logits for chunks of {chunks.num_student} student tokens "
            f"and {chunks.num_teacher} teacher tokens"
        )
    taken = chunks if mask is None else chunks.take(mask)
    total = count(torch.ones(len(taken)), num_chunks)
    q_NV = _sorted(student[taken.student[:, 0]])
    p_NV = _sorted(target.logits[taken.teacher[:, 0]]).to(q_NV.dtype)
    width = max(q_NV.shape[1], p_NV.shape[1])
    return (_widened(q_NV, width) - _widened(p_NV, width)).abs().sum() / total


def _sorted(logits_NV: torch.Tensor) -> torch.Tensor:
    logits_NV = logits_NV if logits_NV.dtype == torch.float64 else logits_NV.float()
    return torch.softmax(logits_NV, -1).sort(-1, descending=True).values


def _widened(probabilities_NV: torch.Tensor, width: int) -> torch.Tensor:
    return F.pad(probabilities_NV, (0, width - probabilities_NV.shape[1]))
