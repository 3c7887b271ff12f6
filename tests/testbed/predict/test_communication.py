"""Collectives: bytes over links, latencies, fast domains."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.testbed.predict.communication import Kind, Network, collective_s
from seodang.testbed.predict.parameters import prior

KINDS: tuple[Kind, ...] = ("all_reduce", "all_gather", "reduce_scatter", "all_to_all_dispatch", "all_to_all_combine", "send")
NODE = Network(domain=8, in_bytes_s=200e9, out_bytes_s=50e9)
# No latency, every byte at the described bandwidth.
IDEAL = dataclasses.replace(prior(), launch_s=1e-12, reduce_s=1e-12, exchange_s=1e-12, hop_s=1e-12, link_in=1, link_out=1)


@given(st.sampled_from(KINDS), st.floats(1, 1e9), st.sampled_from([2, 4, 8, 16, 32, 64, 128]))
def test_more_bytes_and_a_slower_link_take_longer(kind: Kind, num_bytes: float, participants: int) -> None:
    time = collective_s(kind, num_bytes, participants, NODE, prior())
    assert collective_s(kind, 2 * num_bytes, participants, NODE, prior()) > time > 0
    slower = Network(8, 100e9, 25e9)
    assert collective_s(kind, num_bytes, participants, slower, prior()) > time


@pytest.mark.parametrize("kind", KINDS)
def test_one_device_needs_no_collective(kind: Kind) -> None:
    assert collective_s(kind, 1e6, 1, NODE, prior()) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_bytes", [1e3, 1e6, 1e9])
def test_leaving_the_fast_domain_costs(kind: Kind, num_bytes: float) -> None:
    wide = Network(domain=64, in_bytes_s=200e9, out_bytes_s=50e9)
    assert collective_s(kind, num_bytes, 16, NODE, prior()) > collective_s(kind, num_bytes, 16, wide, prior())


def test_a_ring_of_all_reduces_moves_two_times_the_vector_less_one_share() -> None:
    """Patarasuk and Yuan 2009: 2 (n - 1) / n of the vector passes each link."""
    assert collective_s("all_reduce", 8e9, 8, NODE, IDEAL) == pytest.approx(2 * 7 / 8 * 8e9 / 200e9)


def test_an_all_to_all_sends_to_others_only() -> None:
    assert collective_s("all_to_all_dispatch", 8e9, 8, NODE, IDEAL) == pytest.approx(7 / 8 * 8e9 / 200e9)
    assert collective_s("all_to_all_dispatch", 8e9, 16, NODE, IDEAL) == pytest.approx(7 / 16 * 8e9 / 200e9 + 1 / 2 * 8e9 / 50e9)


def test_a_shorter_latency_never_makes_a_time_negative() -> None:
    quick = Network(8, 200e9, 50e9, extra_s=-1.0)
    assert collective_s("all_reduce", 1.0, 8, quick, prior()) > 0
