"""The emulated chip: real logits, a virtual clock of its description, and nothing that looks measured."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from oracles.backend_models import LIMITS, divergence, feed, graph_of, open_session, random_row, transformers_logits
from seodang.backends.contract import DeviceAbsent, InvalidHandle, Limits, OutOfMemory, Unsupported
from seodang.backends.description import bundled, load_description
from seodang.backends.emulated import EmulatedBackend
from seodang.backends.registry import open_backend
from seodang.backends.weights import FolderWeights


def number(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "kind": "claimed", "source": "a test", "date": "2026-11-25"}


def describe(folder: Path, *, bandwidth: float = 1e9, capacity: float = 1e9, buckets: tuple[int, ...] = ()) -> EmulatedBackend:
    """An emulated chip of these numbers."""
    told: dict[str, Any] = {
        "name": "Chip", "vendor": "nobody", "kind": "npu",
        "memory": [{"name": "DRAM", "capacity": number(capacity, "B"), "bandwidth": number(bandwidth, "B/s")}],
        "peak": {"float32": number(1e15, "FLOP/s")},
        "execution": {"mode": "ahead_of_time", "batch_buckets": list(buckets)},
    }  # fmt: skip
    path = folder / f"chip-{bandwidth:.0e}-{capacity:.0e}-{len(buckets)}.yaml"
    path.write_text(yaml.safe_dump(told))
    backend = open_backend(f"emulated:{path}")
    assert isinstance(backend, EmulatedBackend)
    return backend


def test_logits_are_those_of_the_model_and_times_are_virtual(tiny_axk1_dir: Path, tmp_path: Path) -> None:
    session, row = open_session(describe(tmp_path), tiny_axk1_dir), random_row(1, 30)
    handle = session.kv.allocate()
    step = session.prefill([feed(handle, row)])
    assert step.clock == "virtual"
    assert divergence(transformers_logits(tiny_axk1_dir)(row)[-1:], step.logits) <= 1e-6


def test_a_step_takes_the_same_time_whenever_it_is_asked(tiny_model_dir: Path, tmp_path: Path) -> None:
    times = set[float]()
    for _ in range(2):
        session = open_session(describe(tmp_path), tiny_model_dir)
        handle = session.kv.allocate()
        session.prefill([feed(handle, random_row(1, 30))])
        times.add(session.decode([feed(handle, [5])]).device_s)
        session.close()
    assert len(times) == 1


def test_decoding_halves_with_twice_the_bandwidth(tiny_model_dir: Path, tmp_path: Path) -> None:
    times: list[float] = []
    for bandwidth in (1e9, 2e9):
        session = open_session(describe(tmp_path, bandwidth=bandwidth), tiny_model_dir)
        handle = session.kv.allocate()
        session.prefill([feed(handle, random_row(1, 30))])
        step = session.decode([feed(handle, [5])])
        times.append(step.device_s)
        moved = sum(step.counters[name] for name in ("weight_bytes", "kv_bytes", "activation_bytes"))
        assert step.device_s == pytest.approx(moved / bandwidth)
    assert times[1] == pytest.approx(times[0] / 2)


def test_a_batch_is_padded_to_the_next_bucket_and_takes_its_time(tiny_model_dir: Path, tmp_path: Path) -> None:
    session = open_session(describe(tmp_path, buckets=(4, 1)), tiny_model_dir)
    handles = [session.kv.allocate() for _ in range(4)]
    for handle in handles:
        session.prefill([feed(handle, random_row(handle, 12))])
    steps = [session.decode([feed(handle, [5]) for handle in handles[:count]]) for count in (1, 2, 3)]
    assert [step.counters["padded_sequences"] for step in steps] == [0, 2, 1]
    full = open_session(describe(tmp_path), tiny_model_dir)
    handle = full.kv.allocate()
    full.prefill([feed(handle, random_row(1, 12))])
    assert steps[0].device_s == full.decode([feed(handle, [5])]).device_s
    assert steps[1].device_s > 1.01 * steps[0].device_s
    assert steps[1].logits.shape == (2, 400)


def test_what_does_not_fit_the_chip_is_refused(tiny_model_dir: Path, tmp_path: Path) -> None:
    graph, weights = graph_of(tiny_model_dir), FolderWeights(tiny_model_dir)
    with pytest.raises(Unsupported, match="4 sequences, the largest batch is 2"):
        describe(tmp_path, buckets=(1, 2)).compile(graph, LIMITS, tmp_path)
    backend = describe(tmp_path)
    with pytest.raises(Unsupported, match=r"no peak of .* is described for bfloat16"):
        backend.compile(graph, Limits(dtype="bfloat16"), tmp_path)
    small = describe(tmp_path, capacity=1e6)
    with pytest.raises(OutOfMemory, match="are planned"):
        small.load(small.compile(graph, LIMITS, tmp_path), weights)
    with pytest.raises(Unsupported, match="a program of"):
        backend.load(small.compile(graph, LIMITS, tmp_path), weights)


def test_a_chip_is_told_as_it_is_described(tiny_model_dir: Path) -> None:
    backend = EmulatedBackend("h200_sxm")
    described = backend.describe("h200_sxm")
    assert described == load_description("h200_sxm")
    assert {peak.kind for peak in described.peak.values()} == {"claimed"}
    assert {verdict.verdict for verdict in backend.supports(graph_of(tiny_model_dir))} == {"fallback"}
    with pytest.raises(DeviceAbsent, match="no device `cpu`"):
        backend.describe("cpu")


def test_without_a_choice_it_is_a_bundled_chip() -> None:
    backend = EmulatedBackend()
    assert backend.name == "emulated"
    assert backend.device == ("rebel100" if "rebel100" in bundled() else "h200_sxm")
    assert backend.probe().devices == (backend.device,)
    assert "virtual" in backend.probe().reason


def test_the_plan_is_what_is_live_and_a_closed_session_refuses(tiny_model_dir: Path, tmp_path: Path) -> None:
    backend, limits = describe(tmp_path), Limits(2, 64, 128, "auto")
    session, plan = open_session(backend, tiny_model_dir, limits), backend.plan_memory(graph_of(tiny_model_dir), limits)
    handles = [session.kv.allocate() for _ in range(2)]
    session.prefill([feed(handle, random_row(handle, 64)) for handle in handles])
    assert session.memory() == {"weights": plan.weights, "kv": plan.kv}
    session.synchronize()
    session.close()
    with pytest.raises(InvalidHandle, match="closed"):
        session.decode([feed(handles[0], [4])])
