"""What is decoded is a distribution, or is one in expectation, and is as near to the teacher's as its codec says."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from seodang.core.errors import ModelError
from seodang.distill.align.target import Likelihoods
from seodang.distill.losses.forward_kl import forward_kl
from seodang.distill.losses.target import Dense, Hidden, Sampled, Sparse, Target
from seodang.distill.section import TargetsSection
from seodang.distill.targets.certificate import dense
from seodang.distill.targets.codecs import top_k
from seodang.distill.targets.codecs.codec import join, open_codec

LARGE = 163_840
FORMATS = ["nucleus", "top_k", "sampled", "head_and_sampled"]


def logprobs(length: int, size: int, spread: float, seed: int) -> torch.Tensor:
    """Log-probabilities (T, V) of random logits; a larger spread makes surer positions."""
    draw = torch.Generator().manual_seed(seed)
    scale_T1 = spread * torch.rand(length, 1, generator=draw)
    return torch.log_softmax(torch.randn(length, size, generator=draw) * scale_T1, -1)


def stored(name: str, logprobs_TV: torch.Tensor, seed: int = 0, **changes: Any) -> Target:
    codec, options = open_codec(name), TargetsSection.model_validate({"codec": name, **changes}).model_dump()
    target = codec.decode(codec.pack(codec.encode(logprobs_TV, options, seed)), options, None)
    assert not isinstance(target, Likelihoods)
    return target


def num_bytes(name: str, logprobs_TV: torch.Tensor, **changes: Any) -> float:
    codec, options = open_codec(name), TargetsSection.model_validate({"codec": name, **changes}).model_dump()
    return sum(part.nbytes for part in codec.pack(codec.encode(logprobs_TV, options, 0)).values()) / len(logprobs_TV)


@given(
    name=st.sampled_from(FORMATS),
    size=st.sampled_from([2, 3, 17, 400, 5000]),
    length=st.integers(1, 9),
    spread=st.sampled_from([0.0, 0.1, 3.0, 30.0, 300.0]),
    price=st.sampled_from([1e-6, 1e-5, 3e-4, 1e-2, 0.05]),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=200, deadline=None)
def test_what_is_decoded_is_a_distribution(name: str, size: int, length: int, spread: float, price: float, seed: int) -> None:
    """Also at float32: kept probabilities never sum above 1, ids differ and are in the vocabulary."""
    target = stored(name, logprobs(length, size, spread, seed), seed, nats_per_byte=price, draws=7, head_probability=0.1)
    assert isinstance(target, Sparse | Sampled)
    assert len(target.offsets) == length + 1
    kept = target.logprobs.double().exp() if isinstance(target, Sparse) else target.weights.double()
    sums_T = torch.zeros(length, dtype=torch.float64).index_add(0, target.rows, kept)
    if isinstance(target, Sparse):
        assert sums_T.max() <= 1.0
        assert torch.isfinite(target.logprobs).all()
    else:
        torch.testing.assert_close(sums_T, torch.ones_like(sums_T), atol=2e-6, rtol=0)
    assert target.ids.numel() == 0 or 0 <= int(target.ids.min()) <= int(target.ids.max()) < size
    assert len(set(zip(target.rows.tolist(), target.ids.tolist(), strict=True))) == len(target.ids)


@pytest.mark.parametrize("name", FORMATS)
def test_a_certain_teacher_with_impossible_tokens_is_kept(name: str) -> None:
    """Log-probabilities of minus infinity, as a vocabulary's padding has, and one token with all the mass."""
    logits_TV = torch.full((3, 50), float("-inf"))
    logits_TV[:, 7], logits_TV[1, 8], logits_TV[2, 9] = 0.0, 0.0, -40.0
    probabilities_TV = dense(stored(name, torch.log_softmax(logits_TV, -1)), 50)
    assert torch.isfinite(probabilities_TV).all()
    torch.testing.assert_close(probabilities_TV[:, 7], torch.tensor([1.0, 0.5, 1.0], dtype=torch.float64), atol=0.15, rtol=0)
    assert probabilities_TV[0, 7] > 0.99


