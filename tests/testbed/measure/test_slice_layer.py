"""A slice computes the model's layer: equal to transformers' code, for latent and for grouped attention, dense and with experts."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from seodang.testbed.measure.slice_layer import Reads, decode_layer, rules_at
from seodang.testbed.measure.slice_weights import RankLayer, layer_numbers, rank_shapes, real_layer
from seodang.testbed.workloads.layout import ONE_DEVICE, Layout
from seodang.testbed.workloads.model_shape import MlpKind
from seodang.testbed.workloads.shape import read_shape

TOKENS = 5


def hidden_states(folder: Path, ids_BT: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
    """What goes into each layer, and what comes out of the last norm, by transformers."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        out = model.model(ids_BT, output_hidden_states=True)
    return list(out.hidden_states[:-1]), out.last_hidden_state


def test_layers_with_latent_attention_and_experts_equal_those_of_transformers(tiny_axk1_dir: Path) -> None:
    ids_BT = torch.randint(0, 400, (3, TOKENS), generator=torch.Generator().manual_seed(0))
    inputs, last = hidden_states(tiny_axk1_dir, ids_BT)
    tensors = load_file(tiny_axk1_dir / "model.safetensors")
    config, shape = json.loads((tiny_axk1_dir / "config.json").read_text(encoding="utf-8")), read_shape(tiny_axk1_dir)
    kinds: list[MlpKind] = [run.mlp for run in shape.layers for _ in range(run.count)]
    assert kinds == ["dense", "moe", "moe"]
    for index, kind in enumerate(kinds):
        layer = real_layer(lambda name: tensors[name], frozenset(tensors), shape, kind, index)
        assert sum(matrix.numel() for matrix in layer.matrices.values()) == layer_numbers(shape, kind, ONE_DEVICE)
        cache = torch.full((3, TOKENS, shape.kv_lora_rank + shape.rope), float("nan"))
        found = torch.zeros(0)
        for t in range(TOKENS):
            rules = rules_at(t, shape.rope, "cpu", base=config["rope_parameters"]["rope_theta"], scaling=config["routed_scaling_factor"])
            found = decode_layer(shape, ONE_DEVICE, layer, inputs[index][:, t], cache[:, : t + 1], rules)
        if index + 1 < len(kinds):
            torch.testing.assert_close(found, inputs[index + 1][:, -1], atol=1e-5, rtol=1e-4)
        else:
            normed = F.rms_norm(found, (shape.hidden,), tensors["model.norm.weight"], config["rms_norm_eps"])
            torch.testing.assert_close(normed, last[:, -1], atol=1e-5, rtol=1e-4)


def test_a_layer_with_grouped_attention_equals_that_of_transformers(tiny_model_dir: Path) -> None:
    ids_BT = torch.randint(0, 400, (2, TOKENS), generator=torch.Generator().manual_seed(0))
    inputs, _ = hidden_states(tiny_model_dir, ids_BT)
    tensors, shape = load_file(tiny_model_dir / "model.safetensors"), read_shape(tiny_model_dir)
    config, here = json.loads((tiny_model_dir / "config.json").read_text(encoding="utf-8")), "model.layers.0"
    joined = {"kv": ("self_attn.k_proj", "self_attn.v_proj"), "gate_up": ("mlp.gate_proj", "mlp.up_proj")}
    single = {"q": "self_attn.q_proj", "o": "self_attn.o_proj", "down": "mlp.down_proj"}
    matrices = {name: torch.cat([tensors[f"{here}.{part}.weight"] for part in parts]) for name, parts in joined.items()}
    matrices |= {name: tensors[f"{here}.{part}.weight"] for name, part in single.items()}
    norms = {"input_norm": "input_layernorm", "post_attention_norm": "post_attention_layernorm"}
    layer = RankLayer("dense", matrices, {name: tensors[f"{here}.{norm}.weight"] for name, norm in norms.items()})
    assert {name: tuple(matrix.shape) for name, matrix in matrices.items()} == rank_shapes(shape, "dense", ONE_DEVICE)
    cache = torch.full((2, 2, shape.kv_heads, TOKENS, shape.head_width), float("nan"))
    found = torch.zeros(0)
    for t in range(TOKENS):
        base = config["rope_parameters"]["rope_theta"]
        rules = rules_at(t, shape.head_width, "cpu", base=base, interleaved=False, eps=config["rms_norm_eps"])
        found = decode_layer(shape, ONE_DEVICE, layer, inputs[0][:, t], cache[:, :, :, : t + 1], rules)
    torch.testing.assert_close(found, inputs[1][:, -1], atol=1e-5, rtol=1e-4)


def test_drawn_experts_take_the_place_of_the_routers_choice(tiny_axk1_dir: Path) -> None:
    tensors, shape = load_file(tiny_axk1_dir / "model.safetensors"), read_shape(tiny_axk1_dir)
    layer = real_layer(lambda name: tensors[name], frozenset(tensors), shape, "moe", 1)
    values, cache = torch.ones(2, shape.hidden), torch.zeros(2, 1, shape.kv_lora_rank + shape.rope)
    record: list[torch.Tensor] = []
    reads = Reads()
    rules = rules_at(0, shape.rope, "cpu")
    decode_layer(shape, ONE_DEVICE, layer, values, cache, rules, drawn_MK=torch.tensor([[0, 1], [0, 1]]), reads=reads, record=record)
    assert record[0].shape == (2, shape.top_k)
    assert reads["experts_down"] == 2 * shape.hidden * shape.moe_intermediate * 4
    decode_layer(shape, ONE_DEVICE, layer, values, cache, rules, drawn_MK=torch.tensor([[0, 1], [2, 3]]), reads=reads)
    assert reads["experts_down"] == (2 + 4) * shape.hidden * shape.moe_intermediate * 4


@pytest.mark.parametrize("layout", [Layout(tp=8), Layout(dp=8, ep=8), Layout(tp=8, ep=8), Layout(tp=2, dp=4, ep=4)])
@pytest.mark.parametrize("kind", ["dense", "moe"])
def test_the_parts_of_the_full_model_add_up_to_its_layers(kind: MlpKind, layout: Layout) -> None:
    shape = read_shape("ax-k1")
    attention, mlp = 101_124_096 - 2048, {"dense": 396_361_728, "moe": 8_501_133_312}[kind]
    whole = rank_shapes(shape, kind, ONE_DEVICE)
    assert layer_numbers(shape, kind, ONE_DEVICE) == attention + mlp
    for name, part in rank_shapes(shape, kind, layout).items():
        numbers = {"part": 1, "whole": 1}
        for size, full in zip(part, whole[name], strict=True):
            numbers["part"] *= size
            numbers["whole"] *= full
        assert numbers["whole"] % numbers["part"] == 0
        assert numbers["whole"] // numbers["part"] in (1, layout.tp, layout.ep, layout.tp * layout.dp)
