"""Packed examples are computed as each of them alone."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from seodang.distill import packed_attention
from seodang.distill.align.target import Across
from seodang.distill.losses.target import Sparse, Target
from seodang.distill.packing import Example, build_pack, common_prefix, plan_packs


def test_every_example_in_a_pack_is_read_as_if_alone(examples: list[Example], tiny_model_dir: Path) -> None:
    """The logits that predict an answer are those of a plain forward pass over that example only."""
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model_dir, dtype=torch.float32).eval()
    group = examples[:7]
    pack = build_pack(group, common_prefix(examples))
    packed: Any = AutoModelForCausalLM.from_pretrained(tiny_model_dir, dtype=torch.float32).eval()
    packed.set_attn_implementation(packed_attention.register())
    with torch.no_grad():
        hidden = packed.base_model(input_ids=pack.ids, rows=pack.rows, position_ids=pack.positions, use_cache=False)
        packed_NV = model.get_output_embeddings()(hidden.last_hidden_state[0, pack.predicting])
        alone: list[torch.Tensor] = []
        for example in group:
            ids = torch.tensor([[*example.prompt_ids, *example.answer_ids]])
            alone.append(model(ids).logits[0, len(example.prompt_ids) - 1 : -1])
    torch.testing.assert_close(packed_NV, torch.cat(alone), atol=1e-5, rtol=1e-4)


def test_a_label_is_the_id_that_stands_after_the_predicting_one(examples: list[Example]) -> None:
    pack = build_pack(examples[:5], common_prefix(examples))
    ids = pack.ids[0].tolist()
    place = 0
    for example in examples[:5]:
        whole = [*example.prompt_ids, *example.answer_ids]
        for number, label in enumerate(example.answer_ids):
            where = int(pack.predicting[place])
            assert ids[where] == whole[len(example.prompt_ids) - 1 + number]
            assert int(pack.positions[0, where]) == len(example.prompt_ids) - 1 + number
            assert int(pack.labels[place]) == label
            place += 1
    assert place == len(pack.labels)


def ragged(target: Target | Across | None) -> list[tuple[list[int], list[float]]]:
    """The kept ids and values of each position."""
    assert isinstance(target, Sparse)
    return [(target.ids[a:b].tolist(), target.logprobs[a:b].tolist()) for a, b in pairwise(target.offsets.tolist())]


def test_targets_stand_beside_their_labels(examples: list[Example]) -> None:
    group = examples[:5]
    target = build_pack(group, common_prefix(examples)).target
    assert isinstance(target, Sparse)
    rows = [row for example in group for row in ragged(example.target)]
    assert ragged(target) == rows
    bare = [Example(e.record, e.prompt_ids, e.answer_ids) for e in group]
    assert build_pack(bare, common_prefix(examples)).target is None


def test_the_common_prefix_leaves_an_id_to_every_prompt(examples: list[Example]) -> None:
    assert common_prefix(examples) == tuple(range(10, 22))
    assert common_prefix(examples[:1]) == examples[0].prompt_ids[:-1]


@pytest.mark.parametrize("max_tokens", [20, 64, 1000])
def test_a_plan_uses_every_example_once_and_keeps_to_the_limit(examples: list[Example], max_tokens: int) -> None:
    packs = plan_packs(examples, 12, max_tokens, seed=1)
    assert sorted(index for pack in packs for index in pack) == list(range(len(examples)))
    for pack in packs:
        length = 12 + sum(len(examples[i].prompt_ids) - 12 + len(examples[i].answer_ids) for i in pack)
        assert length <= max_tokens or len(pack) == 1
    assert packs == plan_packs(examples, 12, max_tokens, seed=1)
    assert packs != plan_packs(examples, 12, max_tokens, seed=2)
