"""A narrower model computes what the whole one does with the removed units at zero, and what is removed does least."""

import copy
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from seodang.core.errors import ModelError
from seodang.distill.packing import Example
from seodang.distill.students.importance import channel_importance, group_importance, neuron_importance
from seodang.distill.students.prune_width import Kept, cut, prune_width

IDS = torch.tensor([[5, 6, 7, 300, 12, 13, 90], [8, 9, 22, 31, 399, 4, 3]])
HEADS, GROUPS, DIM, HIDDEN, NEURONS, LAYERS = 6, 3, 8, 48, 30, 2


def small(*, tied: bool = False, kind: str = "llama") -> Any:
    """A random model with wide weights, biases where the family has them, and norms that differ from one."""
    sizes: dict[str, Any] = {"vocab_size": 400, "hidden_size": HIDDEN, "intermediate_size": NEURONS, "num_hidden_layers": LAYERS}
    sizes |= {"num_attention_heads": HEADS, "num_key_value_heads": GROUPS, "head_dim": DIM, "initializer_range": 0.2}
    torch.manual_seed(4)
    model: Any = (
        # Its norms inside heads share the epsilon that is scaled for the channels' norms: here too small to be felt.
        Qwen3ForCausalLM(Qwen3Config(**sizes, tie_word_embeddings=tied, rms_norm_eps=1e-12))
        if kind == "qwen3"
        else LlamaForCausalLM(LlamaConfig(**sizes, tie_word_embeddings=tied, attention_bias=True, mlp_bias=True))
    )
    with torch.no_grad():
        for name, values in model.named_parameters():
            if "norm" in name or "bias" in name:
                values.add_(torch.randn_like(values) * 0.2)
    return model.eval()


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    return model(IDS).logits


