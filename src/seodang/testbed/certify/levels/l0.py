"""Level 0, contract: what a backend says of itself, and programs."""

import json
from dataclasses import replace

import numpy as np

from seodang.backends.contract import API_VERSION, Backend, BackendError, DeviceAbsent, Probe, RunsOperators, StandsForMany, Unsupported
from seodang.backends.graph import Graph, Node
from seodang.backends.quantity import Quantity
from seodang.testbed.certify.check import Check
from seodang.testbed.certify.finding import Case, NotJudged, Outcome, holds, outcome
from seodang.testbed.certify.levels.l0_steps import raises
from seodang.testbed.certify.subject import Subject, feed

_METHODS = ("probe", "describe", "supports", "plan_memory", "compile", "load")


def version(subject: Subject) -> Outcome:
    """The backend is made for this version of the contract, has a name and a vendor, and every method."""
    backend = subject.backend
    cases = [
        holds("api_version", backend.api_version == API_VERSION, f"is {backend.api_version}"),
        *(holds(name, bool(getattr(backend, name, "")), f"is {getattr(backend, name, None)!r}") for name in ("name", "vendor")),
        *(holds(name, callable(getattr(backend, name, None))) for name in _METHODS),
    ]
    return outcome(cases, expected=f"version {API_VERSION} and the methods of `Backend`", look="the class of the backend")


def probe_answers(subject: Subject) -> Outcome:
    """A probe never raises, gives names of devices and a reason both ways, and says the same when it is asked again."""
    cases: list[Case] = []
    try:
        first, second = subject.backend.probe(), another(subject.backend).probe()
    except Exception as error:  # noqa: BLE001 - that it raises is what is looked for
        cases.append(holds("does not raise", False, f"{type(error).__name__}: {error}"))
    else:
        cases += [
            holds("is a Probe", type(first) is Probe, type(first).__name__),
            holds("has a reason", bool(first.reason.strip()), repr(first.reason)),
            holds("devices are names", all(name and name == name.strip() for name in first.devices), str(first.devices)),
            holds("no device twice", len(set(first.devices)) == len(first.devices), str(first.devices)),
            holds("is repeatable", first.devices == second.devices, f"{first.devices}, then {second.devices}"),
        ]
    return outcome(cases, expected="a Probe with a reason", look="`probe`")


def description_is_sourced(subject: Subject) -> Outcome:
    """Every number of the description has a unit, a kind and a source; no memory, peak or link is called measured where the clock is
    virtual (what others measured of the chip may stand under `reached`); a device that is not there is refused."""
    described = subject.describe()
    numbers = _quantities(described.model_dump())
    cases = [
        holds("has numbers", bool(numbers)),
        holds("each has a source", all(len(q.source.split()) >= 1 and q.source.lower() not in ("unknown", "none") for q in numbers)),
        holds("memory and peaks are above zero", all(q.value > 0 for q in numbers if q.unit in ("B", "B/s", "FLOP/s"))),
        holds("can be written as JSON", bool(json.dumps(described.model_dump(mode="json")))),
    ]
    measured = [q for q in _quantities(described.model_dump(exclude={"reached", "runs"})) if q.kind == "measured"]
    if _is_emulated(subject):
        cases.append(holds("an emulated device has no measured number of its speed", not measured, f"{len(measured)} say measured"))
    try:
        subject.backend.describe("no such device")
        cases.append(holds("a device that is not there", False, "was described"))
    except BackendError as error:
        cases.append(holds("a device that is not there", isinstance(error, DeviceAbsent), f"{type(error).__name__}: {error}"))
    return outcome(cases, expected="quantities with unit, kind and source; DeviceAbsent for others", look="`describe`")


def _quantities(told: object) -> list[Quantity]:
    if isinstance(told, dict):
        if set(told) == set(Quantity.model_fields):
            return [Quantity.model_validate(told)]
        return [found for part in told.values() for found in _quantities(part)]
    if isinstance(told, (list, tuple)):
        return [found for part in told for found in _quantities(part)]
    return []


