"""Each check of levels 0 to 4 fails for a backend with the fault that it is there for: none is a check that always passes.

The broken backends of the kit are one proof; here every single check has one.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from seodang.backends.contract import Backend, Feed, KVState, Limits, LoadReport, MemoryPlan, Program, Session, StepResult
from seodang.backends.description import Description, Execution
from seodang.backends.graph import Graph, Node
from seodang.backends.reference import ReferenceBackend, ReferenceSession
from seodang.backends.reference_operators import Arrays, Operator, Step, Weights
from seodang.testbed.certify.broken import blocks, contract, loading, model, operators
from seodang.testbed.certify.broken.fault import Broken, after, with_attributes
from seodang.testbed.certify.levels import checks_of
from seodang.testbed.certify.run import run_check
from seodang.testbed.certify.subject import LIMITS, Family, Model, Subject, make_model

Loaded = tuple[Session, LoadReport]


def _scaled(op: str, factor: float) -> type[Broken]:
    """All values of an operator too large by a factor."""
    return type("Scaled", (Broken,), {"operators": {op: after(op, lambda node, inputs, weights, out: out * factor)}})


class _NoVendor(Broken):
    vendor = ""


class _NamelessNumbers(Broken):
    def describe(self, device: str) -> Description:
        return ReferenceBackend().describe("cpu")  # whatever device is asked for


class _NeedsItself(Broken):
    """A program is loaded only by the object that compiled it."""

    def __init__(self) -> None:
        super().__init__()
        self._mine: set[str] = set()

    def compile(self, graph: Graph, limits: Limits, folder: Path) -> Program:
        program = super().compile(graph, limits, folder)
        self._mine.add(program.fingerprint)
        return program

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> Loaded:
        return super().load(program, weights) if program.fingerprint in self._mine else self._lost()

    def _lost(self) -> Loaded:
        raise KeyError("not compiled here")


class _OneBuffer(ReferenceSession):
    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        if not hasattr(self, "_buffer"):
            self._buffer = np.zeros((8, self.graph.vocabulary), np.float32)
        self._buffer[: len(feeds)] = result.logits
        return replace(result, logits=self._buffer[: len(feeds)])


class _NoSequenceLimit(ReferenceSession):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.kv.limits = replace(self.kv.limits, max_sequences=1000)


class _Global(ReferenceSession):
    """The weights of the session that was loaded last are everybody's, and go with it."""

    latest: ClassVar[dict[str, np.ndarray]] = {}

    def __init__(self, graph: Graph, limits: Limits, weights: Mapping[str, np.ndarray]) -> None:
        super().__init__(graph, limits, weights)
        _Global.latest = self.weights

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        self.weights = _Global.latest
        return super()._step(feeds, single=single)


class _OneThread(ReferenceSession):
    """What it needs belongs to the thread that loaded it."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self._owner = threading.get_ident()

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        if threading.get_ident() != self._owner:
            raise RuntimeError("another thread's context")
        return super()._step(feeds, single=single)


class _Neighbours(ReferenceSession):
    """A row's logits have something of the first row's."""

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        return replace(result, logits=result.logits + np.float32(0.05) * (result.logits[:1] - result.logits))


class _Wrong(ReferenceSession):
    """Logits that are a little flat."""

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        return replace(result, logits=result.logits * np.float32(0.9))


class _SecondBest(ReferenceSession):
    """After eight steps of decoding the best two tokens change places."""

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        if single and self.kv.lengths[feeds[0].sequence] > 24:
            for row in result.logits:
                first, second = np.argsort(-row)[:2]
                row[[first, second]] = row[[second, first]]
        return result


class _Noisy(ReferenceSession):
    """The last bits are other ones each time."""

    noise: ClassVar[np.random.Generator] = np.random.default_rng(1)

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        return replace(result, logits=result.logits * (1 + self.noise.integers(-1, 2, result.logits.shape) * np.float32(2.0**-22)))


class _ClaimsEqualBits(Broken):
    session = _Noisy

    def describe(self, device: str) -> Description:
        return super().describe(device).model_copy(update={"execution": Execution(mode="eager", deterministic=True)})


class _ForgetsExport(ReferenceSession):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.kv.export = lambda sequence: KVState(self.kv.lengths[sequence] - 1, self.kv.states[sequence])  # type: ignore[method-assign]


class _FreesTheWrongPage(ReferenceSession):
    """Freeing a sequence that is not the newest takes the newest one's first page."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        free = self.kv.free

        def wrong(sequence: int) -> None:
            free(sequence)
            newest = max(self.kv.states, default=-1)
            if newest > sequence:
                self.kv.states[newest] = [np.concatenate([layer[:2] * 0.0, layer[2:]]) for layer in self.kv.states[newest]]

        self.kv.free = wrong  # type: ignore[method-assign]


