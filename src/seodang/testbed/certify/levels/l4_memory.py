"""Level 4, memory: what is planned, what is live, and what happens where it does not fit."""

import gc
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from seodang.backends.contract import OutOfMemory, Session, Unsupported
from seodang.testbed.certify.check import Check
from seodang.testbed.certify.compare import worst_kl
from seodang.testbed.certify.finding import Case, NotJudged, Outcome, holds, outcome, within
from seodang.testbed.certify.levels.l0_steps import raises, resident_bytes
from seodang.testbed.certify.subject import Subject, feed, optional, prefill

_TOLERANCE = 0.05
_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
_LARGE_VOCABULARY = 65_536  # 34 MB of weights in float32: more than an allocator keeps
_ROUNDS = 3


def _fill(subject: Subject, session: Session) -> list[int]:
    """All sequences, all full."""
    limits, handles = subject.limits, list[int]()
    piece = min(limits.max_step_tokens, limits.max_context)
    for place in range(limits.max_sequences):
        handle = session.kv.allocate()
        row = subject.tokens(limits.max_context, 170 + place)
        for begin in range(0, limits.max_context, piece):
            session.prefill([feed(handle, row[begin : begin + piece])])
        handles.append(handle)
    return handles


def plan_is_what_is_live(subject: Subject) -> Outcome:
    """With all sequences full, live bytes of weights and cache are those of the plan within 5 %, and not fewer than the numbers need."""
    graph, limits = subject.model.graph, subject.limits
    subject.compile()  # UNSUPPORTED where the model is, or the type
    plan = optional(lambda: subject.backend.plan_memory(graph, limits), "plan_memory")
    session, report = subject.open()
    try:
        _fill(subject, session)
        live = dict(session.memory())
    finally:
        session.close()
    each = _BYTES[subject.dtype]
    weights = each * sum(int(np.prod(shape)) for shape in graph.tensors.values())
    kv = each * sum(graph.cached) * limits.max_sequences * limits.max_context
    cases = [
        _apart("weights, plan", plan.weights, live["weights"]),
        _apart("cache, plan", plan.kv, live["kv"]),
        _apart("weights, report of loading", report.num_bytes, live["weights"]),
        within("all that is live, over the plan", sum(live.values()) / plan.total - 1, _TOLERANCE, "1"),
        within("weights, below what the type needs", 1 - live["weights"] / weights, _TOLERANCE, "1", f"{subject.dtype}: {weights} B"),
        within("cache, below what the type needs", 1 - live["kv"] / kv, _TOLERANCE, "1", f"{subject.dtype}: {kv} B"),
        holds("no part of the plan is negative", min(plan.weights, plan.kv, plan.activations, plan.workspace, plan.reserve) >= 0),
    ]
    return outcome(cases, expected="a plan within 5 % of what is live", look="`plan_memory`, `memory`, `LoadReport.num_bytes`")


def _apart(name: str, planned: int, live: int) -> Case:
    """Two counts of bytes, as a share of what is live."""
    return within(name, abs(planned - live) / max(live, 1), _TOLERANCE, "1", f"{planned} B, live {live} B")


def plan_grows_with_limits(subject: Subject) -> Outcome:
    """Twice the sequences, or twice the context, plan twice the cache; weights stay."""
    subject.compile()  # UNSUPPORTED where the model is
    plan = optional(lambda: subject.backend.plan_memory(subject.model.graph, subject.limits), "plan_memory")
    cases: list[Case] = []
    for name in ("max_sequences", "max_context"):
        larger = replace(subject.limits, **{name: 2 * getattr(subject.limits, name)})
        try:
            twice = subject.backend.plan_memory(subject.model.graph, larger)
        except (Unsupported, OutOfMemory) as error:
            cases.append(Case(f"twice {name}", "UNSUPPORTED", note=str(error)))
            continue
        cases.append(
            within(f"cache with twice {name}", abs(twice.kv / max(plan.kv, 1) - 2) / 2, _TOLERANCE, "1", f"{plan.kv} B, {twice.kv} B")
        )
        cases.append(holds(f"weights with twice {name}", twice.weights == plan.weights, f"{plan.weights} B, {twice.weights} B"))
    return outcome(cases, expected="a cache in proportion", look="`plan_memory`")


