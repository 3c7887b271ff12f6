"""OMP_NUM_THREADS limits every part that sets its own number of threads."""

import os

import pytest

from seodang.core.processors import num_threads
from seodang.distill.parallel import Team


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))


@pytest.mark.parametrize(("told", "expected"), [("3", 3), ("1", 1), ("64", 8), ("", 8), ("0", 8), ("many", 8)])
def test_the_variable_lowers_the_number_of_cores_and_never_raises_it(monkeypatch: pytest.MonkeyPatch, told: str, expected: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert num_threads() == expected


def test_a_training_alone_heeds_it_and_a_team_shares_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchrun sets it to 1 by itself where a machine has several processes, so that it says nothing there."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert Team().num_threads == 1
    assert Team(rank=1, size=2, num_local=2).num_threads == 4


def test_a_model_is_run_on_as_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from seodang.models.local import use_threads

    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    use_threads()
    use_threads(5)
    assert asked == [2, 5]