def test_a_vocabulary_beyond_131072_is_kept() -> None:
    logprobs_TV = logprobs(6, LARGE, 9.0, 3)
    logprobs_TV = torch.log_softmax(logprobs_TV + 20 * torch.nn.functional.one_hot(torch.full((6,), LARGE - 1), LARGE), -1)
    for name in FORMATS:
        target = stored(name, logprobs_TV)
        assert isinstance(target, Sparse | Sampled)
        assert int(target.ids.max()) == LARGE - 1


def test_a_lower_price_buys_a_nearer_distribution() -> None:
    """And KL(full || stored), computed by scipy, is what the price promises: it falls as bytes rise, at about the price asked for."""
    logprobs_TV = logprobs(40, 5000, 6.0, 1)
    found = [
        (num_bytes("nucleus", logprobs_TV, nats_per_byte=price), kl_of(stored("nucleus", logprobs_TV, nats_per_byte=price), logprobs_TV))
        for price in (1e-5, 1e-4, 1e-3, 1e-2)
    ]
    sizes, divergences = zip(*found, strict=True)
    assert sorted(sizes, reverse=True) == list(sizes)
    assert sorted(divergences) == list(divergences)
    assert divergences[0] < 0.01
    for (more, near), (less, far), price in zip(found, found[1:], (1e-4, 1e-3, 1e-2), strict=False):
        assert price / 10 < (far - near) / (more - less) < price * 2


def kl_of(target: Target, logprobs_TV: torch.Tensor) -> float:
    """The mean over positions by scipy."""
    return float(np.mean(entropy(logprobs_TV.double().exp().numpy(), dense(target, logprobs_TV.shape[-1]).numpy(), axis=-1)))


def test_a_sure_position_takes_fewer_ids_than_an_open_one() -> None:
    target = stored("nucleus", torch.cat([logprobs(1, 3000, 0.0, 0), logprobs(4, 3000, 60.0, 1)]))
    assert isinstance(target, Sparse)
    counts = target.offsets.diff().tolist()
    assert counts[0] == 0  # a flat distribution is its tail
    assert min(counts[1:]) >= 1


def test_top_k_keeps_the_best_values_exactly() -> None:
    logprobs_TV = logprobs(5, 300, 4.0, 2)
    target = stored("top_k", logprobs_TV, top_k=10)
    assert isinstance(target, Sparse)
    best = logprobs_TV.topk(10, -1)
    found = sorted(zip(target.rows.tolist(), target.ids.tolist(), strict=True))
    assert found == sorted((row, int(i)) for row in range(5) for i in best.indices[row])
    torch.testing.assert_close(target.logprobs, logprobs_TV[target.rows, target.ids], atol=2e-6, rtol=0)


def test_a_server_that_gives_more_than_all_the_mass_is_refused() -> None:
    with pytest.raises(ModelError, match=r"probability of 1\.2000 together"):
        top_k.from_lists([[1, 2]], [[math.log(0.7), math.log(0.5)]])
    columns = top_k.from_lists([[1, 2]], [[math.log(0.7), math.log(0.3002)]])
    assert np.exp(columns["values"].astype(np.float64)).sum() <= 1.0


@pytest.mark.parametrize("name", ["sampled", "head_and_sampled"])
def test_sampled_weights_are_unbiased_and_a_head_lowers_their_variance(name: str) -> None:
    """The mean weight of every token over 4,000 positions of one distribution lies within 4 standard errors of its probability."""
    p_V = torch.tensor([0.4, 0.25, 0.15, 0.1, 0.05, 0.03, 0.015, 0.005], dtype=torch.float64)
    length = 4000
    target = stored(name, p_V.log().float().expand(length, -1).contiguous(), seed=11, draws=5, head_probability=0.2)
    assert isinstance(target, Sampled)
    weights_TV = dense(target, 8)
    errors_V = weights_TV.std(0) / length**0.5
    assert ((weights_TV.mean(0) - p_V).abs() <= 4 * errors_V + 1e-6).all()
    expected_V = (p_V * (1 - p_V) / 5).sqrt()  # of the mean of 5 draws
    if name == "sampled":
        torch.testing.assert_close(weights_TV.std(0), expected_V, rtol=0.15, atol=0)
    else:
        assert (weights_TV.std(0)[:2] < 1e-6).all()
        assert (weights_TV.std(0)[2:] < expected_V[2:]).all()
    torch.testing.assert_close(target.logprobs.double(), p_V.log()[target.ids], atol=1 / 2048, rtol=0)