def memory_is_given_back(subject: Subject) -> Outcome:
    """Filling and freeing again and again needs no more than once, a freed cache is as large as an empty one, and closing gives back
    what loading took."""
    with subject.session() as session:
        empty, full = session.memory()["kv"], list[int]()
        for _ in range(_ROUNDS):
            handles = _fill(subject, session)
            full.append(session.memory()["kv"])
            for handle in handles:
                session.kv.free(handle)
        freed = session.memory()["kv"]
    cases = [
        holds("full again and again", max(full) <= full[0] * (1 + _TOLERANCE), f"{full} B"),
        holds("freed as before it was filled", freed <= empty + _TOLERANCE * full[0], f"{freed} B, empty {empty} B, full {full[0]} B"),
    ]
    try:
        cases.append(_falls(subject.variant(vocab_size=_LARGE_VOCABULARY)))
    except NotJudged as error:
        cases.append(Case("the process after close", error.status, note=str(error)))
    return outcome(cases, expected="no growth, and memory that returns", look="`kv.free`, `close`, caches of freed blocks")


def _falls(larger: Subject) -> Case:
    """That the process is nearly as large after `close` as before `load`."""
    num_bytes = sum(int(values.nbytes) for values in larger.model.weights.values())
    with larger.session() as session:
        prefill(session, [larger.tokens(4, 180)])  # what is made once in a process is made now
    gc.collect()
    before = resident_bytes()
    with larger.session() as session:
        prefill(session, [larger.tokens(4, 181)])
    gc.collect()
    growth = resident_bytes() - before
    return within("the process after close", growth, num_bytes / 2, "B", f"weights are {num_bytes} B")


def out_of_memory_is_clean(subject: Subject) -> Outcome:
    """When everything is full, whatever would need more is OutOfMemory and takes nothing; after a sequence is freed the session works."""
    limits = subject.limits
    with subject.session() as session:
        handles = _fill(subject, session)
        live = dict(session.memory())
        wanted: dict[str, Callable[[], object]] = {
            "allocate": lambda: session.kv.allocate(),
            "decode of all": lambda: session.decode([feed(handle, [5]) for handle in handles]),
            "prefill of one": lambda: session.prefill([feed(handles[0], [5, 6])]),
            "copy": lambda: optional(lambda: session.kv.copy(handles[0]), "kv.copy"),
        }
        cases = [_full(name, work) for name, work in wanted.items() for _ in range(2)]
        after = dict(session.memory())
        cases.append(holds("live bytes", sum(after.values()) <= sum(live.values()) * (1 + _TOLERANCE), f"{after}, were {live}"))
        lengths = {session.kv.length(handle) for handle in handles}
        cases.append(holds("lengths", lengths == {limits.max_context}, str(lengths)))
        session.kv.free(handles[3])
        row = subject.tokens(11, 191)
        _, logits = prefill(session, [row])
        cases.append(within("a new sequence", worst_kl(subject.truth([row]), logits), subject.kl_limit, "nat"))
    return outcome(cases, expected="OutOfMemory, and a session that goes on", look="where room is taken before it is checked")


def _full(name: str, work: Callable[[], object]) -> Case:
    try:
        return raises(name, work, OutOfMemory)
    except NotJudged as error:
        return Case(name, error.status, note=str(error))


CHECKS = (
    Check(plan_is_what_is_live),
    Check(plan_grows_with_limits),
    Check(memory_is_given_back, tiny_only=True),
    Check(out_of_memory_is_clean),
)
