"""The backend torch_cpu against transformers' own code, and what the contract promises, one promise a test."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from oracles.backend_models import LIMITS, divergence, feed, graph_of, open_session, random_row, transformers_logits
from seodang.backends.contract import (
    BackendError,
    DeviceAbsent,
    InvalidHandle,
    KVState,
    Limits,
    OutOfMemory,
    Session,
    Unsupported,
    WeightsRefused,
)
from seodang.backends.reference import ReferenceBackend
from seodang.backends.torch_backend import TorchCpuBackend, TorchCudaBackend
from seodang.backends.torch_session import TorchSession
from seodang.backends.weights import FolderWeights

KL = 1e-6
BACKEND = TorchCpuBackend()


@pytest.fixture(scope="module", params=["tiny_model_dir", "tiny_axk1_dir"])
def folder(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


@pytest.fixture
def session(folder: Path) -> Session:
    return open_session(BACKEND, folder)


def prefill(session: Session, *rows: list[int]) -> tuple[list[int], np.ndarray]:
    handles = [session.kv.allocate() for _ in rows]
    return handles, session.prefill([feed(handle, row) for handle, row in zip(handles, rows, strict=True)]).logits


def test_greedy_tokens_are_those_of_transformers_over_64_steps(folder: Path, session: Session) -> None:
    theirs, row = transformers_logits(folder), random_row(1, 9)
    (handle,), logits = prefill(session, row)
    for _ in range(64):
        truth = theirs(row)[-1:]
        assert divergence(truth, logits) <= KL
        assert truth.argmax() == logits.argmax()
        row.append(int(truth.argmax()))
        logits = session.decode([feed(handle, row[-1:])]).logits
    assert session.kv.length(handle) == len(row)


def test_pieces_of_uneven_length_in_one_batch_are_as_each_row_alone(folder: Path, session: Session) -> None:
    theirs, rows = transformers_logits(folder), [random_row(seed, count) for seed, count in ((1, 70), (2, 31), (3, 45))]
    handles, first = prefill(session, *(row[: len(row) // 2] for row in rows))
    second = session.prefill([feed(h, row[len(row) // 2 :]) for h, row in zip(handles, rows, strict=True)]).logits
    turned = session.decode([feed(h, [5 + h]) for h in reversed(handles)]).logits[::-1]
    for place, (row, handle) in enumerate(zip(rows, handles, strict=True)):
        truth = theirs([*row, 5 + handle])
        for at, found in ((len(row) // 2 - 1, first), (len(row) - 1, second), (len(row), turned)):
            assert divergence(truth[at], found[place]) <= KL


def test_a_prompt_in_one_piece_is_as_token_by_token(folder: Path, session: Session) -> None:
    """The first is a long prefill, in which latent attention makes keys; the second absorbs."""
    row = random_row(4, 120)
    (whole, single), _ = prefill(session, row[:1], row[:1])
    once = session.prefill([feed(whole, row[1:])]).logits
    steps = [session.decode([feed(single, [token])]).logits for token in row[1:]]
    assert divergence(once, steps[-1]) <= KL


def test_a_copy_goes_its_own_way(folder: Path, session: Session) -> None:
    theirs, row = transformers_logits(folder), random_row(5, 20)
    (handle,), _ = prefill(session, row)
    copy = session.kv.copy(handle)
    logits = session.decode([feed(handle, [7]), feed(copy, [9])]).logits
    session.kv.free(handle)
    later = session.decode([feed(copy, [11])]).logits
    for found, truth in ((logits[0], [*row, 7]), (logits[1], [*row, 9]), (later[0], [*row, 9, 11])):
        assert divergence(theirs(truth)[-1], found) <= KL


def test_what_is_exported_goes_on_in_another_session(folder: Path, session: Session) -> None:
    row = random_row(6, 80)
    (handle,), _ = prefill(session, row)
    state = session.kv.export(handle)
    assert state.num_tokens == 80
    session.decode([feed(handle, [3])])  # what happens later does not change it
    session.close()
    other = open_session(BACKEND, folder)
    logits = other.decode([feed(other.kv.restore(state), [8])]).logits
    assert divergence(transformers_logits(folder)([*row, 8])[-1:], logits) <= KL


def test_a_state_of_something_else_is_refused(session: Session, tiny_model_dir: Path) -> None:
    with pytest.raises(Unsupported, match="another model"):
        session.kv.restore(KVState(3, [1, 2, 3]))
    other = open_session(BACKEND, tiny_model_dir, replace(LIMITS, dtype="bfloat16"))
    (handle,), _ = prefill(other, random_row(1, 5))
    with pytest.raises(Unsupported, match="another model"):
        session.kv.restore(other.kv.export(handle))


def test_bfloat16_is_near_and_takes_half(folder: Path) -> None:
    rows = [random_row(seed, 40) for seed in range(4)]
    narrow = open_session(BACKEND, folder, replace(LIMITS, dtype="bfloat16"))
    wide = open_session(BACKEND, folder)
    found, truth = (prefill(session, *rows)[1] for session in (narrow, wide))
    assert 1e-9 < divergence(truth, found) < 0.05
    assert narrow.memory()["kv"] * 2 == wide.memory()["kv"]
    assert wide.memory()["weights"] * 0.5 <= narrow.memory()["weights"] <= wide.memory()["weights"] * 0.55


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_plan_is_what_is_live_when_all_is_full(folder: Path, dtype: str) -> None:
    limits = Limits(max_sequences=3, max_context=100, max_step_tokens=300, dtype=dtype)
    session, plan = open_session(BACKEND, folder, limits), BACKEND.plan_memory(graph_of(folder), limits)
    assert session.memory() == {"weights": plan.weights, "kv": 0}
    handles, _ = prefill(session, *(random_row(seed, 100) for seed in range(3)))
    assert session.memory() == {"weights": plan.weights, "kv": plan.kv}
    session.kv.free(handles[1])
    assert session.memory()["kv"] == plan.kv * 2 // 3


def test_a_step_counts_the_experts_that_it_used(tiny_axk1_dir: Path) -> None:
    session = open_session(BACKEND, tiny_axk1_dir)
    handle = session.kv.allocate()
    hit = session.prefill([feed(handle, [4])]).counters["experts_hit"]
    assert hit == {"layers.1.experts": 2, "layers.2.experts": 2}


def test_what_is_wrong_with_a_step_is_told_and_changes_nothing(session: Session) -> None:
    row = random_row(7, 30)
    handles, _ = prefill(session, row, row)
    one, two = handles
    wrong = {
        "without a feed": (Unsupported, lambda: session.prefill([])),
        r"tokens of shape \(2,\)": (Unsupported, lambda: session.decode([feed(one, [4, 5])])),
        r"tokens of shape \(0,\)": (Unsupported, lambda: session.prefill([feed(one, [4]), feed(two, [])])),
        "token ids outside": (Unsupported, lambda: session.prefill([feed(one, [4]), feed(two, [400])])),
        "tokens of type float64": (Unsupported, lambda: session.prefill([replace(feed(one, [4]), tokens=np.array([4.0]))])),
        "fed twice": (Unsupported, lambda: session.prefill([feed(one, [4]), feed(one, [5])])),
        "longer than max_context": (OutOfMemory, lambda: session.prefill([feed(two, [4]), feed(one, random_row(1, 131))])),
        "no live sequence": (InvalidHandle, lambda: session.prefill([feed(one, [4]), feed(99, [4])])),
    }
    for told, (kind, work) in wrong.items():
        with pytest.raises(kind, match=told):
            work()
        assert [session.kv.length(handle) for handle in handles] == [30, 30]
    logits = session.decode([feed(one, [6]), feed(two, [6])]).logits
    assert divergence(logits[:1], logits[1:]) <= KL


def test_too_many_tokens_or_sequences_are_out_of_memory(folder: Path) -> None:
    session = open_session(BACKEND, folder, Limits(2, 50, 60, "float32"))
    handles = [session.kv.allocate() for _ in range(2)]
    with pytest.raises(OutOfMemory, match="max_step_tokens is 60"):
        session.prefill([feed(handle, random_row(1, 31)) for handle in handles])
    for work in (session.kv.allocate, lambda: session.kv.copy(handles[0])):
        with pytest.raises(OutOfMemory, match="max_sequences is 2"):
            work()
    session.kv.free(handles[0])
    assert session.kv.allocate() not in handles
    with pytest.raises(InvalidHandle):
        session.kv.free(handles[0])


def test_memory_that_ends_in_the_middle_of_a_step_leaves_the_session_whole(
    folder: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(session, TorchSession)
    row = random_row(8, 70)
    (handle,), _ = prefill(session, row[:60])

    def full(*given: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("the device is full")

    with monkeypatch.context() as patch:
        patch.setattr(session, "_plan", [*session._plan[:-3], (full, *session._plan[-3][1:])])
        with pytest.raises(OutOfMemory, match="the device is full"):
            session.prefill([feed(handle, random_row(9, 10))])
    assert session.kv.length(handle) == 60
    logits = session.prefill([feed(handle, row[60:])]).logits
    assert divergence(transformers_logits(folder)(row)[-1:], logits) <= KL


def test_a_closed_session_refuses_everything_and_closes_again(session: Session) -> None:
    (handle,), _ = prefill(session, [4, 5])
    session.close()
    session.close()
    for work in (
        session.memory, session.synchronize, session.kv.allocate,
        lambda: session.kv.length(handle), lambda: session.decode([feed(handle, [4])]), lambda: session.prefill([]),
    ):  # fmt: skip
        with pytest.raises(InvalidHandle, match="closed"):
            work()


def test_weights_are_consumed_once_and_belong_to_the_session(folder: Path) -> None:
    graph = graph_of(folder)
    weights = {name: np.array(values) for name, values in FolderWeights(folder).items()} | {"spare": np.zeros(3, np.float32)}
    program = BACKEND.compile(graph, LIMITS, folder)
    session, report = BACKEND.load(program, weights)
    assert sorted(report.consumed) == sorted(graph.tensors)
    assert report.unused == ("spare",)
    assert report.num_bytes == session.memory()["weights"]
    for values in weights.values():
        values += 1.0
    assert divergence(transformers_logits(folder)([4, 5, 6])[-1:], prefill(session, [4, 5, 6])[1]) <= KL


def test_weights_that_do_not_fit_the_graph_are_refused(folder: Path) -> None:
    program, weights = BACKEND.compile(graph_of(folder), LIMITS, folder), dict(FolderWeights(folder))
    name = "model.norm.weight"
    with pytest.raises(WeightsRefused, match=r"1 tensors are missing, the first is `model\.norm\.weight`"):
        BACKEND.load(program, {key: values for key, values in weights.items() if key != name})
    with pytest.raises(WeightsRefused, match="the graph says"):
        BACKEND.load(program, weights | {name: weights[name][:-1]})


def test_programs_of_others_are_refused(folder: Path) -> None:
    graph = graph_of(folder)
    with pytest.raises(Unsupported, match="a program of `reference`"):
        BACKEND.load(ReferenceBackend().compile(graph, LIMITS, folder), FolderWeights(folder))
    program = BACKEND.compile(graph, LIMITS, folder)
    assert program.fingerprint == BACKEND.compile(graph, LIMITS, folder).fingerprint
    assert program.fingerprint != BACKEND.compile(graph, replace(LIMITS, dtype="bfloat16"), folder).fingerprint
    with pytest.raises(Unsupported, match="a program of torch"):
        BACKEND.load(replace(program, limits=replace(LIMITS, max_context=3)), FolderWeights(folder))


def test_types_and_operators_that_are_not_there_are_refused(folder: Path) -> None:
    graph = graph_of(folder)
    with pytest.raises(Unsupported, match="values of type float8"):
        BACKEND.compile(graph, replace(LIMITS, dtype="float8"), folder)
    strange = replace(graph, nodes=(*graph.nodes, replace(graph.nodes[-1], name="odd", op="convolution")))
    assert [verdict.verdict for verdict in BACKEND.supports(strange)] == ["native"] * len(graph.nodes) + ["unsupported"]
    with pytest.raises(Unsupported, match="`odd`: no operator `convolution`"):
        BACKEND.compile(strange, LIMITS, folder)
    with pytest.raises(Unsupported, match="no operator `convolution`"):
        BACKEND.run(strange.nodes[-1], [np.ones((1, 2), np.float32)], {}, "float32")
    with pytest.raises(DeviceAbsent, match="no device `cuda:0`"):
        BACKEND.describe("cuda:0")
    assert BACKEND.describe("cpu").kind == "cpu"


@pytest.mark.parametrize(
    ("build", "driver", "count", "told"),
    [(None, False, 0, "a build without CUDA"), ("13.0", False, 0, "no NVIDIA driver"), ("13.0", True, 0, "no device that may be used")],
)
def test_cuda_says_what_is_lacking(
    build: str | None, driver: bool, count: int, told: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.version, "cuda", build)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    exists = Path.is_file
    monkeypatch.setattr(Path, "is_file", lambda path: driver if "nvidia" in str(path) else exists(path))
    backend = TorchCudaBackend()
    probe = backend.probe()
    assert probe.devices == ()
    assert told in probe.reason
    program = backend.compile(graph_of(folder), Limits(), folder)  # the device need not be here
    with pytest.raises(DeviceAbsent, match=told):
        backend.load(program, FolderWeights(folder))
    with pytest.raises(BackendError, match="no device `cuda:0`"):
        backend.describe("cuda:0")


@pytest.mark.gpu
def test_cuda_is_as_transformers(folder: Path) -> None:
    session, row = open_session(TorchCudaBackend(), folder), random_row(1, 90)
    (handle,), first = prefill(session, row[:50])
    second = session.prefill([feed(handle, row[50:])])
    truth = transformers_logits(folder)(row)
    assert divergence(truth[49:50], first) <= KL
    assert divergence(truth[-1:], second.logits) <= KL
    assert second.device_s > 0
