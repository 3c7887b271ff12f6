"""Collectives between processes, by sockets, by gloo and on an emulated link, are what NumPy says of what each rank gives."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from oracles.ranks import KINDS, lengths_of, rows_of, run_ranks, values_of
from seodang.backends.contract import BackendError, Communicates, Unsupported
from seodang.backends.description import load_description
from seodang.backends.emulated_group import EmulatedGroup
from seodang.backends.registry import open_backend
from seodang.backends.socket_group import SocketGroup


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("backend", ["reference", "torch_cpu", "emulated:h200_sxm"])
def test_every_collective_gives_what_numpy_gives(backend: str, size: int) -> None:
    with TemporaryDirectory(prefix="sd-") as folder:  # short: the path of a socket may have a hundred letters
        told = run_ranks(backend, size, Path(folder))
    whole = [values_of(rank) for rank in range(size)]
    for rank, seen in enumerate(told):
        np.testing.assert_allclose(seen["all_reduce"], np.sum(whole, 0), rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(seen["all_reduce"], told[0]["all_reduce"])
        np.testing.assert_array_equal(seen["all_gather"], whole)
        for name, count in (("reduce_scatter", 23), ("uneven reduce_scatter", 3 + rank)):
            total = np.sum([values_of(10 * source + rank, count) for source in range(size)], 0)
            np.testing.assert_allclose(seen[name], total, rtol=1e-6, atol=1e-6)
        for kind in KINDS:
            assert len(seen[kind]) == size
            for source, part in enumerate(seen[kind]):
                np.testing.assert_array_equal(part, rows_of(source, rank, lengths_of(size, kind)))
        np.testing.assert_array_equal(seen["ring"], values_of((rank - 1) % size).reshape(1, 23))
        if backend.startswith("emulated"):
            assert seen["clock_s"] == pytest.approx(_virtual_s(rank, size))


def _virtual_s(rank: int, size: int) -> float:
    """What `oracles.ranks.everything` sends, over NVLink's 450 GB/s without a latency."""
    others = size - 1
    floats = (2 * others / size + others + others + 1) * 23
    floats += sum(3 + other for other in range(size) if other != rank)
    floats += sum(3 * lengths_of(size, kind)[rank][other] for kind in KINDS for other in range(size) if other != rank)
    return 4 * floats / 4.5e11


@pytest.mark.parametrize("name", ["reference", "torch_cpu", "emulated"])
def test_a_rank_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    backend = open_backend(name)
    assert isinstance(backend, Communicates)
    with pytest.raises(Unsupported, match="rank 2 of 2"), backend.join(2, 2, tmp_path):
        pass


def test_a_link_that_is_not_described_has_no_clock(tmp_path: Path) -> None:
    device = load_description("h200_sxm").model_copy(update={"links": ()})
    with pytest.raises(Unsupported, match="no link with a bandwidth"):
        EmulatedGroup(0, 2, tmp_path, device)


def test_a_group_of_one_is_a_group(tmp_path: Path) -> None:
    values = values_of(0)
    for name in ("reference", "torch_cpu"):
        backend = open_backend(name)
        assert isinstance(backend, Communicates)
        folder = tmp_path / name[:1]
        folder.mkdir()
        with backend.join(0, 1, folder) as group:
            np.testing.assert_array_equal(group.all_reduce(values), values)
            np.testing.assert_array_equal(group.all_to_all([values])[0], values)
            with pytest.raises(BackendError, match="2 parts for 1 ranks"):
                group.all_to_all([values, values])


def test_a_rank_that_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seodang.backends.socket_group._PATIENCE_S", 0.1)
    with TemporaryDirectory(prefix="sd-") as folder:
        with pytest.raises(BackendError, match="did not all come"), SocketGroup(0, 2, Path(folder)):
            pass
        with pytest.raises(BackendError, match="rank 0 did not come"), SocketGroup(1, 2, Path(folder)):
            pass