def _is_emulated(subject: Subject) -> bool:
    """Whether its steps are timed by a virtual clock."""
    try:
        with subject.session() as session:
            return session.prefill([feed(session.kv.allocate(), subject.tokens(4, 0))]).clock == "virtual"
    except NotJudged:
        return False


def verdicts_are_consistent(subject: Subject) -> Outcome:
    """`supports` gives one verdict a node, in order, with a reason, and `compile` does what it says."""
    graph = subject.model.graph
    verdicts = subject.backend.supports(graph)
    known = ("native", "fallback", "unsupported")
    cases = [
        holds("one a node, in order", [verdict.node for verdict in verdicts] == [node.name for node in graph.nodes]),
        holds("each is one of three", all(verdict.verdict in known for verdict in verdicts)),
        holds("each has a reason", all(verdict.reason.strip() for verdict in verdicts)),
        holds("says the same twice", subject.backend.supports(graph) == verdicts),
    ]
    cases.append(_compiles_as_told(subject, graph, _first_lacking(subject.backend, graph)))
    strange = Node("strange", "no_such_operator", (graph.nodes[0].output,), "strange")
    spoiled = replace(graph, nodes=(*graph.nodes[:1], strange, *graph.nodes[1:]))
    told = {verdict.node: verdict.verdict for verdict in subject.backend.supports(spoiled)}
    cases.append(holds("an operator that nobody has is unsupported", told.get("strange") == "unsupported", str(told.get("strange"))))
    cases.append(_compiles_as_told(subject, spoiled, _first_lacking(subject.backend, spoiled), "a graph with it"))
    away = sum(verdict.verdict == "fallback" for verdict in verdicts)
    cases.append(Case("operators that fall back", "PASS", away / max(len(verdicts), 1), "1", None, f"{away} of {len(verdicts)}"))
    return outcome(cases, expected="verdicts with reasons, and `compile` that refuses what they refuse", look="`supports` and `compile`")


def _first_lacking(backend: Backend, graph: Graph) -> str:
    """The first node that `supports` says the backend does not have; empty where it has all."""
    return next((verdict.node for verdict in backend.supports(graph) if verdict.verdict == "unsupported"), "")


def _compiles_as_told(subject: Subject, graph: Graph, lacking: str, name: str = "compile") -> Case:
    """That `compile` refuses the graph by the name of the node that is lacking, or does not refuse it where none is."""
    try:
        subject.backend.compile(graph, subject.limits, subject.new_folder())
    except Unsupported as error:
        if lacking and lacking in str(error):
            return holds(name, True, f"refused: {error}")
        if subject.dtype in str(error):
            return Case(name, "UNSUPPORTED", note=str(error))
        return holds(name, False, f"refused: {error}" + (f"; `{lacking}` is not named" if lacking else ""))
    except DeviceAbsent as error:
        return Case(name, "FAIL" if subject.device else "NOT-RUN", note=str(error))
    return holds(name, not lacking, f"compiled in spite of `{lacking}`" if lacking else "compiled")


def unknown_types_are_refused(subject: Subject) -> Outcome:
    """A type that nobody has is Unsupported wherever one is named, and never another type in silence."""
    graph, backend, limits = subject.model.graph, subject.backend, replace(subject.limits, dtype="no_such_type")
    subject.compile()  # UNSUPPORTED or NOT-RUN where nothing of this model can be compiled
    cases = [
        raises("compile", lambda: backend.compile(graph, limits, subject.new_folder()), Unsupported),
        raises("plan_memory", lambda: backend.plan_memory(graph, limits), Unsupported),
    ]
    if isinstance(backend, RunsOperators):
        rows = np.ones((2, 4), np.float32)
        sum_of = Node("sum", "add", ("a", "b"), "sum")
        cases.append(raises("run", lambda: backend.run(sum_of, [rows, rows], {}, "no_such_type"), Unsupported))
    return outcome(cases, expected="Unsupported", look="where `Limits.dtype` is read: description.py has the names in `Precision`")


