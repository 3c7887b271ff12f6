"""What is llama.cpp's own: whole Llamas only, float16, its caches, and a library that may be absent or laid out otherwise."""

import importlib.util
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seodang.backends import llama_cpp_library
from seodang.backends.build_graph import build_graph, read_config
from seodang.backends.contract import BackendError, DeviceAbsent, Feed, KVState, Limits, OutOfMemory, Program, Unsupported, WeightsRefused
from seodang.backends.llama_cpp import LlamaCppBackend
from seodang.backends.llama_cpp_session import LlamaCppSession
from seodang.backends.weights import FolderWeights

LIMITS = Limits(max_sequences=2, max_context=64, max_step_tokens=64)
BACKEND = LlamaCppBackend()


@pytest.fixture(scope="module")
def weights(tiny_model_dir: Path) -> dict[str, np.ndarray]:
    return dict(FolderWeights(tiny_model_dir))


@pytest.fixture(scope="module")
def program(tiny_model_dir: Path, weights: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Program:
    return BACKEND.compile(build_graph(read_config(tiny_model_dir), weights), LIMITS, tmp_path_factory.mktemp("program"))


@pytest.fixture
def session(program: Program, weights: dict[str, np.ndarray]) -> Iterator[LlamaCppSession]:
    opened, _ = BACKEND.load(program, weights)
    assert isinstance(opened, LlamaCppSession)
    yield opened
    opened.close()


def feed(sequence: int, *tokens: int) -> Feed:
    return Feed(sequence, np.array(tokens, np.int64))


def test_compiling_writes_nothing(program: Program, tmp_path: Path) -> None:
    assert BACKEND.compile(program.graph, LIMITS, tmp_path).folder is None
    assert not list(tmp_path.iterdir())


def test_the_file_of_weights_is_gone_after_loading_and_after_a_refusal(
    program: Program, weights: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    session, _ = BACKEND.load(program, weights)
    assert not list(tmp_path.iterdir())
    assert np.isfinite(session.prefill([feed(session.kv.allocate(), 5, 6)]).logits).all()
    session.close()
    name = "model.layers.1.mlp.down_proj.weight"
    with pytest.raises(WeightsRefused, match=name):
        BACKEND.load(program, weights | {name: weights[name].T})
    assert not list(tmp_path.iterdir())


def test_float16_stays_near_float32_and_takes_half_the_room(program: Program, weights: dict[str, np.ndarray], tmp_path: Path) -> None:
    half = replace(LIMITS, dtype="float16")
    rows: list[np.ndarray] = []
    sizes: list[int] = []
    for limits in (LIMITS, half):
        session, report = BACKEND.load(BACKEND.compile(program.graph, limits, tmp_path), weights)
        logits = session.prefill([feed(session.kv.allocate(), *range(5, 45))]).logits[0].astype(np.float64)
        rows.append(logits - np.log(np.exp(logits).sum()))
        sizes.append(report.num_bytes)
        assert report.num_bytes == pytest.approx(BACKEND.plan_memory(program.graph, limits).weights, rel=0.01)
        session.close()
    assert sizes[1] == pytest.approx(sizes[0] / 2, rel=0.02)
    assert 0 < float((np.exp(rows[0]) * (rows[0] - rows[1])).sum()) < 1e-6
    assert BACKEND.plan_memory(program.graph, half).kv * 2 == BACKEND.plan_memory(program.graph, LIMITS).kv


@pytest.mark.parametrize("value", [1e5, float("nan"), float("inf")])
def test_what_float16_cannot_hold_is_refused(program: Program, weights: dict[str, np.ndarray], value: float, tmp_path: Path) -> None:
    name = "model.layers.0.mlp.up_proj.weight"
    spoiled = weights[name].copy()
    spoiled[3, 4] = value
    with pytest.raises(WeightsRefused, match=name):
        BACKEND.load(BACKEND.compile(program.graph, replace(LIMITS, dtype="float16"), tmp_path), weights | {name: spoiled})


def test_a_graph_that_is_no_whole_llama_is_refused_by_its_node(program: Program, tmp_path: Path) -> None:
    nodes = program.graph.nodes
    place = next(place for place, node in enumerate(nodes) if node.op == "attention")
    odd = replace(nodes[place], attributes={**nodes[place].attributes, "scale": 0.5})
    graph = replace(program.graph, nodes=(*nodes[:place], odd, *nodes[place + 1 :]))
    told = [verdict for verdict in BACKEND.supports(graph) if verdict.verdict == "unsupported"]
    assert [verdict.node for verdict in told] == [odd.name]
    assert "scale" in told[0].reason
    with pytest.raises(Unsupported, match=odd.name):
        BACKEND.compile(graph, LIMITS, tmp_path)


def test_more_sequences_than_llama_cpp_has_are_refused(program: Program, tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="257 sequences"):
        BACKEND.compile(program.graph, replace(LIMITS, max_sequences=257), tmp_path)


def test_the_whole_cache_is_told_and_what_is_used_of_it(session: LlamaCppSession) -> None:
    before = session.memory()
    assert before["kv"] == 0
    session.prefill([feed(session.kv.allocate(), *range(5, 15))])
    after = session.memory()
    assert after["kv"] == 10 * 4 * sum(session.graph.cached)
    assert after["kv"] + after["kv_spare"] == before["kv_spare"] == 2 * 256 * 4 * sum(session.graph.cached)


def test_caches_of_others_are_refused_and_take_no_room(session: LlamaCppSession) -> None:
    handle = session.kv.allocate()
    session.prefill([feed(handle, 5, 6, 7)])
    state = session.kv.export(handle)
    for content in (["of another backend"], state.content[:-9], np.zeros(64, np.uint8)):
        with pytest.raises(Unsupported, match="another"):
            session.kv.restore(KVState(3, content))
    assert session.kv.length(session.kv.restore(state)) == 3


class Failing:
    """The library, but for a step that ends with a code."""

    def __init__(self, library: Any, code: int) -> None:
        self._library, self._code = library, code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def llama_decode(self, context: int, batch: Any) -> int:
        assert self._library.llama_decode(context, batch) == 0
        return self._code


@pytest.mark.parametrize(("code", "wanted"), [(1, OutOfMemory), (-3, BackendError)])
def test_a_step_that_llama_cpp_ends_leaves_no_tokens_in_the_cache(
    session: LlamaCppSession, monkeypatch: pytest.MonkeyPatch, code: int, wanted: type[BackendError]
) -> None:
    first, second = session.kv.allocate(), session.kv.allocate()
    session.prefill([feed(first, 5, 6), feed(second, 7)])
    copy = session.kv.export(first)
    with monkeypatch.context() as patch:
        patch.setattr(session, "_library", Failing(session._library, code))
        with pytest.raises(wanted):
            session.prefill([feed(first, 8, 9), feed(second, 10)])
    assert (session.kv.length(first), session.kv.length(second)) == (2, 1)
    after = session.decode([feed(first, 11)]).logits[0]
    session.kv.free(second)
    assert np.allclose(after, session.decode([feed(session.kv.restore(copy), 11)]).logits[0], atol=1e-5)


def test_without_the_packages_there_is_no_device(
    program: Program, weights: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "xllamacpp" else find(name, *rest))
    assert BACKEND.probe().devices == ()
    assert "pip install" in BACKEND.probe().reason
    assert BACKEND.compile(program.graph, LIMITS, tmp_path).fingerprint == program.fingerprint
    with pytest.raises(DeviceAbsent, match="not installed"):
        BACKEND.load(program, weights)
    with pytest.raises(DeviceAbsent, match="cpu"):
        BACKEND.describe("cpu")


@pytest.mark.parametrize("defaults", ["_MODEL_DEFAULTS", "_CONTEXT_DEFAULTS"])
def test_a_library_that_is_laid_out_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch, defaults: str) -> None:
    known = getattr(llama_cpp_library, defaults)
    name = list(known)[-1]
    monkeypatch.setattr(llama_cpp_library, defaults, known | {name: 77})
    monkeypatch.setattr(llama_cpp_library, "version", lambda: "9999.1")
    with pytest.raises(DeviceAbsent, match=rf"9999\.1 lays its settings out otherwise \({name}\)"):
        llama_cpp_library.open_library()
    assert BACKEND.probe().devices == ()


def test_a_library_without_the_functions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(llama_cpp_library._FUNCTIONS, "llama_that_is_no_more", (None, []))
    monkeypatch.setattr(llama_cpp_library, "version", lambda: "9999.2")
    with pytest.raises(DeviceAbsent, match=r"9999\.2 does not export"):
        llama_cpp_library.open_library()
