"""Configurations that make no graph are refused with what is wrong in them."""

from pathlib import Path
from typing import Any

import pytest

from seodang.backends.build_graph import build_graph, read_config
from seodang.backends.contract import Unsupported
from seodang.testbed.certify.tiny import LLAMA


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"model_type": ["llama"]}, "no graph for models of type"),
        ({"num_attention_heads": 0, "head_dim": None}, "makes no model"),
        ({"num_hidden_layers": "three"}, "makes no model"),
        ({"num_key_value_heads": "two"}, "makes no model"),
        ({"vocab_size": -5}, "makes no model"),
        ({"intermediate_size": 0}, "makes no model"),
    ],
)
def test_a_configuration_that_makes_no_model_is_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(Unsupported, match=told):
        build_graph({**LLAMA, **changed})


@pytest.mark.parametrize("key", ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "rms_norm_eps"])
def test_what_a_configuration_lacks_is_named(key: str) -> None:
    with pytest.raises(Unsupported, match=f"has no '{key}'"):
        build_graph({name: value for name, value in LLAMA.items() if name != key})


@pytest.mark.parametrize("text", ["[1]", "7", "null", "{"])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(Unsupported, match="no configuration of a model"):
        read_config(tmp_path)