def fingerprints_are_stable(subject: Subject) -> Outcome:
    """Compiling twice gives equal fingerprints; another graph, context or batch another one."""
    first, second = subject.compile(), subject.compile()
    longer = subject.compile(limits=replace(subject.limits, max_context=subject.limits.max_context + 16))
    other = subject.variant(rms_norm_eps=1e-3).compile()
    cases = [
        holds("equal for equal input", first.fingerprint == second.fingerprint, f"{first.fingerprint[:12]}, {second.fingerprint[:12]}"),
        holds("another context", longer.fingerprint != first.fingerprint),
        holds("another eps of a norm", other.fingerprint != first.fingerprint),
        holds("names the backend", first.backend == subject.backend.name, first.backend),
        holds("names target and toolchain", bool(first.target and first.toolchain), f"{first.target!r}, {first.toolchain!r}"),
        holds("seconds are a time", first.seconds >= 0, f"{first.seconds}"),
    ]
    return outcome(cases, expected="a fingerprint of graph, limits and toolchain", look="`compile`; program.py has `fingerprint`")


def foreign_programs_are_refused(subject: Subject) -> Outcome:
    """A program of another backend, or of another version of it, is refused with Unsupported."""
    subject.need_device()
    program = subject.compile()
    cases: list[Case] = []
    for name, foreign in {
        "of another backend": replace(program, backend="somebody_else"),
        "of another version or toolchain": replace(program, fingerprint="0" * 64),
    }.items():
        try:
            session, _ = subject.backend.load(foreign, subject.model.weights)
            session.close()
            cases.append(holds(name, False, "was loaded"))
        except BackendError as error:
            cases.append(holds(name, isinstance(error, Unsupported), f"{type(error).__name__}: {error}"))
    return outcome(cases, expected="Unsupported", look="`load`; program.py has `check_program`")


def programs_stand_alone(subject: Subject) -> Outcome:
    """A program is loaded by another object of the same backend; where the device is absent, `compile` works or is refused by a typed
    error, and `load` is DeviceAbsent."""
    try:
        program = subject.backend.compile(subject.model.graph, subject.limits, subject.new_folder())
    except Unsupported as error:
        raise NotJudged("UNSUPPORTED", f"compile: {error}") from error
    except DeviceAbsent as error:
        cases = [holds("compile without the device", not subject.device, f"DeviceAbsent: {error}")]
        return outcome(cases, expected="DeviceAbsent only where the probe gives no device", look="`compile`")
    try:
        session, _ = another(subject.backend).load(program, subject.model.weights)
    except DeviceAbsent as error:
        cases = [holds("load without the device", not subject.device, f"DeviceAbsent: {error}")]
        return outcome(cases, expected="DeviceAbsent only where the probe gives no device", look="`load`")
    session.close()
    cases = [holds("load by another object", bool(subject.device), "loaded" if subject.device else "loaded, and the probe gives no device")]
    return outcome(cases, expected="a program that needs nothing but itself", look="`load`")


def another(backend: Backend) -> Backend:
    """A second object of the same class, for the same choice where it stands for many devices; or the same one where its class wants
    arguments."""
    choice = backend.name.partition(":")[2]
    if choice and isinstance(backend, StandsForMany):
        return backend.choose(choice)
    try:
        return type(backend)()
    except TypeError:
        return backend


CHECKS = (
    Check(version),
    Check(probe_answers),
    Check(description_is_sourced),
    Check(verdicts_are_consistent),
    Check(unknown_types_are_refused),
    Check(fingerprints_are_stable),
    Check(foreign_programs_are_refused),
    Check(programs_stand_alone),
)
