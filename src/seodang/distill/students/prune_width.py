"""Width pruning: the neurons, groups of heads and channels that do least are taken out (Minitron, arXiv 2407.14679, 2408.11796).

What is left computes what the whole model would with the removed units at zero: norms divide by the root of their old number of
channels, which their weights and their epsilon are scaled for. (Norms inside heads, where a family has them, share that epsilon: there the
result differs by about the epsilon.)
"""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from seodang.core.errors import ModelError
from seodang.distill.packing import Example
from seodang.distill.students.family import blocks, check_fit
from seodang.distill.students.importance import channel_importance, group_importance, neuron_importance

# Which units each axis of a weight stands for; a bias has the first axis alone, and "" is left whole.
_AXES = {
    "embed_tokens": ("", "channels"),
    "lm_head": ("", "channels"),
    "q_proj": ("queries", "channels"),
    "k_proj": ("keys", "channels"),
    "v_proj": ("keys", "channels"),
    "o_proj": ("channels", "queries"),
    "q_norm": ("",),
    "k_norm": ("",),
    "gate_proj": ("neurons", "channels"),
    "up_proj": ("neurons", "channels"),
    "down_proj": ("channels", "neurons"),
    "input_layernorm": ("channels",),
    "post_attention_layernorm": ("channels",),
    "norm": ("channels",),
}
_NORMS = ("input_layernorm", "post_attention_layernorm", "norm")


@dataclass(frozen=True, slots=True)
class Kept:
    """Places of the units that stay, ascending: neurons and groups of each block, channels of all. None: all of them."""

    neurons: list[torch.Tensor] | None = None
    groups: list[torch.Tensor] | None = None
    channels: torch.Tensor | None = None


def prune_width(
    model: Any,
    examples: Sequence[Example],
    num_samples: int,
    *,
    intermediate_size: int | None = None,
    num_kv_heads: int | None = None,
    hidden_size: int | None = None,
) -> Any:
    """A narrower model: neurons first, then groups of heads, then channels, at most a third of what is there at a time, and measured
    anew after each cut. A size that is None, or not smaller, stays. ModelError for an architecture other than Llama's."""
    config = model.config
    _refuse_other_blocks(model, channels=hidden_size is not None)
    for size in _fewer(config.intermediate_size, intermediate_size):
        model = cut(model, Kept(neurons=[_best(values, size) for values in neuron_importance(model, examples, num_samples)]))
    for size in _fewer(config.num_key_value_heads, num_kv_heads):
        model = cut(model, Kept(groups=[_best(values, size) for values in group_importance(model, examples, num_samples)]))
    for size in _fewer(config.hidden_size, hidden_size):
        model = cut(model, Kept(channels=_best(channel_importance(model, examples, num_samples), size)))
    check_fit(model)
    return model


def _fewer(have: int, want: int | None) -> Iterator[int]:
    """The sizes on the way from `have` to `want`, each at least two thirds of the one before (or one unit less)."""
    while want is not None and have > want:
        have = max(want, have - max(1, have // 3))
        yield have


def _best(importance_N: torch.Tensor, count: int) -> torch.Tensor:
    """The places of the `count` most important units, ascending; among equals the first."""
    return importance_N.sort(descending=True, stable=True).indices[:count].sort().values


def cut(model: Any, kept: Kept) -> Any:
    """A model with the units of `kept` alone, in the same dtype and on the same device. Tied embeddings stay tied."""
    from transformers import AutoModelForCausalLM
    from transformers.initialization import no_init_weights

    old = model.config
    config = copy.deepcopy(old)
    head_dim = getattr(old, "head_dim", None) or old.hidden_size // old.num_attention_heads
    config.head_dim = head_dim
    each = old.num_attention_heads // old.num_key_value_heads
    if kept.neurons is not None:
        config.intermediate_size = len(kept.neurons[0])
    if kept.groups is not None:
        config.num_key_value_heads = len(kept.groups[0])
        config.num_attention_heads = each * config.num_key_value_heads
    if kept.channels is not None:
        config.hidden_size = len(kept.channels)
        config.rms_norm_eps = old.rms_norm_eps * old.hidden_size / config.hidden_size
    weights = {
        name: _cut_tensor(name, values, kept, head_dim, each, math.sqrt(old.hidden_size / config.hidden_size))
        for name, values in model.state_dict().items()
    }
    with no_init_weights():
        narrow: Any = AutoModelForCausalLM.from_config(config, dtype=model.dtype)
    try:
        narrow.load_state_dict(weights)
    except RuntimeError as error:
        raise _cannot(model, str(error).splitlines()[-1].strip()) from error
    narrow.to(model.device).tie_weights()
    narrow.generation_config = copy.deepcopy(model.generation_config)
    return narrow.train(model.training)


def _cut_tensor(name: str, values: torch.Tensor, kept: Kept, head_dim: int, each: int, scale: float) -> torch.Tensor:
    """The part of a weight that stays; those of norms are multiplied by `scale` where channels are removed."""
    *path, module, _ = name.split(".")
    block = int(path[path.index("layers") + 1]) if "layers" in path else None
    for axis, units in enumerate(_AXES[module][: values.dim()]):
        places = _places(units, block, kept, head_dim, each)
        if places is not None:
            values = values.index_select(axis, places.to(values.device))
    return values * scale if module in _NORMS else values


def _places(units: str, block: int | None, kept: Kept, head_dim: int, each: int) -> torch.Tensor | None:
    """Which rows or columns stay along an axis of such units; None: all."""
    if units == "channels":
        return kept.channels
    if units == "neurons" and kept.neurons is not None and block is not None:
        return kept.neurons[block]
    if units in ("queries", "keys") and kept.groups is not None and block is not None:
        width = head_dim * (each if units == "queries" else 1)
        return (kept.groups[block][:, None] * width + torch.arange(width)).flatten()
    return None


def _refuse_other_blocks(model: Any, *, channels: bool) -> None:
    """ModelError where a weight's axes are not known, or, for channels, a norm is not the weight times x over its root mean square."""
    blocks(model)
    for name in model.state_dict():
        if name.split(".")[-2] not in _AXES:
            raise _cannot(model, f"it has a weight `{name}`")
    if channels:
        norm, epsilon = model.base_model.norm, getattr(model.config, "rms_norm_eps", None)
        x = torch.linspace(-2, 3, model.config.hidden_size, device=model.device, dtype=torch.float32)[None]
        if epsilon is None or not torch.allclose(norm(x), norm.weight * x * torch.rsqrt(x.square().mean() + epsilon), rtol=1e-2, atol=1e-3):
            raise _cannot(model, "its norms do more than divide by the root mean square")


def _cannot(model: Any, why: str) -> ModelError:
    return ModelError(
        f"the width of a {model.config.model_type} model cannot be pruned: {why}",
        hint="use `student.method: depth_prune`, `full` or `lora` for this architecture",
    )
