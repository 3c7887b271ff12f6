"""What a step must compute and move is what the sizes of its tensors say, and time follows the described device."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, lists, tuples

from oracles.backend_models import graph_of
from seodang.backends.build_graph import build_graph
from seodang.backends.contract import Unsupported
from seodang.backends.description import Description, load_description
from seodang.backends.roofline import Cost, Fed, seconds, step_costs

CONFIG = {
    "model_type": "llama", "vocab_size": 1000, "hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 2,
    "num_attention_heads": 8, "num_key_value_heads": 2, "rms_norm_eps": 1e-5,
}  # fmt: skip
GRAPH = build_graph(CONFIG)
H200 = load_description("h200_sxm")
feeds = lists(tuples(integers(1, 50), integers(0, 500)), min_size=1, max_size=6)


def totals(fed: list[Fed], dtype: str = "bfloat16") -> dict[str, float]:
    costs = step_costs(GRAPH, fed, dtype)
    return {name: sum(getattr(cost, name) for cost in costs) for name in ("flops", "weight_bytes", "kv_bytes", "activation_bytes")}


def with_bandwidth(device: Description, times: float) -> Description:
    bandwidth = device.memory[0].bandwidth
    faster = device.memory[0].model_copy(update={"bandwidth": bandwidth.model_copy(update={"value": bandwidth.value * times})})
    return device.model_copy(update={"memory": (faster, *device.memory[1:])})


def step_s(fed: list[Fed], device: Description) -> float:
    return sum(seconds(cost, device, "bfloat16") for cost in step_costs(GRAPH, fed, "bfloat16"))


def test_a_decoding_step_reads_every_weight_once_and_the_whole_cache() -> None:
    told = totals([Fed(1, 99)] * 4)
    tables = GRAPH.tensors["model.embed_tokens.weight"]
    weights = sum(int(np.prod(shape)) for shape in GRAPH.tensors.values()) - int(np.prod(tables)) + 4 * tables[1]
    assert told["weight_bytes"] == 2 * weights
    assert told["kv_bytes"] == 2 * sum(GRAPH.cached) * 4 * (100 + 1)


def test_products_are_two_for_each_weight_and_token_and_four_for_each_pair() -> None:
    costs = {cost.node: cost for cost in step_costs(GRAPH, [Fed(3, 0), Fed(2, 10)], "float32")}
    assert costs["layers.0.mlp.up"].flops == 2 * 5 * 64 * 192
    assert costs["logits"].flops == 2 * 2 * 64 * 1000  # one row a sequence
    assert costs["layers.1.attention"].flops == 4 * 64 * ((1 + 2 + 3) + (11 + 12))


@given(feeds)
def test_more_tokens_or_context_never_cost_less(given_feeds: list[tuple[int, int]]) -> None:
    fed = [Fed(tokens, past) for tokens, past in given_feeds]
    before = totals(fed)
    for more in ([Fed(one.tokens + 1, one.past) for one in fed], [Fed(one.tokens, one.past + 1) for one in fed], [*fed, fed[0]]):
        assert all(after >= before[name] for name, after in totals(more).items())


@given(feeds, floats(1.0, 8.0))
def test_more_bandwidth_is_never_slower_and_never_gains_more_than_itself(given_feeds: list[tuple[int, int]], times: float) -> None:
    fed = [Fed(tokens, past) for tokens, past in given_feeds]
    slow, fast = step_s(fed, H200), step_s(fed, with_bandwidth(H200, times))
    assert fast <= slow * (1 + 1e-12)
    assert fast * times >= slow * (1 - 1e-12)


def test_decoding_that_memory_binds_halves_with_twice_the_bandwidth() -> None:
    fed = [Fed(1, 400)]
    assert step_s(fed, with_bandwidth(H200, 2.0)) == pytest.approx(step_s(fed, H200) / 2)


def test_an_operator_takes_the_longer_of_both() -> None:
    assert seconds(Cost("n", 9.89e14, 0, 0, 0), H200, "bfloat16") == pytest.approx(1.0)
    assert seconds(Cost("n", 9.89e14, 4.8e12, 2.4e12, 2.4e12), H200, "bfloat16") == pytest.approx(2.0)
    with pytest.raises(Unsupported, match="no peak of H200 SXM is described for float64"):
        seconds(Cost("n", 1, 1, 1, 1), H200, "float64")


def test_experts_cost_those_that_are_used(tiny_axk1_dir: Path) -> None:
    """8 experts of which a token uses 2: one token reads a quarter; many read nearly all, or as many as were seen."""
    graph = graph_of(tiny_axk1_dir)

    def experts(tokens: int, hit: dict[str, int] | None = None) -> Cost:
        return next(cost for cost in step_costs(graph, [Fed(tokens, 0)], "float32", hit) if cost.node == "layers.1.experts")

    every = 4 * 8 * 3 * 64 * 32
    assert experts(1).weight_bytes == pytest.approx(every / 4)
    assert 0.999 * every < experts(40).weight_bytes < every
    assert experts(40, {"layers.1.experts": 3}).weight_bytes == pytest.approx(every * 3 / 8)
    assert experts(40).flops == pytest.approx(40 * 2 * 6 * 64 * 32)


def test_latent_attention_decodes_in_the_absorbed_form(tiny_axk1_dir: Path) -> None:
    """4 heads, nope 16, rope 8, value 12, rank 16: a decoding query is brought to the latents and reads 40 numbers a key."""
    graph = graph_of(tiny_axk1_dir)
    cost = next(cost for cost in step_costs(graph, [Fed(1, 99)], "float32") if cost.node == "layers.0.attention")
    assert cost.flops == 2 * 4 * (16 * 28 + 100 * 40)
    assert cost.kv_bytes == 4 * 24 * 101
