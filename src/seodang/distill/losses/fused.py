"""The losses on hidden states and a head, in place of logits: the logits of a few positions at a time, never of all.

`loss(hidden, head, target, mask, *, temperature, num_tokens)` is `loss(hidden @ head.T, target, mask, ...)` with `hidden` (T, H) and `head`
(V, H), differentiable by both. The derivatives are computed together with the value (the idea of Liger-Kernel and of cut cross-entropy,
arXiv 2411.09009), so that beyond them only the logits of one chunk are held. A `Hidden` target is a live teacher whose logits are made
chunk by chunk as well.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch

from seodang.distill.losses import alpha_beta as _alpha_beta
from seodang.distill.losses import forward_kl as _forward_kl
from seodang.distill.losses import generalized_jsd as _generalized_jsd
from seodang.distill.losses import reverse_kl as _reverse_kl
from seodang.distill.losses import skew_kl as _skew_kl
from seodang.distill.losses import skew_reverse_kl as _skew_reverse_kl
from seodang.distill.losses import total_variation as _total_variation
from seodang.distill.losses.divergence import Divergence, Written
from seodang.distill.losses.target import Sampled, Sparse, Target, count

_CHUNK_BYTES = {"cpu": 160_000_000, "cuda": 2_000_000_000}  # logits that are held at a time, student's and teacher's together


def linear(
    divergence: Divergence,
    hidden: torch.Tensor,
    head: torch.Tensor,
    target: Target,
    mask: torch.Tensor,
    *,
    num_tokens: float | None = None,
    written: Written | None = None,
) -> torch.Tensor:
    """`divergence` of the logits `hidden @ head.T`, in nats, summed over the positions of `mask` and divided by `num_tokens`.

    With `written`, its share of cross-entropy is mixed in at no further pass over the vocabulary. ValueError as for the loss on logits.
    """
    divergence.check(target, head.shape[0])
    return _Linear.apply(hidden, head, target, mask, divergence, written, count(mask, num_tokens))  # pyright: ignore[reportReturnType]


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        head: torch.Tensor,
        target: Target,
        mask: torch.Tensor,
        divergence: Divergence,
        written: Written | None,
        total: float,
    ) -> torch.Tensor:
        places = mask.nonzero()[:, 0]  # at least one: `count` has seen to it, or num_tokens was given and there may be none
        by_hidden, by_head = ctx.needs_input_grad[:2]
        hidden, head = hidden.detach(), head.detach()
        grad_hidden = torch.zeros_like(hidden) if by_hidden else None
        grad_head = torch.empty_like(head) if by_head else None
        value = hidden.new_zeros((), dtype=_precise(hidden.dtype))
        for number, chunk in enumerate(places.split(_positions(head, target))):
            states = hidden[chunk]
            logits = _logits(states, head)
            chosen = written.take(chunk) if written else None
            value_T, grad = divergence.by_position(logits, target.take(chunk), by_hidden or by_head, chosen)
            value += value_T.sum()
            if grad is None:
                continue
            grad = grad.div_(total).to(head.dtype)
            if grad_hidden is not None:
                grad_hidden[chunk] = grad @ head
            if grad_head is not None:
                grad_head.addmm_(grad.T, states, beta=float(number > 0))
        ctx.save_for_backward(*(g for g in (grad_hidden, grad_head) if g is not None))
        ctx.has = (by_hidden, by_head)
        return value / total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        saved = list(ctx.saved_tensors)
        scale = grad_outputs[0].item()
        by_hidden, by_head = (saved.pop(0) if has else None for has in ctx.has)
        scaled = (grad if grad is None or scale == 1.0 else grad * scale for grad in (by_hidden, by_head))
        return (*scaled, None, None, None, None, None)


def _precise(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


def _positions(head: torch.Tensor, target: Target) -> int:
    """How many positions' logits are held at a time."""
    buffers = 1 if isinstance(target, Sparse | Sampled) else 2
    size = max(4, head.element_size()) * head.shape[0] * buffers
    return max(1, _CHUNK_BYTES.get(head.device.type, _CHUNK_BYTES["cpu"]) // size)


def _logits(hidden: torch.Tensor, head: torch.Tensor) -> torch.Tensor:
    if hidden.is_cuda and hidden.dtype in (torch.bfloat16, torch.float16):
        return torch.mm(hidden, head.T, out_dtype=torch.float32)
    return (hidden @ head.T).to(_precise(hidden.dtype))


class FusedLoss(Protocol):
    """A loss of this package with `hidden @ head.T` as the student's logits; `settings` are the loss's own, such as `beta`."""

    def __call__(
        self,
        hidden: torch.Tensor,
        head: torch.Tensor,
        target: Target,
        mask: torch.Tensor,
        *,
        temperature: float = 1.0,
        num_tokens: float | None = None,
        **settings: float,
    ) -> torch.Tensor: ...


def _on_hidden(divergence: Callable[..., Divergence]) -> FusedLoss:
    def loss(
        hidden: torch.Tensor,
        head: torch.Tensor,
        target: Target,
        mask: torch.Tensor,
        *,
        temperature: float = 1.0,
        num_tokens: float | None = None,
        **settings: float,
    ) -> torch.Tensor:
        return linear(divergence(temperature, **settings), hidden, head, target, mask, num_tokens=num_tokens)

    return loss


forward_kl = _on_hidden(_forward_kl.divergence)
reverse_kl = _on_hidden(_reverse_kl.divergence)
generalized_jsd = _on_hidden(_generalized_jsd.divergence)
skew_kl = _on_hidden(_skew_kl.divergence)
skew_reverse_kl = _on_hidden(_skew_reverse_kl.divergence)
total_variation = _on_hidden(_total_variation.divergence)
alpha_beta = _on_hidden(_alpha_beta.divergence)


def cross_entropy(
    hidden: torch.Tensor,
    head: torch.Tensor,
    target: torch.Tensor,
    mask: torch.Tensor,
    *,
    temperature: float = 1.0,
    num_tokens: float | None = None,
) -> torch.Tensor:
    """As `losses.cross_entropy`, with `hidden @ head.T` as the student's logits; `target` holds token ids (T,)."""
    certain = torch.zeros(len(target), dtype=_precise(hidden.dtype), device=hidden.device)
    tokens = Sampled(target, certain, certain.exp(), torch.arange(len(target) + 1, device=hidden.device))
    states = hidden if temperature == 1.0 else hidden / temperature  # the temperature divides the logits, which are linear in the states
    return linear(_forward_kl.divergence(), states, head, tokens, mask, num_tokens=num_tokens)