class _Mixes(ReferenceSession):
    """Two sequences in one step have their caches in each other's place afterwards."""

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        pair = [feed.sequence for feed in feeds]
        if len(pair) == 2 and self.kv.lengths[pair[0]] != self.kv.lengths[pair[1]]:
            states = self.kv.states
            states[pair[0]], states[pair[1]] = states[pair[1]], states[pair[0]]
        return result


class _ReportsTwice(Broken):
    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> Loaded:
        session, report = super().load(program, weights)
        return session, replace(report, consumed=(*report.consumed, report.consumed[0]))


class _PlansAFlatCache(Broken):
    def plan_memory(self, graph: Graph, limits: Limits) -> MemoryPlan:
        return replace(super().plan_memory(graph, limits), kv=1000)


class _FullIsFinal(ReferenceSession):
    """Once a step was out of memory the session answers no more."""

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        if getattr(self, "_full", False):
            raise RuntimeError("sticky error")
        try:
            return super()._step(feeds, single=single)
        except Exception as error:
            self._full = type(error).__name__ == "OutOfMemory"
            raise


def _with_session(session: type[ReferenceSession]) -> type[Broken]:
    return type(session.__name__, (Broken,), {"session": session})


class _PadsNothing(Broken):
    """One row at least comes out."""

    operators: ClassVar[Mapping[str, Operator]] = {
        "add": after("add", lambda node, inputs, weights, out: out if len(out) else np.zeros((1, out.shape[1])))
    }


