"""A tiny Llama whose matrices F16 can hold, sharp enough that a wrong rotation or order of heads shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seodang.export.gguf import write_gguf

MakeModel = Callable[..., Path]


@pytest.fixture(scope="session")
def make_model(tiny_tokenizer_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Makes a model folder; keywords change the config, `shard` is the largest shard's size."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tiny_tokenizer_dir)

    def make(*, shard: str = "1GB", dtype: torch.dtype = torch.float32, **changes: Any) -> Path:
        settings: dict[str, Any] = {
            "vocab_size": len(tokenizer),
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 512,
            "rope_theta": 5000.0,
            "tie_word_embeddings": True,
            "initializer_range": 0.15,
            "eos_token_id": tokenizer.eos_token_id,
        }
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            model = LlamaForCausalLM(LlamaConfig(**(settings | changes)))
            for values in model.parameters():
                values.data = torch.rand_like(values) + 0.5 if values.ndim == 1 else values.data.half().float()
        folder = tmp_path_factory.mktemp("model")
        cast: Any = model.to  # typed for the whole model only
        cast(dtype).save_pretrained(folder, max_shard_size=shard)
        tokenizer.save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def half_model_dir(make_model: MakeModel) -> Path:
    return make_model()


@pytest.fixture(scope="session")
def half_gguf(half_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "half.gguf"
    write_gguf(half_model_dir, path, "F16", {"name": "tiny", "license": "apache-2.0"})
    return path
