"""Adapters change nothing until they are trained, open with PEFT, and merge, on a llama and on a model of A.X K1's shape."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seodang.distill.students.lora import adapters, add_lora, deltas, save_adapter

Open = Callable[[Path], Any]
Logits = Callable[..., torch.Tensor]


@pytest.fixture(params=["llama", "axk1"])
def folder(request: pytest.FixtureRequest, tiny_model_dir: Path, tiny_axk1_dir: Path) -> Path:
    return tiny_model_dir if request.param == "llama" else tiny_axk1_dir


def adapted(model: Any, first_layer: int = 0) -> Any:
    """The model with adapters that are no longer zero."""
    torch.manual_seed(3)
    add_lora(model, 4, 8.0, first_layer)
    with torch.no_grad():
        for _, module in adapters(model):
            module.lora_B.normal_(0, 0.3)
    return model


def test_a_new_adapter_changes_nothing_and_alone_is_trained(tiny_model_dir: Path, opened: Open, logits: Logits) -> None:
    model = opened(tiny_model_dir)
    before = logits(model)
    add_lora(model, 4, 8.0, 1)
    assert torch.equal(logits(model), before)
    trained = [name for name, values in model.named_parameters() if values.requires_grad]
    assert len(trained) == 14
    assert all("layers.1." in name and "lora_" in name for name in trained)


def test_latent_attention_and_shared_experts_get_adapters_and_routed_ones_stay_frozen(tiny_axk1_dir: Path, opened: Open) -> None:
    model = opened(tiny_axk1_dir)
    add_lora(model, 4, 8.0, 0)
    names = {name for name, _ in adapters(model)}
    attention = {"q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj"}
    assert {name.rsplit(".", 1)[-1] for name in names} == attention | {"gate_proj", "up_proj", "down_proj"}
    assert len(names) == 3 * (5 + 3)
    assert not model.model.layers[1].mlp.experts.gate_up_proj.requires_grad


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
@pytest.mark.parametrize("first_layer", [0, 1])
def test_a_saved_adapter_opens_with_peft_and_gives_the_same_logits(
    folder: Path, tmp_path: Path, opened: Open, logits: Logits, first_layer: int
) -> None:
    from peft import PeftModel

    model = adapted(opened(folder), first_layer)
    save_adapter(model, tmp_path / "adapter", rank=4, alpha=8.0, base="tiny")
    theirs = PeftModel.from_pretrained(opened(folder), str(tmp_path / "adapter"))
    torch.testing.assert_close(logits(theirs), logits(model), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(logits(model), logits(opened(folder)), atol=1e-3)


def test_merged_weights_give_the_adapted_models_logits(folder: Path, opened: Open, logits: Logits) -> None:
    model, merged = adapted(opened(folder)), opened(folder)
    weights = merged.state_dict()
    with torch.no_grad():
        for name, delta in deltas(model).items():
            weights[name] += delta
    torch.testing.assert_close(logits(merged), logits(model), atol=1e-5, rtol=1e-4)
