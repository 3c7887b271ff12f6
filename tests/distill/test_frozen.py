"""What is kept of frozen blocks does not depend on what was asked for first, as a resumed run asks for it elsewhere."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from seodang.distill.frozen import FrozenBlocks
from seodang.distill.packing import Example, common_prefix
from seodang.distill.read_pack import prepare


def test_states_are_bit_equal_in_any_order(tiny_model_dir: Path, examples: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a rounding, made large, that depends on what is read together."""
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model_dir, dtype=torch.float32)
    prepare(model)
    exactly = FrozenBlocks._read
    monkeypatch.setattr(FrozenBlocks, "_read", lambda self, read: exactly(self, read) + int(read[0].record[1:]))
    packs = [examples[place : place + 4] for place in range(0, len(examples), 4)]
    found: list[dict[int, torch.Tensor]] = []
    for order in (range(len(packs)), reversed(range(len(packs)))):
        blocks = FrozenBlocks(model, examples, common_prefix(examples), 1)
        found.append({place: blocks.states(packs[place]) for place in order})
    for place in range(len(packs)):
        assert torch.equal(found[0][place], found[1][place])


def test_an_answer_that_is_not_among_the_examples_is_read_alone(tiny_model_dir: Path, examples: list[Example]) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model_dir, dtype=torch.float32)
    prepare(model)
    prefix = common_prefix(examples)
    blocks, others = FrozenBlocks(model, examples, prefix, 1), FrozenBlocks(model, examples[4:], prefix, 1)
    torch.testing.assert_close(others.states(examples[:4]), blocks.states(examples[:4]), atol=1e-5, rtol=1e-4)
