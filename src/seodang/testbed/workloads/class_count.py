"""The parameters that transformers' own class of a model has, counted without weights: an oracle for our counts."""

from typing import Any

from seodang.core.errors import InputError

_CLASS_OF = {"kimi_k2": "deepseek_v3"}  # which has no class of its own in transformers


def class_parameters(config: dict[str, Any], where: str) -> int:
    """Built on the meta device, without memory for weights. InputError where transformers is missing or has no such class."""
    hint = "`pip install 'seodang[train]'` brings transformers; without --check nothing of it is needed"
    try:
        import torch
        from huggingface_hub.errors import StrictDataclassError
        from transformers import AutoConfig, AutoModelForCausalLM
    except ImportError as error:
        raise InputError("transformers is not installed", where=where, hint=hint) from error
    fields = {name: value for name, value in config.items() if name not in ("model_type", "quantization_config")}
    family = str(config.get("model_type", ""))
    try:
        known = AutoConfig.for_model(_CLASS_OF.get(family, family), **fields)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(known)
    except (ValueError, KeyError, TypeError, AttributeError, StrictDataclassError) as error:
        hint = "leave --check out: the model is counted by its fields then"
        raise InputError(f"transformers cannot build `{family}` ({error})", where=where, hint=hint) from error
    return sum(parameter.numel() for parameter in model.parameters())
