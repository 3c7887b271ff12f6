"""Low-rank adapters (Hu et al. 2021, arXiv 2106.09685), saved in PEFT's layout.

Written out because PEFT computes a float32 adapter's products in float32: beside a bfloat16 model on a CPU that cost more
than the adapters' share of the work. Master weights are float32 and are cast where they are used.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from seodang.distill.students.family import blocks


class LoRALinear(torch.nn.Module):
    """`base(x) + (alpha / rank) * B A x`, with the base frozen; A (rank, in) is random, B (out, rank) starts at zero."""

    def __init__(self, base: torch.nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base
        self.scale = alpha / rank
        self.lora_A = torch.nn.Parameter(torch.empty(rank, base.in_features))
        self.lora_B = torch.nn.Parameter(torch.zeros(base.out_features, rank))
        torch.nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        low = F.linear(x, self.lora_A.to(x.dtype))
        return self.base(x) + F.linear(low, (self.lora_B * self.scale).to(x.dtype))


def add_lora(model: Any, rank: int, alpha: float, first_layer: int) -> None:
    """Freezes the model and puts adapters on every linear layer of its blocks from `first_layer` on.

    Routed experts and their router are stacked parameters, not linear layers, and stay frozen.
    """
    model.requires_grad_(False)
    for layer in blocks(model)[first_layer:]:
        for parent in list(layer.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, torch.nn.Linear):
                    setattr(parent, name, LoRALinear(child, rank, alpha))


def adapters(model: torch.nn.Module) -> Iterator[tuple[str, LoRALinear]]:
    """Every adapter of a model with its dotted name, in the order of the modules."""
    for name, module in model.named_modules():
        if isinstance(module, LoRALinear):
            yield name, module


def deltas(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What each adapter adds to its weight, float32, by the name of the weight in the model without adapters."""
    return {f"{name}.weight": module.scale * (module.lora_B.detach() @ module.lora_A.detach()) for name, module in adapters(model)}


def save_adapter(model: torch.nn.Module, folder: Path, *, rank: int, alpha: float, base: str) -> None:
    """Writes `adapter_config.json` and `adapter_model.safetensors` as PEFT reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, torch.Tensor] = {}
    for name, module in adapters(model):
        tensors[f"base_model.model.{name}.lora_A.weight"] = module.lora_A.detach().contiguous()
        tensors[f"base_model.model.{name}.lora_B.weight"] = module.lora_B.detach().contiguous()
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    layers = sorted({int(name.split("layers.", 1)[1].split(".")[0]) for name, _ in adapters(model)})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted({name.rsplit(".", 1)[-1] for name, _ in adapters(model)}),
        "layers_to_transform": layers,
        "layers_pattern": "layers",
        "inference_mode": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