@pytest.mark.parametrize("name", ["sampled", "head_and_sampled"])
def test_the_gradient_on_draws_is_the_full_one_in_expectation(name: str) -> None:
    """Of the forward divergence by a free student's logits, mean over 3,000 draws of a position, within 4 standard errors."""
    teacher_V, student_V = (torch.randn(30, generator=torch.Generator().manual_seed(n)) * 1.5 for n in (1, 2))
    length = 3000
    expanded = torch.log_softmax(teacher_V, -1).expand(length, -1).contiguous()
    student = student_V.expand(length, -1).clone().requires_grad_()
    mask = torch.ones(length, dtype=torch.bool)
    forward_kl(student, stored(name, expanded, seed=5, draws=4), mask, num_tokens=1).backward()
    assert student.grad is not None
    full_V = torch.softmax(student_V, -1) - torch.softmax(teacher_V, -1)
    errors_V = student.grad.std(0) / length**0.5
    assert ((student.grad.mean(0) - full_V).abs() <= 4 * errors_V + 1e-6).all()


@pytest.mark.parametrize("name", FORMATS)
def test_equal_seeds_give_equal_bytes_and_sequences_can_be_joined(name: str) -> None:
    """Decoding two sequences behind one another is decoding each of them."""
    codec, options = open_codec(name), TargetsSection.model_validate({"codec": name}).model_dump()
    parts = [logprobs(4, 500, 5.0, 1), logprobs(7, 500, 5.0, 2)]
    columns = [codec.encode(part, options, 40 + n) for n, part in enumerate(parts)]
    again = codec.encode(parts[1], options, 41)
    assert all(np.array_equal(again[key], columns[1][key]) for key in again)
    both = dense(codec.decode(codec.pack(join(columns)), options, None), 500)
    alone = torch.cat([dense(codec.decode(codec.pack(part), options, None), 500) for part in columns])
    torch.testing.assert_close(both, alone, atol=1e-12, rtol=0)
    if "sampled" in name:
        other = codec.encode(parts[1], options, 42)
        assert not np.array_equal(other["drawn_ids"], again["drawn_ids"])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_hidden_states_give_the_teachers_distribution_back(precision: str) -> None:
    draw = torch.Generator().manual_seed(0)
    hidden_TH, head_VH = torch.randn(6, 16, generator=draw), torch.randn(90, 16, generator=draw)
    codec, options = open_codec("hidden"), {"precision": precision}
    target = codec.decode(codec.pack(codec.encode(hidden_TH.to(getattr(torch, precision)), options, 0)), options, head_VH)
    assert isinstance(target, Hidden)
    assert torch.equal(target.hidden, hidden_TH.to(getattr(torch, precision)))
    tolerance = 1e-5 if precision == "float32" else 0.2
    torch.testing.assert_close(dense(target, 90).log(), torch.log_softmax((hidden_TH @ head_VH.T).double(), -1), atol=tolerance, rtol=0)
    with pytest.raises(ValueError, match="head"):
        codec.decode({"states": hidden_TH.numpy()}, options, None)


def test_full_is_the_reference() -> None:
    logprobs_TV = logprobs(3, 40, 5.0, 0)
    target = stored("full", logprobs_TV)
    assert isinstance(target, Dense)
    assert torch.equal(target.logits, logprobs_TV)