def _other_pairs(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    return with_attributes("rotary", interleaved=not node.attributes["interleaved"])(node, inputs, weights, step)


class _OtherPairs(Broken):
    in_model: ClassVar[Mapping[str, Operator]] = {"rotary": _other_pairs}


def _silu_of_up(node: Node, inputs: Arrays, weights: Weights, out: np.ndarray) -> np.ndarray:
    return inputs[1] * inputs[0] / (1 + np.exp(-inputs[1]))


def _unnormed(node: Node, inputs: Arrays, weights: Weights, out: np.ndarray) -> np.ndarray:
    inner = any("q_a_layernorm" in tensor or "kv_a_layernorm" in tensor for tensor in node.weights.values())
    return inputs[0] if inner else out


FAULTS: Mapping[str, Callable[[], Backend]] = {
    "version": _NoVendor,
    "probe_answers": contract.ProbeRaises,
    "description_is_sourced": _NamelessNumbers,
    "verdicts_are_consistent": contract.ForgetsAVerdict,
    "fingerprints_are_stable": contract.NewFingerprintEachTime,
    "foreign_programs_are_refused": contract.LoadsForeignPrograms,
    "programs_stand_alone": _NeedsItself,
    "results_are_as_promised": _with_session(_OneBuffer),
    "handles_are_checked": contract.FreedHandlesAreLive,
    "steps_are_atomic": contract.TornStep,
    "foreign_caches_are_refused": contract.RestoresForeignCaches,
    "unknown_types_are_refused": contract.TakesAnyType,
    "sequences_are_limited": _with_session(_NoSequenceLimit),
    "closes_twice": contract.OpenAfterClose,
    "loads_again": _with_session(_Global),
    "nothing_leaks": contract.LeaksWeights,
    "works_in_another_thread": _with_session(_OneThread),
    "products": operators.AccumulatesInBfloat16,
    "output_head": operators.WrongScaleOfABlock,
    "embedding": _scaled("embedding", 1.00001),
    "norms": _scaled("rms_norm", 1.00001),
    "rotary": operators.CoarseAngles,
    "attention": operators.WrongKeyHead,
    "split": _scaled("split", 1.00001),
    "latent_attention": _scaled("latent_attention", 1.0001),
    "swiglu": _scaled("swiglu", 1.00001),
    "router": _scaled("router", 1.0001),
    "experts": _scaled("experts", 1.0001),
    "sums_and_rows": _scaled("add", 1.00001),
    "not_a_number_is_not_hidden": operators.SwallowsNaN,
    "smallest_numbers": operators.IgnoresEpsilon,
    "zero_tokens": _PadsNothing,
    "answers_anew": operators.AnswersFromMemory,
    "ties_take_the_lower_index": operators.LateTies,
    "rotary_pairs": _OtherPairs,
    "yarn_off_and_on": blocks.IgnoresMagnitude,
    "norm_epsilon": type("Epsilon", (Broken,), {"in_model": {"rms_norm": with_attributes("rms_norm", eps=1e-8)}}),
    "gate_and_up": type("Gate", (Broken,), {"in_model": {"swiglu": after("swiglu", _silu_of_up)}}),
    "grouped_query_attention": type("Heads", (Broken,), {"in_model": {"attention": operators.WrongKeyHead.operators["attention"]}}),
    "latent_attention_in_both_forms": blocks.NoRotaryKeys,
    "query_is_normalised": type("Query", (Broken,), {"in_model": {"rms_norm": after("rms_norm", _unnormed)}}),
    "router_bias_selects_only": blocks.NoBias,
    "router_scores_are_sigmoid": blocks.SoftmaxScores,
    "router_limits_groups": blocks.NoGroupLimit,
    "router_scales": blocks.NoScaling,
    "router_normalises": blocks.NotNormalised,
    "experts_mix": type("Fewer", (Broken,), {"in_model": {"router": with_attributes("router", top_k=7)}}),
    "shared_expert_is_added": blocks.DropsSharedExpert,
    "post_mlp_norm_is_before_the_residual": blocks.NoPostMlpNorm,
    "logits_as_transformers": _with_session(_Wrong),
    "logits_as_reference": _with_session(_Wrong),
    "greedy_as_transformers": _with_session(_SecondBest),
    "chunked_prefill": model.ChunksStartAtZero,
    "batch_invariance": _with_session(_Neighbours),
    "order_of_the_batch": model.RowsByHandle,
    "uneven_lengths": model.PaddingReachesTheMlp,
    "permuted_pages": _with_session(_FreesTheWrongPage),
    "freed_sequences_leave_nothing": model.StaleCache,
    "copies_go_their_own_way": model.CopiesShareTheirCache,
    "preempted_and_resumed": _with_session(_ForgetsExport),
    "interleaved_sequences": _with_session(_Mixes),
    "long_sequence": model.LastPageOverwritesTheFirst,
    "at_the_limit": model.LastPageOverwritesTheFirst,
    "repeated_steps": model.AnswersFromMemory,
    "equal_runs": _ClaimsEqualBits,
    "every_tensor_is_consumed": _ReportsTwice,
    "unused_tensors_are_told": loading.HidesUnused,
    "missing_tensors_are_refused": loading.ZerosForMissing,
    "misshapen_tensors_are_refused": loading.TakesAnyShape,
    "caller_keeps_its_weights": loading.CallersMemory,
    "perturbed_tensors_move": model.DropsMlpWeights,
    "plan_is_what_is_live": loading.PlansTooLittle,
    "plan_grows_with_limits": _PlansAFlatCache,
    "memory_is_given_back": loading.NeverFrees,
    "out_of_memory_is_clean": _with_session(_FullIsFinal),
}
EVERY = [(level, check) for level in range(5) for check in checks_of(level)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Family, Model]:
    return {
        "llama": make_model("llama", tmp_path_factory.mktemp("llama")),
        "latent": make_model("latent", tmp_path_factory.mktemp("latent")),
    }


@pytest.mark.parametrize(("level", "name"), [(level, check.name) for level, check in EVERY])
def test_it_fails_for_its_fault(level: int, name: str, models: Mapping[Family, Model], tmp_path: Path) -> None:
    check = next(check for check in checks_of(level) if check.name == name)
    family = check.families[0]
    subject = Subject(FAULTS[name](), family, models[family], "float32", tmp_path, LIMITS, "cpu", "small")
    finding = run_check(level, check, subject)
    assert finding.status == "FAIL", finding
    assert finding.what
    assert finding.expected


def test_there_is_a_fault_for_every_check() -> None:
    assert set(FAULTS) == {check.name for _, check in EVERY}
