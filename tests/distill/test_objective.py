"""Examples of one pack may be weighed differently: the loss is then the sum of what each example alone adds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from seodang.distill.losses import forward_kl
from seodang.distill.losses.target import Dense
from seodang.distill.objective import Objective
from seodang.distill.packing import Example, build_pack, common_prefix
from seodang.distill.read_pack import prepare

WEIGHTS = (0.0, 0.3, 1.0, None)  # None: the objective's own


@pytest.fixture
def model(tiny_model_dir: Path) -> Any:
    torch.manual_seed(0)
    found: Any = AutoModelForCausalLM.from_pretrained(tiny_model_dir, dtype=torch.float32)
    prepare(found)
    return found


@pytest.fixture
def weighed(examples: list[Example], model: Any) -> list[Example]:
    """Eight examples with whole distributions as targets, which are known at every temperature."""
    width, draw = model.config.vocab_size, torch.Generator().manual_seed(3)
    return [
        replace(example, weight=WEIGHTS[place % 4], target=Dense(torch.randn(len(example.answer_ids), width, generator=draw)))
        for place, example in enumerate(examples[:8])
    ]


@pytest.mark.parametrize("by_logits", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("apart", [False, True])
def test_a_pack_is_the_sum_of_its_examples(model: Any, weighed: list[Example], by_logits: bool, temperature: float, apart: bool) -> None:
    prefix = common_prefix(weighed)
    divergence = forward_kl.divergence(temperature)
    num_tokens = sum(len(example.answer_ids) for example in weighed)

    def gradients(loss: torch.Tensor) -> list[torch.Tensor]:
        return list(torch.autograd.grad(loss, list(model.parameters())))

    objective = Objective(model, divergence, 0.6, by_logits=by_logits)
    found = objective(build_pack(weighed, prefix), weighed, num_tokens, apart=apart)
    parts = []
    for example in weighed:
        alone = replace(example, weight=None)
        weight = 0.6 if example.weight is None else example.weight
        parts.append(Objective(model, divergence, weight)(build_pack([alone], prefix), [alone], num_tokens, apart=True))
    wanted = torch.stack([part["loss"] for part in parts]).sum()
    assert found["loss"].item() == pytest.approx(wanted.item(), rel=1e-5)
    for ours, theirs in zip(gradients(found["loss"]), gradients(wanted), strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-6, rtol=1e-3)
    if apart:
        for name in ("divergence", "cross_entropy"):
            told = sum(part[name].item() for part in parts if name in part)
            assert found[name].item() == pytest.approx(told, rel=1e-5)


def test_equal_weights_are_one_weight(model: Any, weighed: list[Example]) -> None:
    """An example that names the objective's own weight changes nothing, to the bit."""
    prefix, plain = common_prefix(weighed), [replace(example, weight=None) for example in weighed]
    named = [replace(example, weight=0.6) for example in weighed]
    losses = [Objective(model, forward_kl.divergence(), 0.6)(build_pack(rows, prefix), rows, 30)["loss"].item() for rows in (plain, named)]
    assert losses[0] == losses[1]
