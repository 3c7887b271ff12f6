"""What a model makes of its last hidden states: the product with its head, and whatever its architecture does to that."""

from typing import Any

import torch
import torch.nn.functional as F
from transformers.modeling_outputs import MoeModelOutputWithPast


def own_logits(model: Any, hidden_NH: torch.Tensor) -> torch.Tensor:
    """The logits (N, V) that a model makes of last hidden states, with all that its architecture does to them beside the product with the
    head: a bias, a cap (Gemma 2, arXiv 2408.00118), a scale (Granite and HyperCLOVA X, which mean opposite things by one setting).

    The model's own code is run, with the states in place of what its blocks would give, so that no list of architectures has to be kept.
    """
    base, given = model.base_model, MoeModelOutputWithPast(last_hidden_state=hidden_NH[None])
    base.forward = lambda *args, **options: given
    try:
        return model(input_ids=torch.zeros((1, len(hidden_NH)), dtype=torch.long), use_cache=False).logits[0]
    finally:
        del base.forward


@torch.no_grad()
def changes_logits(model: Any) -> bool:
    """Whether a model's logits are more than `hidden @ head.T`; found by computing both for random states."""
    head_VH = model.get_output_embeddings().weight
    hidden_NH = torch.randn((4, head_VH.shape[1]), generator=torch.Generator().manual_seed(0)).to(head_VH.dtype)
    return not torch.equal(F.linear(hidden_NH, head_VH), own_logits(model, hidden_NH))
