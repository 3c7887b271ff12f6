"""Rotary frequencies are those of transformers, for each kind that a configuration may ask for."""

from typing import Any

import numpy as np
import pytest
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from seodang.backends.contract import Unsupported
from seodang.backends.frequencies import rotary_frequencies, yarn_scale

YARN = {"rope_type": "yarn", "rope_theta": 10_000.0, "factor": 32.0, "original_max_position_embeddings": 4096}
KINDS: dict[str, dict[str, Any]] = {
    "default": {"rope_type": "default", "rope_theta": 500_000.0},
    "linear": {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0},
    "llama3": {
        "rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    },
    "yarn": YARN,
    "yarn, equal mscale": YARN | {"mscale": 1.0, "mscale_all_dim": 1.0, "beta_fast": 32, "beta_slow": 1},
    "yarn, mscale": YARN | {"mscale": 0.707, "mscale_all_dim": 1.0},
    "yarn, attention factor": YARN | {"attention_factor": 1.25},
    "yarn, not truncated": YARN | {"truncate": False},
}  # fmt: skip


@pytest.mark.parametrize("width", [32, 64, 128])
@pytest.mark.parametrize("kind", KINDS)
def test_frequencies_and_magnitude_are_those_of_transformers(kind: str, width: int) -> None:
    told = KINDS[kind]
    config = LlamaConfig(hidden_size=8 * width, num_attention_heads=8, max_position_embeddings=131_072, rope_parameters=dict(told))
    if kind == "default":
        truth, magnitude = LlamaRotaryEmbedding.compute_default_rope_parameters(config)
    else:
        truth, magnitude = ROPE_INIT_FUNCTIONS[told["rope_type"]](config, "cpu")
    found, found_magnitude = rotary_frequencies(config.to_dict(), width)
    np.testing.assert_allclose(found, truth.numpy(), rtol=1e-5)
    assert found_magnitude == pytest.approx(magnitude, rel=1e-6)


@pytest.mark.parametrize(
    "told", [{"rope_scaling": {"type": "linear", "factor": 4.0}, "rope_theta": 10_000.0}, {"rope_parameters": KINDS["linear"]}]
)
def test_older_configurations_say_the_same(told: dict[str, Any]) -> None:
    assert rotary_frequencies(told, 64) == rotary_frequencies({"rope_parameters": KINDS["linear"]}, 64)


def test_attention_is_scaled_where_yarn_is_told_all_dimensions() -> None:
    """DeepSeek's factor: (0.1 x mscale_all_dim x ln factor + 1) squared."""
    assert yarn_scale({"rope_parameters": KINDS["yarn, mscale"]}) == pytest.approx((0.1 * np.log(32) + 1) ** 2)
    for kind in ("default", "linear", "yarn"):
        assert yarn_scale({"rope_parameters": KINDS[kind]}) == 1.0


def test_a_kind_that_is_not_known_is_refused() -> None:
    with pytest.raises(Unsupported, match="`longrope`"):
        rotary_frequencies({"rope_parameters": {"rope_type": "longrope"}}, 64)
