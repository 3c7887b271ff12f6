"""Every divergence as its formula, on probabilities in float64, position by position: autograd differentiates it, nothing is clever."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module

import torch

from seodang.distill.losses import fused
from seodang.distill.losses.divergence import Divergence
from seodang.distill.losses.target import Sampled, Sparse, Target

Formula = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def kl(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    return (p * (p / q).log()).sum()


def generalized_jsd(beta: float = 0.5) -> Formula:
    if beta in (0, 1):
        return (lambda p, q: kl(q, p)) if beta else kl
    return lambda p, q: beta * kl(p, beta * p + (1 - beta) * q) + (1 - beta) * kl(q, beta * p + (1 - beta) * q)


def alpha_beta(alpha: float = 0.2, beta: float = 0.7) -> Formula:
    if (alpha, beta) == (1, 0):
        return lambda p, q: kl(p, q) - p.sum() + q.sum()
    if (alpha, beta) == (0, 1):
        return lambda p, q: kl(q, p) - q.sum() + p.sum()
    if (alpha, beta) == (0, 0):
        return lambda p, q: 0.5 * (p.log() - q.log()).square().sum()
    both = alpha + beta
    return lambda p, q: -(p**alpha * q**beta - alpha / both * p**both - beta / both * q**both).sum() / (alpha * beta)


FORMULAS: dict[str, Callable[..., Formula]] = {
    "forward_kl": lambda: kl,
    "reverse_kl": lambda: lambda p, q: kl(q, p),
    "generalized_jsd": generalized_jsd,
    "skew_kl": lambda alpha=0.1: lambda p, q: kl(p, alpha * p + (1 - alpha) * q),
    "skew_reverse_kl": lambda alpha=0.1: lambda p, q: kl(q, (1 - alpha) * p + alpha * q),
    "total_variation": lambda: lambda p, q: 0.5 * (p - q).abs().sum(),
    "alpha_beta": alpha_beta,
}


@dataclass(frozen=True)
class Case:
    """A loss with its settings: as it is called on logits, fused with a head, and as a formula."""

    name: str
    settings: dict[str, float] = field(default_factory=dict[str, float])

    def __str__(self) -> str:
        return "-".join([self.name, *(f"{value:g}" for value in self.settings.values())])

    @property
    def on_logits(self) -> Callable[..., torch.Tensor]:
        function = getattr(import_module(f"seodang.distill.losses.{self.name}"), self.name)
        return lambda *arguments, **options: function(*arguments, **self.settings, **options)

    @property
    def on_hidden(self) -> Callable[..., torch.Tensor]:
        function = getattr(fused, self.name)
        return lambda *arguments, **options: function(*arguments, **self.settings, **options)

    def divergence(self, temperature: float = 1.0) -> Divergence:
        return import_module(f"seodang.distill.losses.{self.name}").divergence(temperature, **self.settings)

    @property
    def formula(self) -> Formula:
        return FORMULAS[self.name](**self.settings)


CASES = [
    Case("forward_kl"),
    Case("reverse_kl"),
    Case("generalized_jsd"),
    Case("generalized_jsd", {"beta": 0.1}),
    Case("generalized_jsd", {"beta": 0.0}),
    Case("generalized_jsd", {"beta": 1.0}),
    Case("skew_kl"),
    Case("skew_kl", {"alpha": 0.6}),
    Case("skew_reverse_kl"),
    Case("skew_reverse_kl", {"alpha": 0.6}),
    Case("total_variation"),
    Case("alpha_beta"),
    Case("alpha_beta", {"alpha": 0.5, "beta": 0.5}),
    Case("alpha_beta", {"alpha": 1.5, "beta": -0.5}),
    Case("alpha_beta", {"alpha": 1.0, "beta": 0.0}),
    Case("alpha_beta", {"alpha": 0.0, "beta": 1.0}),
    Case("alpha_beta", {"alpha": 0.0, "beta": 0.0}),
]
ONE_OF_EACH = [Case(name) for name in FORMULAS]


def by_formula(
    formula: Formula,
    student_TV: torch.Tensor,
    teacher_TV: torch.Tensor,
    target: Target,
    mask: torch.Tensor,
    temperature: float = 1.0,
    num_tokens: float | None = None,
) -> torch.Tensor:
    """The loss of float64 logits on both sides, of which `target` says what is kept; differentiable by `student_TV`."""
    total = student_TV.new_zeros(())
    for t in mask.nonzero()[:, 0].tolist():
        p, q = (torch.softmax(x[t] / temperature, -1) for x in (teacher_TV, student_TV))
        if isinstance(target, Sparse):
            total = total + formula(
                stored(target, t, temperature, len(q)), joined(q, target.ids[target.offsets[t] : target.offsets[t + 1]])
            )
        elif isinstance(target, Sampled):
            drawn = slice(int(target.offsets[t]), int(target.offsets[t + 1]))
            ids, weights = target.ids[drawn], target.weights[drawn].double()
            total = total + (weights * (p[ids] / q[ids]).log()).sum()
        else:
            total = total + formula(p, q)
    return temperature**2 * total / (float(mask.sum()) if num_tokens is None else num_tokens)


def stored(target: Sparse, t: int, temperature: float, size: int) -> torch.Tensor:
    """The probabilities that a target holds, and what they leave to the tail: 1e-7 at least, as `divergence` has it.

    The oracle sees the numbers that were stored, since a small tail is a difference that their rounding to float32 already moves.
    """
    log_p = target.logprobs[target.offsets[t] : target.offsets[t + 1]].double() / temperature
    if temperature != 1.0:
        log_p = log_p - target.normalisers[temperature][t].double()
    p = log_p.exp()
    return p if len(p) == size else torch.cat([p, (1 - p.sum()).clamp(min=1e-7)[None]])


def joined(probabilities_V: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """The kept outcomes, and one for all others unless nothing is left."""
    if len(ids) == len(probabilities_V):
        return probabilities_V[ids]
    others = torch.ones_like(probabilities_V, dtype=torch.bool).index_fill(0, ids, False)
    return torch.cat([probabilities_V[ids], probabilities_V[others].sum()[None]])


def cross_entropy(student_TV: torch.Tensor, ids_T: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """-log q of the written tokens, the mean over `mask`."""
    q = torch.softmax(student_TV, -1)
    return -q[torch.arange(len(ids_T)), ids_T].log()[mask].sum() / mask.sum()


def distance(found: torch.Tensor, expected: torch.Tensor, shortest: float = 1e-2) -> float:
    """The length of the difference as a share of the expected length, or of `shortest` where that is more.

    A probability near 1 is known to 6e-8 in float32, so a derivative shorter than 0.01 cannot be known to 1e-5 of its length.
    """
    return ((found.double() - expected.double()).norm() / expected.double().norm().clamp(min=shortest)).item()
