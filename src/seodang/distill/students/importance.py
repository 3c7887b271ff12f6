"""How much each neuron, group of heads and channel of a model does, by its activations (Muralidharan et al. 2024, arXiv 2407.14679).

A unit's activation is the mean of its absolute value over the tokens of a sample; its importance the Euclidean norm of that over samples.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch

from seodang.core.errors import ModelError
from seodang.distill.packing import Example
from seodang.distill.students.family import blocks
from seodang.distill.students.samples import measure

Axis = Literal["neurons", "groups", "channels"]


def neuron_importance(model: Any, examples: Sequence[Example], num_samples: int) -> list[torch.Tensor]:
    """For each block the importance of its MLP's neurons (I,): of what goes into `down_proj`."""
    return _by_block(model, examples, num_samples, "mlp.down_proj", lambda given, made: given.abs())


def group_importance(model: Any, examples: Sequence[Example], num_samples: int) -> list[torch.Tensor]:
    """For each block the importance of its key-value groups (G,): the sum over a group's heads of their outputs' norms."""
    heads, groups = model.config.num_attention_heads, model.config.num_key_value_heads

    def norms(given_BSC: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
        return given_BSC.unflatten(-1, (heads, -1)).float().norm(dim=-1)

    by_head = _by_block(model, examples, num_samples, "self_attn.o_proj", norms)
    return [heads_H.view(groups, -1).sum(1) for heads_H in by_head]


def channel_importance(model: Any, examples: Sequence[Example], num_samples: int) -> torch.Tensor:
    """The importance of each channel between blocks (H,): of the outputs of all norms, added up."""
    watched: dict[str, torch.nn.Module] = {"norm": model.base_model.norm}
    for place, block in enumerate(blocks(model)):
        for name in ("input_layernorm", "post_attention_layernorm"):
            watched[f"{place} {name}"] = _part(model, block, name)
    squares = _squares(model, examples, num_samples, watched, lambda given, made: made.abs())
    return torch.stack([values.sqrt() for values in squares.values()]).sum(0)


Activation = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _by_block(model: Any, examples: Sequence[Example], num_samples: int, name: str, activation: Activation) -> list[torch.Tensor]:
    watched = {str(place): _part(model, block, name) for place, block in enumerate(blocks(model))}
    return [values.sqrt() for values in _squares(model, examples, num_samples, watched, activation).values()]


def _squares(
    model: Any, examples: Sequence[Example], num_samples: int, watched: dict[str, torch.nn.Module], activation: Activation
) -> dict[str, torch.Tensor]:
    sums: dict[str, torch.Tensor] = {}
    for found in measure(model, examples, num_samples, watched, lambda key, given, made: activation(given, made)):
        for key, means_BC in found.items():
            sums[key] = sums.get(key, torch.zeros(())) + means_BC.double().square().sum(0)
    return {key: sums[key] for key in watched}


def _part(model: Any, block: torch.nn.Module, name: str) -> torch.nn.Module:
    try:
        return block.get_submodule(name)
    except AttributeError as error:
        raise ModelError(
            f"the width of a {model.config.model_type} model cannot be pruned: its blocks have no `{name}`",
            hint="use `student.method: depth_prune`, `full` or `lora` for this architecture",
        ) from error
