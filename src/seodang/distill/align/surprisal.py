"""How unlikely a student finds a token, or the end of a word: minus the log of its probability, in nats, with the gradient written out.

A student that is sure gives 1 - p next to nothing, and what divides by it needs its relative accuracy. So p is never taken from 1: with
`margin` = log of the mass against it - log of its own mass, the surprisal is log(1 + exp(margin)) and 1 - p is sigmoid(margin), in float64.
The buffers of the vocabulary's width are float32 (float64 for float64 logits), one a call.
"""

from typing import Any

import torch


def surprisal(logits: torch.Tensor, rows: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """-log p(ids[i]) at each row (M,) of `logits` (T, V), as float64. No row is given twice."""
    return _Surprisal.apply(logits, rows, ids)  # pyright: ignore[reportReturnType]


def set_surprisal(logits: torch.Tensor, rows: torch.Tensor, members_V: torch.Tensor) -> torch.Tensor:
    """-log of the mass of a set of tokens, a mask (V,), at each row (M,) of `logits` (T, V), as float64. No row is given twice."""
    return _SetSurprisal.apply(logits, rows, members_V)  # pyright: ignore[reportReturnType]


class _Surprisal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, rows: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        buffer_MV = _rows(logits, rows)
        places = torch.arange(len(rows), device=rows.device)
        own_M = buffer_MV[places, ids]
        buffer_MV[places, ids] = float("-inf")
        against_M = torch.logsumexp(buffer_MV, -1)
        margin_M = against_M.double() - own_M.double()
        if ctx.needs_input_grad[0]:
            buffer_MV.sub_(_finite(against_M)[:, None]).exp_()
            buffer_MV[places, ids] = -1.0
            ctx.save_for_backward(buffer_MV, margin_M, rows)
        ctx.shape, ctx.dtype = logits.shape, logits.dtype
        return torch.logaddexp(margin_M, torch.zeros_like(margin_M))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _backward(ctx, grad_outputs[0]), None, None


class _SetSurprisal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, rows: torch.Tensor, members_V: torch.Tensor) -> torch.Tensor:
        buffer_MV = _rows(logits, rows)
        own_M = torch.logsumexp(buffer_MV.masked_fill(~members_V, float("-inf")), -1)
        against_M = torch.logsumexp(buffer_MV.masked_fill(members_V, float("-inf")), -1)
        margin_M = against_M.double() - own_M.double()
        if ctx.needs_input_grad[0]:
            buffer_MV.sub_(torch.where(members_V, _finite(own_M)[:, None], _finite(against_M)[:, None])).exp_()
            buffer_MV[:, members_V] *= -1.0
            ctx.save_for_backward(buffer_MV, margin_M, rows)
        ctx.shape, ctx.dtype = logits.shape, logits.dtype
        return torch.logaddexp(margin_M, torch.zeros_like(margin_M))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _backward(ctx, grad_outputs[0]), None, None


def _rows(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """A copy of the rows that may be overwritten."""
    return logits.detach()[rows].to(torch.float64 if logits.dtype == torch.float64 else torch.float32)


def _finite(log_mass_M: torch.Tensor) -> torch.Tensor:
    """What is subtracted from logits to share out a mass; where there is no mass, there is nothing to share."""
    return torch.where(log_mass_M.isinf(), 0.0, log_mass_M)


def _backward(ctx: Any, grad_M: torch.Tensor) -> torch.Tensor:
    """The saved buffer holds, in each row, how a change is shared out: -1 in all on the event's tokens and +1 in all on the others."""
    shares_MV, margin_M, rows = ctx.saved_tensors
    change_M = grad_M * torch.sigmoid(margin_M)
    grad_MV = (shares_MV * change_M.to(shares_MV.dtype)[:, None]).to(ctx.dtype)
    if len(rows) == ctx.shape[0] and bool((rows.diff() == 1).all()):
        return grad_MV
    return grad_MV.new_zeros(ctx.shape).index_copy_(0, rows, grad_MV)
