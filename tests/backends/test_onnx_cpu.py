"""What is ONNX Runtime's own: a file that is compiled ahead, single operators, and packages that may be absent."""

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seodang.backends.build_graph import build_graph, read_config
from seodang.backends.contract import BackendError, DeviceAbsent, Feed, Limits, OutOfMemory, Program, RunsOperators, Unsupported
from seodang.backends.graph import OPERATORS, Node
from seodang.backends.onnx_cpu import OnnxCpuBackend
from seodang.backends.onnx_operators import OPERATIONS
from seodang.backends.onnx_session import OnnxSession, step_inputs
from seodang.backends.reference import ReferenceBackend
from seodang.backends.weights import FolderWeights

LIMITS = Limits(max_sequences=2, max_context=64, max_step_tokens=64)
BACKEND = OnnxCpuBackend()


@pytest.fixture(scope="module")
def weights(tiny_model_dir: Path) -> dict[str, np.ndarray]:
    return dict(FolderWeights(tiny_model_dir))


@pytest.fixture
def program(tiny_model_dir: Path, weights: dict[str, np.ndarray], tmp_path: Path) -> Program:
    return BACKEND.compile(build_graph(read_config(tiny_model_dir), weights), LIMITS, tmp_path / "program")


@pytest.fixture
def session(program: Program, weights: dict[str, np.ndarray]) -> Iterator[OnnxSession]:
    opened, _ = BACKEND.load(program, weights)
    assert isinstance(opened, OnnxSession)
    yield opened
    opened.close()


