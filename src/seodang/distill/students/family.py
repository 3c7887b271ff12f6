"""What a student's code must know of a model's architecture: its blocks, its sizes, and whether weights and configuration agree."""

import copy
from typing import Any

import torch

from seodang.core.errors import ModelError


def blocks(model: Any) -> torch.nn.ModuleList:
    """The blocks of a model; ModelError where its parts do not have Llama's names."""
    base = model.base_model
    if not isinstance(getattr(base, "layers", None), torch.nn.ModuleList) or not isinstance(getattr(base, "norm", None), torch.nn.Module):
        raise ModelError(
            f"{type(model).__name__} is not built as Llama is (`layers` and `norm` are missing), so its blocks cannot be told apart",
            hint="use a student of Llama's kind, or `student.method: full`",
        )
    return base.layers


def sizes(config: Any) -> dict[str, int]:
    """A configuration's sizes under the names that a recipe has for them; one that it lacks is left out."""
    names = {
        "num_layers": "num_hidden_layers",
        "intermediate_size": "intermediate_size",
        "num_heads": "num_attention_heads",
        "num_kv_heads": "num_key_value_heads",
        "hidden_size": "hidden_size",
    }
    return {ours: getattr(config, theirs) for ours, theirs in names.items() if isinstance(getattr(config, theirs, None), int)}


def resized(config: Any, changes: dict[str, Any]) -> Any:
    """A copy of a configuration with other sizes. ModelError where its class refuses them."""
    try:
        return type(config).from_dict(config.to_dict() | changes)
    except (ValueError, TypeError, *_strict_errors()) as error:
        told = str(error.__cause__ or error).strip().splitlines()
        given = ", ".join(f"{name} {value}" for name, value in changes.items() if isinstance(value, int))
        raise ModelError(
            f"a {config.model_type} model cannot have these sizes ({given}): {told[-1].strip()}",
            hint="choose other sizes under `student`; the hidden size is usually a multiple of the number of heads",
        ) from error


def _strict_errors() -> tuple[type[Exception], ...]:
    from huggingface_hub.errors import StrictDataclassError

    return (StrictDataclassError,)


def chosen_entries(config: Any, places: list[int]) -> dict[str, list[Any]]:
    """A configuration's lists with one entry for each block (such as `layer_types`), reduced to the blocks at `places`."""
    lists = {name: value for name, value in config.to_dict().items() if "layer" in name and isinstance(value, list)}
    return {name: [value[place] for place in places] for name, value in lists.items() if len(value) == config.num_hidden_layers}


def check_fit(model: Any) -> None:
    """ModelError unless a model made from its configuration has weights of the same names and shapes as this one."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        expected: Any = AutoModelForCausalLM.from_config(copy.deepcopy(model.config))
    ours = {name: tuple(values.shape) for name, values in model.state_dict().items()}
    theirs = {name: tuple(values.shape) for name, values in expected.state_dict().items()}
    if ours != theirs:
        name = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))[0]
        raise ModelError(
            f"a pruned {model.config.model_type} model does not fit its own configuration "
            f"(`{name}`: {ours.get(name)} here, {theirs.get(name)} when it is opened again)",
            hint="use `student.method: full` or `lora` for this architecture",
        )
