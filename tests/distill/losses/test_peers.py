"""Value and gradient in float32 are those of TRL, Liger and torchtune, on random shapes, masks and temperatures.

All of them only divide logits by the temperature, so what they give is multiplied by its square. TRL and Liger compute in float64 here, for
their float32 strays too: at temperature 0.5 and 5,000 tokens TRL's divergence with beta 0.1 is 3e-5 off its own float64.
"""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oracles import peers
from oracles.plain import distance
from oracles.targets import logits
from seodang.distill.losses import fused
from seodang.distill.losses.forward_kl import forward_kl
from seodang.distill.losses.generalized_jsd import generalized_jsd
from seodang.distill.losses.reverse_kl import reverse_kl
from seodang.distill.losses.target import Dense, Hidden, Sparse

TOLERANCE = 1e-5
ROWS = st.integers(1, 48)
VOCABULARIES = st.sampled_from([2, 17, 512, 2049, 5000])  # a divergence looks at 2,048 columns at a time
TEMPERATURES = st.sampled_from([0.5, 1.0, 2.0, 5.0])
SEEDS = st.integers(0, 10_000)


def masked(rows: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A mask with at least one position, and labels that are -100 elsewhere."""
    draw = torch.Generator().manual_seed(seed)
    mask = torch.rand(rows, generator=draw) < 0.7
    mask[int(torch.randint(rows, (1,), generator=draw))] = True
    return mask, torch.where(mask, 1, -100)


def agree(found: tuple[torch.Tensor, ...], wanted: tuple[torch.Tensor, ...], temperature: float) -> bool:
    """Value and derivatives. A value is a sum of terms near 0.1 that float32 knows to 6e-8, times the temperature's square."""
    values = distance(found[0], wanted[0], shortest=0.1 * temperature**2) < TOLERANCE
    return values and all(distance(a, b) < TOLERANCE for a, b in zip(found[1:], wanted[1:], strict=True))


def graded(loss: torch.Tensor, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The value, and its derivatives by the inputs."""
    return (loss.detach(), *torch.autograd.grad(loss, inputs))


@pytest.mark.parametrize("beta", [0.0, 0.1, 0.5, 0.9, 1.0])
@settings(max_examples=8, deadline=None)
@given(ROWS, VOCABULARIES, TEMPERATURES, SEEDS)
def test_every_beta_is_that_of_trl(beta: float, rows: int, size: int, temperature: float, seed: int) -> None:
    student, teacher = (logits(seed + side, rows, size, 2.0, torch.float32) for side in (0, 1))
    mask, labels = masked(rows, seed)
    exact = student.double().requires_grad_()
    oracle = temperature**2 * peers.trl_jsd()(exact, teacher.double(), labels, beta=beta, temperature=temperature)
    expected = graded(oracle, exact)
    student.requires_grad_()
    loss = generalized_jsd(student, Dense(teacher), mask, temperature=temperature, beta=beta)
    assert agree(graded(loss, student), expected, temperature)


@settings(max_examples=8, deadline=None)
@given(ROWS, VOCABULARIES, TEMPERATURES, SEEDS)
@example(1, 2049, 0.5, 5)  # sums in float32 over a head as long as this are 4e-5 off
def test_a_sparse_target_with_everything_kept_is_that_of_trl(rows: int, size: int, temperature: float, seed: int) -> None:
    student, teacher = (logits(seed + side, rows, size, 2.0, torch.float32) for side in (0, 1))
    mask, labels = masked(rows, seed)
    exact = student.double().requires_grad_()
    student.requires_grad_()
    order = torch.stack([torch.randperm(size, generator=torch.Generator().manual_seed(seed + t)) for t in range(rows)])
    target = Sparse(order.flatten(), torch.log_softmax(teacher, -1).gather(1, order).flatten(), torch.arange(rows + 1) * size)
    stored = torch.empty(rows, size, dtype=torch.float64).scatter_(1, order, target.logprobs.double().view(rows, size))
    for beta, ours in ((0.0, forward_kl), (1.0, reverse_kl), (0.5, generalized_jsd)):
        oracle = temperature**2 * peers.trl_jsd()(exact, stored, labels, beta=beta, temperature=temperature)
        loss = ours(student, target, mask, temperature=temperature)
        assert agree(graded(loss, student), graded(oracle, exact), temperature)


@pytest.mark.parametrize("beta", [0.0, 0.1, 0.5, 1.0])
@settings(max_examples=6, deadline=None)
@given(ROWS, VOCABULARIES, TEMPERATURES, SEEDS, st.integers(8, 24))
def test_the_fused_path_is_that_of_liger(beta: float, rows: int, size: int, temperature: float, seed: int, width: int) -> None:
    """Student and teacher have hidden states of their own widths; the derivatives are those by hidden states and by the head."""
    hidden, head = logits(seed, rows, width, 1.0, torch.float32), logits(seed + 1, size, width, 1.0, torch.float32)
    teacher = Hidden(logits(seed + 2, rows, width + 3, 1.0, torch.float32), logits(seed + 3, size, width + 3, 1.0, torch.float32))
    mask, labels = masked(rows, seed)
    exact = [x.double().requires_grad_() for x in (hidden, head)]
    oracle = temperature**2 * peers.liger_jsd(beta, temperature)(*exact, teacher.hidden.double(), teacher.head.double(), labels)
    expected = graded(oracle, *exact)
    hidden.requires_grad_()
    head.requires_grad_()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(fused._CHUNK_BYTES, "cpu", 5 * 8 * size)  # five positions at a time
        loss = fused.generalized_jsd(hidden, head, teacher, mask, temperature=temperature, beta=beta)
    assert agree(graded(loss, hidden, head), expected, temperature)


@pytest.mark.parametrize("path", ["logits", "fused"])
@settings(max_examples=8, deadline=None)
@given(ROWS, VOCABULARIES, TEMPERATURES, SEEDS)
def test_forward_kl_is_that_of_torchtune_less_the_teachers_entropy(path: str, rows: int, size: int, temperature: float, seed: int) -> None:
    """torchtune knows no temperature: both sides' logits are divided before it sees them."""
    hidden, head = logits(seed, rows, 9, 1.0, torch.float32), logits(seed + 1, size, 9, 1.0, torch.float32)
    teacher = logits(seed + 2, rows, size, 2.0, torch.float32)
    mask, labels = masked(rows, seed)
    hidden.requires_grad_()
    entropy = torch.distributions.Categorical(logits=teacher / temperature).entropy()[mask].mean()
    oracle = peers.torchtune_cross_entropy()(hidden @ head.T / temperature, teacher / temperature, labels) - entropy
    expected = graded(temperature**2 * oracle, hidden)
    if path == "fused":
        loss = fused.forward_kl(hidden, head, Dense(teacher), mask, temperature=temperature)
    else:
        loss = forward_kl(hidden @ head.T, Dense(teacher), mask, temperature=temperature)
    assert agree(graded(loss, hidden), expected, temperature)
