"""Universal logit distillation against NumPy, and what it cannot see."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from seodang.distill.align.chunks import Chunks
from seodang.distill.align.uld import uld
from seodang.distill.losses.target import Dense

CHUNKS = Chunks(torch.tensor([[0, 2], [2, 3], [3, 5]]), torch.tensor([[1, 2], [2, 4], [4, 5]]), torch.tensor([True, True, False]), 5, 5)


def logits(seed: int, width_t: int, width_s: int) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(5, width_t, generator=draw) * 3, torch.randn(5, width_s, generator=draw) * 3


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(2, 12))
def test_it_is_the_distance_of_sorted_probabilities_where_chunks_begin(seed: int, width_t: int, width_s: int) -> None:
    teacher, student = logits(seed, width_t, width_s)
    expected = 0.0
    for row_t, row_s in ((0, 1), (2, 2), (3, 4)):
        p, q = (np.sort(softmax(x.double().numpy()))[::-1] for x in (teacher[row_t], student[row_s]))
        width = max(len(p), len(q))
        expected += np.abs(np.pad(p, (0, width - len(p))) - np.pad(q, (0, width - len(q)))).sum() / 3
    found = uld(student, Dense(teacher), CHUNKS)
    assert found.item() == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert found.item() <= 2


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_its_gradient_passes_a_numerical_check(seed: int) -> None:
    teacher, student = logits(seed, 7, 5)
    values = student.double().requires_grad_()
    torch.autograd.gradcheck(lambda x: uld(x, Dense(teacher.double()), CHUNKS), (values,))


def test_a_vocabulary_with_more_impossible_tokens_is_no_farther() -> None:
    """Zeros are probabilities: tokens that a side gives nothing change nothing."""
    teacher, student = logits(1, 6, 6)
    wider = torch.cat([teacher, torch.full((5, 3), float("-inf"))], -1)
    assert uld(student, Dense(wider), CHUNKS).item() == pytest.approx(uld(student, Dense(teacher), CHUNKS).item(), rel=1e-6)


def test_it_does_not_see_which_token_is_meant() -> None:
    teacher, _ = logits(2, 6, 6)
    student = torch.zeros(5, 6)
    student[[1, 2, 4]] = teacher[[0, 2, 3]].flip(-1)
    assert uld(student, Dense(teacher), CHUNKS).item() == pytest.approx(0, abs=1e-6)


def test_only_chunks_of_the_mask_count_and_the_sum_is_divided_as_told() -> None:
    teacher, student = logits(3, 8, 6)
    mask = torch.tensor([True, False, True])
    parts = [uld(student, Dense(teacher), CHUNKS, part, num_chunks=3.0).item() for part in (mask, ~mask)]
    assert sum(parts) == pytest.approx(uld(student, Dense(teacher), CHUNKS).item(), rel=1e-6)
    with pytest.raises(ValueError, match="no position counts"):
        uld(student, Dense(teacher), CHUNKS, torch.zeros(3, dtype=torch.bool))
    with pytest.raises(ValueError, match="rows of logits"):
        uld(student[1:], Dense(teacher), CHUNKS)
