"""Adapters change nothing until they are trained, open with PEFT, and merge; pruned models open with transformers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from seodang.core.progress import Progress
from seodang.distill.lora import adapters, add_lora, deltas, save_adapter
from seodang.distill.packing import Example
from seodang.distill.prune import block_influence, prune_depth
from seodang.distill.raise_student import raise_student
from seodang.distill.section import DistillSection
from seodang.distill.student import StudentSection

IDS = torch.tensor([[5, 6, 7, 300, 12, 13, 90]])


def opened(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    return model(IDS).logits


def adapted(folder: Path, first_layer: int = 0) -> Any:
    """A model with adapters that are no longer zero."""
    model = opened(folder)
    torch.manual_seed(3)
    add_lora(model, 4, 8.0, first_layer)
    with torch.no_grad():
        for _, module in adapters(model):
            module.lora_B.normal_(0, 0.3)
    return model


def test_a_new_adapter_changes_nothing_and_alone_is_trained(tiny_model_dir: Path) -> None:
    model = opened(tiny_model_dir)
    before = logits(model)
    add_lora(model, 4, 8.0, 1)
    assert torch.equal(logits(model), before)
    trained = [name for name, values in model.named_parameters() if values.requires_grad]
    assert len(trained) == 14
    assert all("layers.1." in name and "lora_" in name for name in trained)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
@pytest.mark.parametrize("first_layer", [0, 1])
def test_a_saved_adapter_opens_with_peft_and_gives_the_same_logits(tiny_model_dir: Path, tmp_path: Path, first_layer: int) -> None:
    from peft import PeftModel

    model = adapted(tiny_model_dir, first_layer)
    save_adapter(model, tmp_path / "adapter", rank=4, alpha=8.0, base="tiny")
    theirs = PeftModel.from_pretrained(opened(tiny_model_dir), str(tmp_path / "adapter"))
    torch.testing.assert_close(logits(theirs), logits(model), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(logits(model), logits(opened(tiny_model_dir)), atol=1e-3)


def test_merged_weights_give_the_adapted_models_logits(tiny_model_dir: Path) -> None:
    model, merged = adapted(tiny_model_dir), opened(tiny_model_dir)
    weights = merged.state_dict()
    with torch.no_grad():
        for name, delta in deltas(model).items():
            weights[name] += delta
    torch.testing.assert_close(logits(merged), logits(model), atol=1e-5, rtol=1e-4)


@pytest.fixture(scope="module")
def deep_dir(tiny_tokenizer_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random llama of six blocks, whose third and fifth do almost nothing."""
    sizes: dict[str, Any] = {"vocab_size": 400, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 6}
    config = LlamaConfig(**sizes, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256, initializer_range=0.2)
    torch.manual_seed(1)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for index in (2, 4):
            for values in model.model.layers[index].parameters():
                values.mul_(0.01)
    folder = tmp_path_factory.mktemp("deep")
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_tokenizer_dir).save_pretrained(folder)
    return folder


def test_the_blocks_that_do_least_are_taken_out(deep_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    model = opened(deep_dir)
    influence = block_influence(model, examples)
    assert sorted(sorted(range(6), key=lambda i: influence[i])[:2]) == [2, 4]
    assert prune_depth(model, examples, 4) == [0, 1, 3, 5]
    model.save_pretrained(tmp_path)
    reopened = opened(tmp_path)
    assert reopened.config.num_hidden_layers == 4
    torch.testing.assert_close(logits(reopened), logits(model), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("keep", "kept"), [(1, 2), (2, 2), (3, 3), (6, 6), (99, 6)])
def test_the_first_and_the_last_block_are_always_kept(deep_dir: Path, examples: list[Example], keep: int, kept: int) -> None:
    model = opened(deep_dir)
    places = prune_depth(model, examples, keep)
    assert (places[0], places[-1], len(places)) == (0, 5, kept)
    assert logits(model).isfinite().all()


@pytest.mark.parametrize("method", ["lora", "depth_prune"])
def test_a_raised_student_is_an_ordinary_checkpoint_with_its_tokenizer(
    deep_dir: Path, examples: list[Example], tmp_path: Path, method: str
) -> None:
    student = StudentSection.model_validate({"method": method, "rank": 4, "alpha": 8, "first_layer": 4, "keep_layers": 4})
    section = DistillSection(epochs=1, pack_tokens=128, checkpoint_steps=2, held_out=0)
    with Progress("train") as progress:
        summary = raise_student(deep_dir, tmp_path, examples, student, section, divergence="forward_kl", seed=0, progress=progress)
    model = opened(tmp_path / "checkpoint")
    assert model.config.num_hidden_layers == (6 if method == "lora" else 4)
    assert logits(model).isfinite().all()
    assert sum(values.numel() for values in model.parameters()) == summary["num_parameters"]
    assert AutoTokenizer.from_pretrained(tmp_path / "checkpoint").chat_template
    assert (tmp_path / "adapter").is_dir() == (method == "lora")
    assert summary["num_examples"] == len(examples)
    assert summary["num_answer_tokens"] == sum(len(example.answer_ids) for example in examples)
