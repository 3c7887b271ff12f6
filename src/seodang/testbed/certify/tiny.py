"""Models made on the spot: A.X K1's topology and a Llama's, small, with random weights that bfloat16 holds exactly."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seodang.backends.build_graph import build_graph
from seodang.backends.graph import Graph

LATENT: Mapping[str, Any] = {
    "model_type": "axk1",
    "architectures": ["AXK1ForCausalLM"],
    "vocab_size": 320,
    "hidden_size": 64,
    "intermediate_size": 96,
    "moe_intermediate_size": 24,
    "num_hidden_layers": 3,
    "first_k_dense_replace": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "n_routed_experts": 32,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "n_group": 8,
    "topk_group": 4,
    "norm_topk_prob": True,
    "routed_scaling_factor": 2.5,
    "q_lora_rank": 32,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 16,
    "qk_rope_head_dim": 8,
    "v_head_dim": 12,
    "rope_theta": 10_000.0,
    "rope_interleave": True,
    "rms_norm_eps": 1e-6,
    "max_position_embeddings": 512,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
    "attention_bias": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
LLAMA: Mapping[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 320,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "rope_theta": 10_000.0,
    "rms_norm_eps": 1e-5,
    "max_position_embeddings": 512,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
YARN: Mapping[str, Any] = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128, "beta_fast": 32, "beta_slow": 1}


def random_weights(graph: Graph, seed: int) -> dict[str, np.ndarray]:
    """Every tensor of a graph, float32. Matrices keep the size of what they are given, and norms' scales differ from column to column, so
    that each tensor can be told from its absence."""
    rng = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}
    for name, shape in graph.tensors.items():
        if name.endswith("bias"):
            values = rng.normal(0.0, 0.2, shape)
        elif len(shape) == 1:
            values = rng.uniform(0.6, 1.4, shape)
        elif "embed_tokens" in name:
            values = rng.normal(0.0, 1.0, shape)
        else:
            gain = 1.6 if "lm_head" in name else 1.0
            values = rng.normal(0.0, gain * shape[1] ** -0.5 * 1.5, shape)
        made[name] = exact_in_bfloat16(values)
    return made


def exact_in_bfloat16(values: np.ndarray) -> np.ndarray:
    """float32 values cut to the 8 significant bits of bfloat16, so that no type that is computed in changes a weight."""
    return (np.ascontiguousarray(values, np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def write_model(folder: Path, config: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> None:
    """A Hugging Face folder: `config.json` and one safetensors file in float32."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(dict(config) | {"dtype": "float32"}, indent=1), encoding="utf-8")
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    begin = 0
    for name, values in weights.items():
        head[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [begin, begin + 4 * values.size]}
        begin += 4 * values.size
    told = json.dumps(head).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(told).to_bytes(8, "little") + told)
        for values in weights.values():
            file.write(np.ascontiguousarray(values, "<f4").tobytes())


def make_graph(family: str, **changed: Any) -> tuple[dict[str, Any], Graph]:
    """The configuration of a tiny model of `family` ("llama" or "latent") with some keys changed, and its graph."""
    config = dict(LATENT if family == "latent" else LLAMA) | changed
    return config, build_graph(config)
