"""Adapters of software that is not here say so; what of them can run here is compared with transformers."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from oracles.backend_models import LIMITS, divergence, feed, graph_of, random_row, transformers_logits
from seodang.backends.contract import Backend, DeviceAbsent, InvalidHandle, KVState, Limits, OutOfMemory, Program, Unsupported
from seodang.backends.program import make_program
from seodang.backends.rbln import RblnBackend, padded
from seodang.backends.recomputing import RecomputingSession, Rows
from seodang.backends.vllm import VllmBackend, read_logprobs
from seodang.backends.weights import FolderWeights
from seodang.backends.whole_sequence import WholeSequence

ADAPTERS = [VllmBackend(), RblnBackend()]


@pytest.mark.parametrize("backend", ADAPTERS, ids=["vllm", "rbln"])
def test_what_is_absent_is_named_and_refused(backend: Backend, tiny_model_dir: Path) -> None:
    package = {"vllm": "vllm", "rbln": "rebel-compiler"}[backend.name]
    probe, graph = backend.probe(), graph_of(tiny_model_dir)
    assert probe.devices == ()
    assert f"`{package}` is not installed" in probe.reason
    for work in (
        lambda: backend.compile(graph, Limits(), tiny_model_dir),
        lambda: backend.load(make_program(backend, graph, Limits(), target="x", toolchain="x"), FolderWeights(tiny_model_dir)),
        lambda: backend.describe("npu:0"),
    ):
        with pytest.raises(DeviceAbsent, match=package):
            work()


def test_families_are_those_that_the_documentation_names(tiny_model_dir: Path, tiny_axk1_dir: Path) -> None:
    for backend, latent in zip(ADAPTERS, ("native", "unsupported"), strict=True):
        for folder, wanted in ((tiny_model_dir, "native"), (tiny_axk1_dir, latent)):
            graph = graph_of(folder)
            verdicts = backend.supports(graph)
            assert [verdict.node for verdict in verdicts] == [node.name for node in graph.nodes]
            assert {verdict.verdict for verdict in verdicts} == {wanted}
            assert all(verdict.reason for verdict in verdicts)


@pytest.mark.parametrize("backend", ADAPTERS, ids=["vllm", "rbln"])
def test_types_that_are_not_there_are_refused(backend: Backend, tiny_model_dir: Path) -> None:
    with pytest.raises(Unsupported, match="values of type float4"):
        backend.compile(graph_of(tiny_model_dir), Limits(dtype="float4"), tiny_model_dir)


def test_log_probabilities_are_placed_by_token_id() -> None:
    told = [{2: SimpleNamespace(logprob=-0.5), 0: SimpleNamespace(logprob=-1.0), 9: SimpleNamespace(logprob=-9.0)}]
    np.testing.assert_array_equal(read_logprobs(told, 4), [[-1.0, -np.inf, -0.5, -np.inf]])


def recomputing(folder: Path, name: str = "a") -> RecomputingSession:
    """A session as the adapter of rbln makes it, with the module that it compiles in the place of the compiled one."""
    graph = graph_of(folder)
    weights = {name: FolderWeights(folder)[name] for name in graph.tensors}
    module = WholeSequence(graph, weights, LIMITS.max_context).eval()

    def logits_of(rows: Rows) -> np.ndarray:
        with torch.no_grad():
            return np.concatenate([module(*map(torch.from_numpy, padded(row, LIMITS.max_context))).numpy() for row in rows])

    return RecomputingSession(Program("rbln", name, graph, LIMITS, "", "", 0.0), 7, logits_of)


def test_the_module_that_is_compiled_has_the_models_logits(tiny_model_dir: Path) -> None:
    session, theirs = recomputing(tiny_model_dir), transformers_logits(tiny_model_dir)
    rows = [random_row(1, 20), random_row(2, 5)]
    handles = [session.kv.allocate() for _ in rows]
    session.prefill([feed(handle, row[:3]) for handle, row in zip(handles, rows, strict=True)])
    logits = session.prefill([feed(handle, row[3:]) for handle, row in zip(handles, rows, strict=True)]).logits
    for place, row in enumerate(rows):
        assert divergence(theirs(row)[-1], logits[place]) <= 1e-6
    copy = session.kv.copy(handles[0])
    state = session.kv.export(copy)
    later = session.decode([feed(handles[0], [7]), feed(copy, [9]), feed(session.kv.restore(state), [11])]).logits
    for place, token in enumerate((7, 9, 11)):
        assert divergence(theirs([*rows[0], token])[-1], later[place]) <= 1e-6


def test_a_recomputing_session_keeps_the_contract(tiny_model_dir: Path) -> None:
    session = recomputing(tiny_model_dir)
    handle = session.kv.allocate()
    session.prefill([feed(handle, [4, 5])])
    with pytest.raises(OutOfMemory, match="max_context"):
        session.prefill([feed(handle, random_row(1, 159))])
    with pytest.raises(Unsupported, match="another model or backend"):
        session.kv.restore(KVState(2, np.zeros(2)))
    with pytest.raises(Unsupported, match="another model"):
        recomputing(tiny_model_dir, "b").kv.restore(session.kv.export(handle))
    assert session.kv.length(handle) == 2
    assert session.memory() == {"weights": 7, "kv": 0}
    session.close()
    session.close()
    for work in (session.memory, session.synchronize, lambda: session.decode([feed(handle, [4])])):
        with pytest.raises(InvalidHandle, match="closed"):
            work()