@contextmanager
def masked(model: Any, kept: Kept) -> Generator[None]:
    """Sets what the removed units make to zero, by hooks: an independent way to take them out."""
    hooks: list[Any] = []

    def to_zero(module: torch.nn.Module, gone: torch.Tensor) -> None:
        def hook(module: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            return (given[0].index_fill(-1, gone, 0.0), *given[1:])

        hooks.append(module.register_forward_pre_hook(hook))

    def output_to_zero(module: torch.nn.Module, gone: torch.Tensor) -> None:
        hooks.append(module.register_forward_hook(lambda module, given, made: made.index_fill(-1, gone, 0.0)))

    for place, layer in enumerate(model.model.layers):
        if kept.neurons is not None:
            to_zero(layer.mlp.down_proj, others(kept.neurons[place], NEURONS))
        if kept.groups is not None:
            width = HEADS // GROUPS * DIM
            to_zero(layer.self_attn.o_proj, (others(kept.groups[place], GROUPS)[:, None] * width + torch.arange(width)).flatten())
        if kept.channels is not None:
            for module in (layer.self_attn.o_proj, layer.mlp.down_proj):
                output_to_zero(module, others(kept.channels, HIDDEN))
    if kept.channels is not None:
        output_to_zero(model.model.embed_tokens, others(kept.channels, HIDDEN))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def others(kept: torch.Tensor, count: int) -> torch.Tensor:
    return torch.tensor(sorted(set(range(count)) - set(kept.tolist())), dtype=torch.long)


def some(count: int, draw: torch.Generator) -> torch.Tensor:
    """A random, ascending, non-empty choice of places."""
    size = int(torch.randint(1, count + 1, (1,), generator=draw))
    return torch.randperm(count, generator=draw)[:size].sort().values


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), axes=st.sets(st.sampled_from(["neurons", "groups", "channels"]), min_size=1), kind=st.integers(0, 2))
def test_a_cut_model_gives_the_logits_of_the_masked_one(seed: int, axes: set[str], kind: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    model = small(tied=kind == 1, kind="qwen3" if kind == 2 else "llama")

    def in_each(count: int) -> list[torch.Tensor]:
        size = len(some(count, draw))
        return [torch.randperm(count, generator=draw)[:size].sort().values for _ in range(LAYERS)]

    kept = Kept(
        neurons=in_each(NEURONS) if "neurons" in axes else None,
        groups=in_each(GROUPS) if "groups" in axes else None,
        channels=some(HIDDEN, draw) if "channels" in axes else None,
    )
    narrow = cut(model, kept)
    with masked(model, kept):
        expected = logits(model)
    torch.testing.assert_close(logits(narrow), expected, atol=2e-4, rtol=1e-3)


def test_removing_units_that_do_nothing_changes_nothing() -> None:
    model = small()
    neurons, groups, channels = torch.arange(20), torch.tensor([0, 2]), torch.arange(4, HIDDEN)
    with torch.no_grad():
        for layer in model.model.layers:
            layer.mlp.down_proj.weight[:, 20:] = 0
            layer.self_attn.o_proj.weight[:, 2 * DIM : 4 * DIM] = 0
            for module in (layer.mlp.down_proj, layer.self_attn.o_proj):
                module.weight[:4] = 0
                module.bias[:4] = 0
        model.model.embed_tokens.weight[:, :4] = 0
    narrow = cut(model, Kept([neurons] * LAYERS, [groups] * LAYERS, channels))
    torch.testing.assert_close(logits(narrow), logits(model), atol=1e-5, rtol=1e-5)


def test_a_silent_unit_has_no_importance_and_goes_first(examples: list[Example]) -> None:
    model = small()
    with torch.no_grad():
        for place, layer in enumerate(model.model.layers):
            layer.mlp.up_proj.weight[place * 3 : place * 3 + 10] = 0
            layer.mlp.up_proj.bias[place * 3 : place * 3 + 10] = 0
            layer.self_attn.v_proj.weight[DIM : 2 * DIM] = 0
            layer.self_attn.v_proj.bias[DIM : 2 * DIM] = 0
    assert [values.eq(0).nonzero()[:, 0].tolist() for values in neuron_importance(model, examples, 99)] == [
        list(range(10)),
        list(range(3, 13)),
    ]
    assert [values.eq(0).tolist() for values in group_importance(model, examples, 99)] == [[False, True, False]] * LAYERS
    before = logits(model)
    narrow = prune_width(model, examples, 99, intermediate_size=20, num_kv_heads=2)
    torch.testing.assert_close(logits(narrow), before, atol=1e-5, rtol=1e-5)


def test_importance_is_the_norm_over_samples_of_mean_absolute_activations(examples: list[Example]) -> None:
    model = small()
    found: list[torch.Tensor] = []
    hook = model.model.layers[1].mlp.down_proj.register_forward_pre_hook(lambda module, given: found.append(given[0][0]))
    with torch.no_grad():
        for example in examples[:7]:
            model(torch.tensor([[*example.prompt_ids, *example.answer_ids]]))
    hook.remove()
    expected = torch.stack([values.abs().mean(0) for values in found]).norm(dim=0)
    torch.testing.assert_close(neuron_importance(model, examples, 7)[1], expected, atol=1e-6, rtol=1e-5, check_dtype=False)


def test_channel_importance_sums_the_norms_of_every_norm(examples: list[Example]) -> None:
    model = small()
    found: dict[str, list[torch.Tensor]] = {}
    hooks = [
        module.register_forward_hook(lambda module, given, made, name=name: found.setdefault(name, []).append(made[0]))
        for name, module in model.named_modules()
        if name.endswith("norm")
    ]
    with torch.no_grad():
        for example in examples[:5]:
            model(torch.tensor([[*example.prompt_ids, *example.answer_ids]]))
    for hook in hooks:
        hook.remove()
    assert len(found) == 2 * LAYERS + 1
    expected = sum(torch.stack([values.abs().mean(0) for values in rows]).norm(dim=0) for rows in found.values())
    torch.testing.assert_close(channel_importance(model, examples, 5), expected, atol=1e-6, rtol=1e-5, check_dtype=False)


@pytest.mark.parametrize("tied", [False, True])
def test_a_pruned_checkpoint_opens_again_with_equal_logits(
    examples: list[Example], tmp_path: Path, opened: Callable[[Path], Any], tied: bool
) -> None:
    model = small(tied=tied)
    narrow = prune_width(model, examples, 99, intermediate_size=13, num_kv_heads=2, hidden_size=40)
    config = narrow.config
    assert (config.intermediate_size, config.num_attention_heads, config.num_key_value_heads, config.hidden_size) == (13, 4, 2, 40)
    assert config.head_dim == DIM
    narrow.save_pretrained(tmp_path)
    again = opened(tmp_path)
    assert again.config.head_dim == DIM
    torch.testing.assert_close(logits(again), logits(narrow), atol=1e-6, rtol=1e-6)
    embedding, head = again.get_input_embeddings().weight, again.get_output_embeddings().weight
    assert (embedding.data_ptr() == head.data_ptr()) == tied
    attention = 40 * 4 * DIM * 2 + 40 * 2 * DIM * 2 + (4 + 2 + 2) * DIM + 40
    mlp = 3 * 40 * 13 + 2 * 13 + 40
    expected = (1 if tied else 2) * 400 * 40 + LAYERS * (attention + mlp + 2 * 40) + 40
    assert again.num_parameters() == expected


def test_no_more_than_a_third_goes_at_once_and_each_cut_is_measured_anew(examples: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    from seodang.distill.students import prune_width as module

    log: list[tuple[str, int]] = []
    for name in ("neuron_importance", "group_importance", "channel_importance"):
        original = getattr(module, name)

        def measured(model: Any, *rest: Any, name: str = name, original: Any = original) -> Any:
            config = model.config
            log.append((name, {"n": config.intermediate_size, "g": config.num_key_value_heads, "c": config.hidden_size}[name[0]]))
            return original(model, *rest)

        monkeypatch.setattr(module, name, measured)
    prune_width(small(), examples, 8, intermediate_size=8, num_kv_heads=1, hidden_size=40)
    assert log == [
        *(("neuron_importance", size) for size in (30, 20, 14, 10)),
        *(("group_importance", size) for size in (3, 2)),
        ("channel_importance", 48),
    ]


@pytest.mark.parametrize(
    ("axis", "size", "count", "keep", "beaten"),
    [("neurons", "intermediate_size", 192, 128, 9), ("groups", "num_kv_heads", 4, 3, 5), ("channels", "hidden_size", 64, 44, 9)],
)
def test_importance_beats_chance(
    axis: str, size: str, count: int, keep: int, beaten: int, learned: Any, chained: list[Example], distance: Callable[[Any], float]
) -> None:
    """On a model that has learned something, one cut by importance is nearer to it than `beaten` of nine that are cut by chance.

    Of so few groups a draw is often the best choice itself.
    """
    draw = torch.Generator().manual_seed(0)

    def chance() -> Any:
        places: Any = [torch.randperm(count, generator=draw)[:keep].sort().values for _ in range(3)]
        return cut(learned, Kept(**{axis: places[0] if axis == "channels" else places}))

    ours = distance(prune_width(learned, chained, 512, **{size: keep}))
    assert ours > 0
    assert sum(distance(chance()) > ours for _ in range(9)) >= beaten


@pytest.mark.parametrize("size", ["hidden_size", "num_kv_heads", "intermediate_size"])
def test_an_architecture_of_another_kind_is_refused(
    tiny_axk1_dir: Path, examples: list[Example], opened: Callable[[Path], Any], size: str
) -> None:
    with pytest.raises(ModelError, match="width of a axk1 model cannot be pruned") as caught:
        prune_width(opened(tiny_axk1_dir), examples, 8, **{size: 1})
    assert "depth_prune" in caught.value.render()


def test_norms_with_a_shifted_weight_are_refused_for_channels_only(examples: list[Example]) -> None:
    from transformers import GemmaConfig, GemmaForCausalLM

    sizes: dict[str, Any] = {"vocab_size": 400, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "head_dim": 8}
    model: Any = GemmaForCausalLM(GemmaConfig(**sizes, num_attention_heads=4, num_key_value_heads=2)).eval()
    with pytest.raises(ModelError, match="root mean square"):
        prune_width(copy.deepcopy(model), examples, 8, hidden_size=16)
    assert prune_width(model, examples, 8, intermediate_size=40).config.intermediate_size == 40
