"""Cross-entropy is that of PyTorch on every path, and on a teacher's own text it is sequence-level distillation."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles.plain import distance
from oracles.targets import logits
from seodang.distill.losses import fused
from seodang.distill.losses.cross_entropy import cross_entropy
from seodang.distill.losses.forward_kl import forward_kl
from seodang.distill.losses.sequence_kd import sequence_kd
from seodang.distill.losses.target import Dense

SIZE = 13


@pytest.mark.parametrize("loss", [cross_entropy, sequence_kd, fused.cross_entropy], ids=["logits", "sequence", "fused"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)], ids=["float64", "float32"])
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.floats(0.5, 4), st.sampled_from([None, 2.5]))
def test_value_and_gradient_are_those_of_pytorch(
    loss: object, dtype: torch.dtype, tolerance: float, seed: int, rows: int, temperature: float, num_tokens: float | None
) -> None:
    hidden, head = logits(seed, rows, 5, 1.0, dtype), logits(seed + 1, SIZE, 5, 1.0, dtype)
    draw = torch.Generator().manual_seed(seed)
    tokens, mask = torch.randint(SIZE, (rows,), generator=draw), torch.rand(rows, generator=draw) < 0.7
    mask[seed % rows] = True
    exact = [x.double().requires_grad_() for x in (hidden, head)]
    labels = torch.where(mask, tokens, -100)
    wanted = F.cross_entropy(exact[0] @ exact[1].T / temperature, labels, reduction="sum") / (num_tokens or mask.sum())
    hidden.requires_grad_()
    head.requires_grad_()
    if loss is fused.cross_entropy:
        found = fused.cross_entropy(hidden, head, tokens, mask, temperature=temperature, num_tokens=num_tokens)
    else:
        on_logits = sequence_kd if loss is sequence_kd else cross_entropy
        found = on_logits(hidden @ head.T, tokens, mask, temperature=temperature, num_tokens=num_tokens)
    assert found.item() == pytest.approx(wanted.item(), rel=tolerance)
    for grad, expected in zip(*(torch.autograd.grad(x, y) for x, y in ((found, [hidden, head]), (wanted, exact))), strict=True):
        assert distance(grad, expected) < 3 * tolerance


def test_text_of_the_teacher_teaches_its_distribution_on_average() -> None:
    """Sequence-level distillation of many draws is the forward divergence plus the teacher's entropy, which no student changes."""
    student, teacher = logits(1, 1, SIZE), logits(2, 1, SIZE)
    p = torch.softmax(teacher, -1)
    drawn = torch.multinomial(p[0], 40_000, replacement=True, generator=torch.Generator().manual_seed(0))
    every = torch.ones(40_000, dtype=torch.bool)
    leaf = student.clone().requires_grad_()
    each = -torch.log_softmax(student, -1)[0, drawn]
    found = sequence_kd(leaf.expand(40_000, -1), drawn, every)
    divergence = forward_kl(leaf, Dense(teacher), every[:1])
    expected = divergence.item() + torch.distributions.Categorical(probs=p).entropy().item()
    assert abs(found.item() - expected) < 4 * each.std().item() / 200
    by_text, by_teacher = (torch.autograd.grad(x, leaf)[0] for x in (found, divergence))
    assert ((by_text - by_teacher).abs() < 4 * (p * (1 - p) / 40_000).sqrt()).all()
