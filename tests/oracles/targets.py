"""Every kind of target, made from a teacher's logits."""

import torch

from seodang.distill.losses.target import Dense, Hidden, Sampled, Sparse, Target


def logits(seed: int, rows: int = 6, size: int = 13, scale: float = 2.0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Independent normal logits (rows, size)."""
    return torch.randn(rows, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).mul(scale).to(dtype)


def sparse(teacher_TV: torch.Tensor, lengths: list[int], temperatures: tuple[float, ...] = ()) -> Sparse:
    """The best `lengths[t]` entries of each position, with the normalisers of other temperatures."""
    log_p = torch.log_softmax(teacher_TV, -1)
    best = [log_p[t].topk(length) for t, length in enumerate(lengths)]
    offsets = torch.tensor([0, *lengths]).cumsum(0)
    normalisers = {heat: torch.logsumexp(log_p / heat, -1) for heat in temperatures}
    return Sparse(torch.cat([b.indices for b in best]), torch.cat([b.values for b in best]), offsets, normalisers)


def ragged(teacher_TV: torch.Tensor, temperatures: tuple[float, ...] = ()) -> Sparse:
    """Heads of different lengths, from one entry up to the whole vocabulary."""
    rows, size = teacher_TV.shape
    return sparse(teacher_TV, [1 + (t * (size - 1)) // max(1, rows - 1) for t in range(rows)], temperatures)


def draws(teacher_TV: torch.Tensor, num: int, seed: int, power: float = 1.0) -> Sampled:
    """`num` draws a position from p ** power / Z, weighted p / (num * what they were drawn from) (RS-KD, arXiv 2503.16870)."""
    rows = len(teacher_TV)
    log_p = torch.log_softmax(teacher_TV, -1)
    log_g = torch.log_softmax(teacher_TV * power, -1)
    ids = torch.multinomial(log_g.exp(), num, replacement=True, generator=torch.Generator().manual_seed(seed))
    taken = log_p.gather(1, ids)
    weights = (taken - log_g.gather(1, ids)).exp() / num
    return Sampled(ids.flatten(), taken.flatten(), weights.flatten(), torch.arange(rows + 1) * num)


def head_and_draws(teacher_TV: torch.Tensor, k: int, num: int, seed: int) -> Sampled:
    """The `k` best entries with their probabilities, and `num` draws of the rest that share its mass."""
    rows = len(teacher_TV)
    log_p = torch.log_softmax(teacher_TV, -1)
    head = log_p.topk(k).indices
    rest = log_p.exp().scatter(1, head, 0.0)
    drawn = torch.multinomial(rest, num, replacement=True, generator=torch.Generator().manual_seed(seed))
    ids = torch.cat([head, drawn], 1)
    mass = rest.sum(1, keepdim=True).expand(-1, num) / num
    weights = torch.cat([log_p.gather(1, head).exp(), mass], 1)
    return Sampled(ids.flatten(), log_p.gather(1, ids).flatten(), weights.flatten(), torch.arange(rows + 1) * (k + num))


def every_kind(teacher_TV: torch.Tensor, temperatures: tuple[float, ...] = ()) -> dict[str, Target]:
    """One target of each kind, by the name that the table of `support` uses."""
    identity = torch.eye(teacher_TV.shape[1], dtype=teacher_TV.dtype)
    return {
        "dense": Dense(teacher_TV),
        "hidden": Hidden(teacher_TV, identity),
        "sparse": ragged(teacher_TV, temperatures),
        "sampled": head_and_draws(teacher_TV, 3, 4, 0),
    }
