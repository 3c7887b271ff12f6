"""Experts hit and the fullest rank, against simulated choices."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from seodang.core.errors import InputError
from seodang.testbed.workloads.routing import Routing, chosen, experts_hit, fullest_rank, parse_routing, read_routing

SKEWED = [Routing(), Routing("zipf", 0.5), Routing("zipf", 1.0)]


def simulated(routing: Routing, experts: int, top_k: int, tokens: int, ranks: int, runs: int) -> tuple[float, float]:
    """Mean distinct experts, and mean rows of the fullest rank over the mean: draws without replacement by Gumbel noise."""
    random = np.random.default_rng(7)
    log_weights = -routing.exponent * np.log(np.arange(1, experts + 1))
    hits: list[int] = []
    largest: list[float] = []
    for _ in range(runs):
        keys = log_weights + random.gumbel(size=(tokens, experts))
        counts = np.bincount(np.argpartition(-keys, top_k - 1, axis=1)[:, :top_k].ravel(), minlength=experts)
        hits.append(int((counts > 0).sum()))
        largest.append(counts.reshape(-1, ranks).sum(axis=0).max() * ranks / (tokens * top_k))
    return float(np.mean(hits)), float(np.mean(largest))


@pytest.mark.parametrize("routing", SKEWED)
@pytest.mark.parametrize(("experts", "top_k"), [(192, 8), (128, 4)])
@pytest.mark.parametrize("tokens", [4, 16, 64, 512])
def test_hits_and_the_fullest_rank_as_simulated(routing: Routing, experts: int, top_k: int, tokens: int) -> None:
    """Hits to 2 %. The fullest of 32 ranks to 6 % from 16 tokens on, and to 15 % below."""
    hit, largest = simulated(routing, experts, top_k, tokens, ranks=32, runs=150)
    assert experts_hit(routing, experts, top_k, tokens) == pytest.approx(hit, rel=0.02)
    assert fullest_rank(routing, experts, top_k, tokens, 32) == pytest.approx(largest, rel=0.06 if tokens >= 16 else 0.15)


def test_uniform_hits_are_the_formula() -> None:
    for tokens in (0, 1, 7, 1000):
        assert experts_hit(Routing(), 192, 8, tokens) == pytest.approx(192 * (1 - (1 - 8 / 192) ** tokens))
    assert experts_hit(Routing(), 4, 4, 3) == 4


def test_chances_sum_to_the_choices_of_a_token_and_skew_hits_fewer() -> None:
    for exponent in (0.0, 0.5, 1.0, 2.0, 4.0):
        p_LE = chosen(Routing("zipf", exponent), 192, 8)
        assert p_LE.sum() == pytest.approx(8)
        assert p_LE.min() >= 0
        assert p_LE.max() <= 1
    hits = [experts_hit(Routing("zipf", exponent), 192, 8, 64) for exponent in (0.0, 0.5, 1.0, 2.0)]
    assert hits == sorted(hits, reverse=True)
    assert hits[0] == pytest.approx(experts_hit(Routing(), 192, 8, 64), rel=2e-3)


def test_many_tokens_level_uniform_ranks_and_leave_skewed_ones() -> None:
    assert fullest_rank(Routing(), 192, 8, 1e6, 32) == pytest.approx(1, abs=0.01)
    p_LE = chosen(Routing("zipf", 1.0), 192, 8)
    top = p_LE.reshape(-1, 32).sum(axis=0).max() / (8 / 32)
    assert fullest_rank(Routing("zipf", 1.0), 192, 8, 1e6, 32) == pytest.approx(top, rel=0.01)
    assert fullest_rank(Routing(), 192, 8, 64, 1) == 1


def test_a_recorded_histogram_is_read_and_used(tmp_path: Path) -> None:
    path = tmp_path / "routing.json"
    path.write_text(json.dumps([[30, 30, 20, 20], [10, 40, 40, 10]]), encoding="utf-8")
    routing = parse_routing(str(path))
    np.testing.assert_allclose(chosen(routing, 4, 2), [[0.6, 0.6, 0.4, 0.4], [0.2, 0.8, 0.8, 0.2]])
    expected = np.mean([sum(1 - (1 - p) ** 3 for p in row) for row in ([0.6, 0.6, 0.4, 0.4], [0.2, 0.8, 0.8, 0.2])])
    assert experts_hit(routing, 4, 2, 3) == pytest.approx(expected)
    assert fullest_rank(routing, 4, 2, 1e7, 2) == pytest.approx((1.2 + 1.0) / 2, rel=0.01)  # neighbours share a rank


@pytest.mark.parametrize("text", ["{}", "[]", "[1, -2]", "[[1, 2], [3]]", "[0, 0]", "[1.5]", "not json"])
def test_a_file_that_is_no_histogram_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "routing.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"histogram"):
        read_routing(path)


def test_a_histogram_of_another_model_or_with_impossible_counts_is_refused() -> None:
    with pytest.raises(InputError, match="2 experts for a model with 192"):
        experts_hit(Routing("recorded", histogram=((1, 1),)), 192, 8, 4)
    with pytest.raises(InputError, match="more than one of 2 choices"):
        experts_hit(Routing("recorded", histogram=((8, 1, 1),)), 3, 2, 4)


@pytest.mark.parametrize("text", ["zipf", "zipf:x", "zipf:-1", "zipf:nan", "zipf:9", "skewed", "uniform:1", "no/such/file.json"])
def test_a_routing_that_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_routing(text)


def test_zipf_is_read_with_its_exponent() -> None:
    assert math.isclose(parse_routing("zipf:0.8").exponent, 0.8)