def hide(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """As if a package were not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == package else find(name, *rest))
    monkeypatch.setitem(sys.modules, package, None)


def test_the_file_is_a_valid_model_of_equal_bytes_without_weights(program: Program, weights: dict[str, np.ndarray], tmp_path: Path) -> None:
    import onnx

    assert program.folder is not None
    content = (program.folder / "model.onnx").read_bytes()
    again = BACKEND.compile(program.graph, LIMITS, tmp_path / "again")
    assert again.folder is not None
    assert (again.folder / "model.onnx").read_bytes() == content
    model = onnx.load_from_string(content)
    empty = [tensor for tensor in model.graph.initializer if tensor.data_location == onnx.TensorProto.EXTERNAL]
    assert {tensor.name: tuple(tensor.dims) for tensor in empty} == dict(program.graph.tensors)
    assert len(content) < 200_000 < sum(values.nbytes for values in weights.values())
    assert [value.name for value in model.graph.output] == ["logits", "new.0", "new.1"]
    for tensor in empty:
        tensor.CopyFrom(onnx.numpy_helper.from_array(weights[tensor.name], tensor.name))
    onnx.checker.check_model(model, full_check=True)


def test_another_runtime_reads_the_same_out_of_the_file(program: Program, session: OnnxSession, weights: dict[str, np.ndarray]) -> None:
    """The evaluator of the ONNX project, which shares nothing with ONNX Runtime."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    assert program.folder is not None
    model = onnx.load_from_string((program.folder / "model.onnx").read_bytes())
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            tensor.CopyFrom(onnx.numpy_helper.from_array(weights[tensor.name], tensor.name))
    rows = [np.array([5, 6, 7]), np.array([8])]
    given = {f"past.{layer}": np.zeros((2, 0, width), np.float32) for layer, width in enumerate(program.graph.cached)}
    given |= step_inputs([0, 0], [3, 1]) | {"ids": np.concatenate(rows), "step.positions": np.array([0, 1, 2, 0])}
    truth = ReferenceEvaluator(model).run(["logits"], given)
    found = session.prefill([Feed(session.kv.allocate(), row) for row in rows]).logits
    assert np.allclose(found, np.asarray(truth)[0], atol=1e-5)


def test_another_programs_file_is_refused(program: Program, weights: dict[str, np.ndarray], tmp_path: Path) -> None:
    other = BACKEND.compile(program.graph, replace(LIMITS, max_context=32), tmp_path / "other")
    with pytest.raises(Unsupported, match="another program's"):
        BACKEND.load(replace(program, folder=other.folder), weights)


@pytest.mark.parametrize(("content", "told"), [(None, "cannot be read"), (b"torn", "does not open"), (b"", "does not open")])
def test_a_file_that_is_missing_or_torn_is_refused(
    program: Program, weights: dict[str, np.ndarray], content: bytes | None, told: str
) -> None:
    assert program.folder is not None
    path = program.folder / "model.onnx"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(Unsupported, match=told):
        BACKEND.load(program, weights)


def test_compiling_needs_no_runtime_and_running_no_compiler(
    program: Program, weights: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        hide(patch, "onnxruntime")
        assert BACKEND.probe().devices == ()
        assert "pip install" in BACKEND.probe().reason
        assert BACKEND.compile(program.graph, LIMITS, tmp_path / "ahead").fingerprint == program.fingerprint
        for work in (lambda: BACKEND.load(program, weights), lambda: BACKEND.describe("cpu")):
            with pytest.raises(DeviceAbsent, match=r"onnxruntime|cpu"):
                work()
    with monkeypatch.context() as patch:
        hide(patch, "onnx")
        BACKEND.load(program, weights)[0].close()
        with pytest.raises(DeviceAbsent, match="onnx is not installed"):
            BACKEND.compile(program.graph, LIMITS, tmp_path / "later")


@pytest.mark.parametrize(("told", "wanted"), [("Failed to allocate memory", OutOfMemory), ("something broke", BackendError)])
def test_a_step_that_onnx_runtime_ends_has_changed_nothing(
    session: OnnxSession, monkeypatch: pytest.MonkeyPatch, told: str, wanted: type[BackendError]
) -> None:
    class Broken:
        def run(self, *given: Any) -> Any:
            raise RuntimeError(told)

    handle, twin = session.kv.allocate(), session.kv.allocate()
    session.prefill([Feed(handle, np.array([5, 6])), Feed(twin, np.array([5, 6]))])
    with monkeypatch.context() as patch:
        patch.setattr(session._opened, "_session", Broken())
        with pytest.raises(wanted, match=told):
            session.prefill([Feed(handle, np.array([7, 8]))])
    assert session.kv.length(handle) == 2
    logits = session.decode([Feed(handle, np.array([9])), Feed(twin, np.array([9]))]).logits
    assert np.allclose(logits[0], logits[1], atol=1e-6)


def test_caches_of_others_are_refused_and_take_no_room(session: OnnxSession) -> None:
    handle = session.kv.allocate()
    session.prefill([Feed(handle, np.array([5, 6, 7]))])
    state = session.kv.export(handle)
    for content in (state.content[:-1], [layer[:-1] for layer in state.content], np.zeros(64, np.uint8)):
        with pytest.raises(Unsupported, match="another model"):
            session.kv.restore(replace(state, content=content))
    assert session.kv.length(session.kv.restore(state)) == 3


def test_inputs_of_a_step_say_who_sees_whom() -> None:
    given = step_inputs([2, 0], [1, 2])
    assert given["step.rows"].tolist() == [[0, 0], [1, 2]]
    assert given["step.places"].tolist() == [0, 2, 3]
    assert given["step.last"].tolist() == [0, 2]
    seen = ~given["step.hidden"]
    assert seen[0, 0].tolist() == [True, True, True, False]
    assert seen[1].tolist() == [[False, False, True, False], [False, False, True, True]]


def test_a_tied_head_is_told_as_packed_too(session: OnnxSession, program: Program) -> None:
    table = 4 * int(np.prod(program.graph.tensors["model.embed_tokens.weight"]))
    assert session.memory()["packed"] == table == BACKEND.plan_memory(program.graph, LIMITS).reserve


FREQUENCIES = tuple(100.0 ** (-pair / 4) for pair in range(4))
TURN = {"heads": 3, "frequencies": FREQUENCIES, "magnitude": 1.25}
NODES: dict[str, tuple[str, tuple[int, ...], dict[str, tuple[int, ...]], dict[str, Any]]] = {
    "rms_norm": ("rms_norm", (24,), {"scale": (24,)}, {"eps": 1e-3}),
    "linear": ("linear", (24,), {"weight": (40, 24)}, {}),
    "linear with a bias": ("linear", (24,), {"weight": (40, 24), "bias": (40,)}, {}),
    "split": ("split", (24,), {}, {"heads": 3, "start": 2, "stop": 5}),
    "rotary": ("rotary", (24,), {}, TURN | {"interleaved": False}),
    "rotary, pairs side by side": ("rotary", (24,), {}, TURN | {"interleaved": True}),
    "attention": ("attention", (48, 16, 16), {}, {"num_heads": 6, "num_kv_heads": 2, "head_width": 8, "scale": 0.3, "layer": 5}),
    "swiglu": ("swiglu", (24, 24), {}, {}),
    "add": ("add", (24, 24), {}, {}),
    "last": ("last", (24,), {}, {}),
}


@pytest.mark.parametrize("count", [1, 13])
@pytest.mark.parametrize("name", NODES)
def test_single_operators_are_those_of_the_reference(name: str, count: int) -> None:
    op, widths, shapes, attributes = NODES[name]
    rng = np.random.default_rng(count)
    node = Node("node", op, tuple(f"in.{place}" for place in range(len(widths))), "out", {role: role for role in shapes}, attributes)
    inputs = [rng.normal(size=(count, width)).astype(np.float32) for width in widths]
    weights = {role: rng.normal(size=shape).astype(np.float32) for role, shape in shapes.items()}
    found = BACKEND.run(node, inputs, weights, "float32")
    truth = ReferenceBackend().run(node, inputs, weights, "float32")
    assert found.dtype == np.float32
    assert found.shape == truth.shape
    assert np.abs(found - truth).max() <= 2e-6 * max(1.0, float(np.abs(truth).max()))


def test_rows_are_looked_up() -> None:
    table = np.random.default_rng(0).normal(size=(11, 6)).astype(np.float32)
    node = Node("node", "embedding", ("ids",), "out", {"table": "table"})
    assert np.array_equal(BACKEND.run(node, [np.array([3, 0, 10, 3])], {"table": table}, "float32"), table[[3, 0, 10, 3]])


def test_operators_and_types_that_are_not_translated_are_refused() -> None:
    assert isinstance(BACKEND, RunsOperators)
    assert set(OPERATORS) - set(OPERATIONS) == {"latent_attention", "router", "experts"}
    rows = [np.ones((2, 8), np.float32)]
    with pytest.raises(Unsupported, match="router"):
        BACKEND.run(Node("n", "router", ("x",), "out"), rows, {}, "float32")
    with pytest.raises(Unsupported, match="float16"):
        BACKEND.run(Node("n", "last", ("x",), "out"), rows, {}, "float16")
