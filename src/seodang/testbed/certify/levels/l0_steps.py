"""Level 0, contract: sessions, handles and typed errors."""

import gc
import math
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from seodang.backends.contract import BackendError, Feed, InvalidHandle, KVState, OutOfMemory, Session, StepResult, Unsupported
from seodang.testbed.certify.check import Check
from seodang.testbed.certify.compare import worst_kl
from seodang.testbed.certify.finding import Case, NotJudged, Outcome, holds, outcome, within
from seodang.testbed.certify.subject import Subject, feed, optional, prefill

_CYCLES = 20
_WARM = 3
_LEAK_VOCABULARY = 8192  # so that a leak of weights is larger than what an allocator keeps


def raises(name: str, work: Callable[[], object], wanted: type[BackendError]) -> Case:
    """That something is refused with an error of the contract."""
    try:
        work()
    except NotJudged:
        raise
    except Exception as error:  # noqa: BLE001 - an error of another type is what is looked for
        return holds(name, isinstance(error, wanted), f"{type(error).__name__}: {error}")
    return holds(name, False, f"was done; {wanted.__name__} is what the contract says")


def results_are_as_promised(subject: Subject) -> Outcome:
    """A step gives finite float32 logits (B, V) of its own, a time and a clock."""
    rows = [subject.tokens(5, 1), subject.tokens(3, 2)]
    with subject.session() as session:
        handles = [session.kv.allocate() for _ in rows]
        result = session.prefill([feed(handle, row) for handle, row in zip(handles, rows, strict=True)])
        kept = np.array(result.logits, copy=True)
        later = session.decode([feed(handle, [7]) for handle in handles])
        session.synchronize()
        lengths = [session.kv.length(handle) for handle in handles]
        live = dict(session.memory())
    cases = [
        holds("is a StepResult", type(result) is StepResult, type(result).__name__),
        holds("float32", result.logits.dtype == np.float32, str(result.logits.dtype)),
        holds("shape (B, V)", result.logits.shape == (2, subject.model.graph.vocabulary), str(result.logits.shape)),
        holds("finite", bool(np.isfinite(result.logits).all())),
        holds("not changed by a later step", bool((result.logits == kept).all())),
        holds("another step gives others", not np.array_equal(later.logits, kept)),
        holds("device_s is a time", math.isfinite(result.device_s) and result.device_s >= 0, f"{result.device_s} s"),
        holds("clock", result.clock in ("measured", "virtual"), result.clock),
        holds("lengths grow", lengths == [6, 4], str(lengths)),
        holds("memory has weights and kv", {"weights", "kv"} <= set(live) and all(size >= 0 for size in live.values()), str(live)),
    ]
    return outcome(cases, expected="logits (B, V) float32, finite, kept; lengths that grow", look="`prefill`, `decode`, `memory`")


def handles_are_checked(subject: Subject) -> Outcome:
    """A handle that was freed or never given is InvalidHandle wherever it is used, and no handle is given twice."""
    with subject.session() as session:
        kv = session.kv
        first, second = kv.allocate(), kv.allocate()
        kv.free(first)
        given = {first, second, kv.allocate()}
        cases = [holds("no handle is given twice", len(given) == 3, str(sorted(given)))]
        for name, handle in {"freed": first, "never given": 10_000, "negative": -1}.items():
            uses: dict[str, Callable[[], object]] = {
                "free": lambda handle=handle: kv.free(handle),
                "length": lambda handle=handle: kv.length(handle),
                "copy": lambda handle=handle: kv.copy(handle),
                "export": lambda handle=handle: kv.export(handle),
                "prefill": lambda handle=handle: session.prefill([feed(handle, [5, 6])]),
                "decode": lambda handle=handle: session.decode([feed(handle, [5])]),
            }
            cases += [raises(f"{use} of a {name} handle", work, InvalidHandle) for use, work in uses.items()]
        cases.append(holds("the live one is untouched", kv.length(second) == 0))
    return outcome(cases, expected="InvalidHandle", look="`kv`; sequences.py has bookkeeping for handles")


def _bad_steps(subject: Subject, session: Session, a: int, b: int) -> dict[str, tuple[Callable[[], object], type[BackendError]]]:
    """Steps that must be refused; most feed the good sequence `a` first, which must not grow."""
    good, vocabulary, limits = feed(a, [5, 6]), subject.model.graph.vocabulary, subject.limits
    many = limits.max_step_tokens // 2 + 1

    def step(*feeds: Feed) -> Callable[[], object]:
        return lambda: session.prefill(feeds)

    return {
        "no feed": (step(), Unsupported),
        "an empty feed": (step(good, feed(b, [])), Unsupported),
        "a token beyond the vocabulary": (step(good, feed(b, [vocabulary])), Unsupported),
        "a negative token": (step(good, feed(b, [-1])), Unsupported),
        "tokens in two rows": (step(good, Feed(b, np.array([[5, 6]], np.int64))), Unsupported),
        "a sequence twice": (step(good, good), Unsupported),
        "a dead sequence behind a good one": (step(good, feed(10_000, [5])), InvalidHandle),
        "longer than max_context": (step(feed(a, [5]), feed(b, [5] * (limits.max_context - 2))), OutOfMemory),
        "more than max_step_tokens": (step(feed(a, [5] * many), feed(b, [5] * many)), OutOfMemory),
        "decode of two tokens": (lambda: session.decode([feed(a, [5]), feed(b, [5, 6])]), Unsupported),
    }


def steps_are_atomic(subject: Subject) -> Outcome:
    """A step that is refused has the contract's error, changes no sequence, and the session goes on as if it had not been."""
    rows = [subject.tokens(6, 3), subject.tokens(4, 4)]
    with subject.session() as session:
        handles, _ = prefill(session, rows)
        undisturbed = session.decode([feed(handle, [9]) for handle in handles]).logits.copy()
    cases: list[Case] = []
    with subject.session() as session:
        (a, b), _ = prefill(session, rows)
        for name, (work, wanted) in _bad_steps(subject, session, a, b).items():
            cases.append(raises(name, work, wanted))
            lengths = [session.kv.length(a), session.kv.length(b)]
            if lengths != [6, 4]:
                cases.append(holds(f"lengths after {name}", False, f"{lengths}, were [6, 4]"))
                break
        else:
            after = session.decode([feed(a, [9]), feed(b, [9])]).logits
            cases.append(within("logits after all of them", worst_kl(undisturbed, after), subject.kl_limit, "nat"))
    return outcome(cases, expected="the contract's error, and sequences as they were", look="`prefill`, `decode`: check before you change")


def foreign_caches_are_refused(subject: Subject) -> Outcome:
    """What a session of another model exported, or of another backend, is not restored: it is Unsupported and takes no room."""
    row = subject.tokens(5, 9)
    changes = ({"num_hidden_layers": 2}, {"kv_lora_rank": 24} if subject.family == "latent" else {"num_key_value_heads": 4})
    cases: list[Case] = []
    with subject.session() as session:
        handles, before = prefill(session, [row])
        own = optional(lambda: session.kv.export(handles[0]), "kv.export")
        handles.append(optional(lambda: session.kv.restore(own), "kv.restore"))
        strange: dict[str, KVState] = {"of another backend": KVState(5, "no cache")}
        for changed in changes:
            name = "with other " + ", ".join(changed)
            try:
                with subject.variant(**changed).session() as other:
                    strange[name] = other.kv.export(prefill(other, [row])[0][0])
            except NotJudged as error:
                cases.append(Case(name, error.status, note=str(error)))
        cases += [raises(name, lambda state=state: session.kv.restore(state), Unsupported) for name, state in strange.items()]
        room = subject.limits.max_sequences - len(handles)
        cases.append(holds("they take no room", _allocated(session, room) == room, f"room for {room}"))
        state = session.kv.export(handles[1])
        for handle in handles:
            session.kv.free(handle)
        restored = session.kv.restore(state)
        went_on = session.decode([feed(restored, [9])]).logits
    with subject.session() as session:
        (handle,), again = prefill(session, [row])
        undisturbed = session.decode([feed(handle, [9])]).logits
    cases.append(within("its own cache, afterwards", worst_kl(undisturbed, went_on), subject.kl_limit, "nat"))
    cases.append(within("the same prompt, twice", worst_kl(before, again), subject.kl_limit, "nat"))
    return outcome(cases, expected="Unsupported", look="`kv.restore`: layers and widths of what it is given")


def _allocated(session: Session, count: int) -> int:
    """How many of so many sequences there is room for; those are freed again."""
    handles: list[int] = []
    try:
        for _ in range(count):
            handles.append(session.kv.allocate())
    except OutOfMemory:
        pass
    for handle in handles:
        session.kv.free(handle)
    return len(handles)


def sequences_are_limited(subject: Subject) -> Outcome:
    """One sequence more than `max_sequences` is OutOfMemory, and freeing one makes room."""
    with subject.session() as session:
        handles = [session.kv.allocate() for _ in range(subject.limits.max_sequences)]
        cases = [raises("one more", session.kv.allocate, OutOfMemory)]
        if cases[0].status == "PASS":
            session.kv.free(handles[2])
            again = session.kv.allocate()
            cases.append(holds("after one is freed", session.kv.length(again) == 0))
            logits = session.prefill([feed(again, [5, 6])]).logits
            cases.append(holds("which can be used", bool(np.isfinite(logits).all())))
    return outcome(cases, expected="OutOfMemory, then room", look="`kv.allocate`")


def closes_twice(subject: Subject) -> Outcome:
    """A session is closed twice without harm, and any other use of it is InvalidHandle."""
    session, _ = subject.open()
    handles, _ = prefill(session, [subject.tokens(4, 5)])
    session.close()
    session.close()
    uses: dict[str, Callable[[], object]] = {
        "prefill": lambda: session.prefill([feed(handles[0], [5])]),
        "decode": lambda: session.decode([feed(handles[0], [5])]),
        "allocate": lambda: session.kv.allocate(),
        "length": lambda: session.kv.length(handles[0]),
        "free": lambda: session.kv.free(handles[0]),
        "memory": session.memory,
        "synchronize": session.synchronize,
    }
    cases = [raises(f"{name} after close", work, InvalidHandle) for name, work in uses.items()]
    return outcome(cases, expected="InvalidHandle", look="`close`")


def loads_again(subject: Subject) -> Outcome:
    """A model is loaded again in one process, also while another session of it is open, with the same results."""
    row = [subject.tokens(9, 6)]
    first, _ = subject.open()
    try:
        handles, before = prefill(first, row)
        with subject.session() as second:
            beside = prefill(second, row)[1]
            second.decode([feed(second.kv.allocate(), [5])])
        went_on = first.decode([feed(handles[0], [8])]).logits
    finally:
        first.close()
    with subject.session() as third:
        handles, after = prefill(third, row)
        fresh = third.decode([feed(handles[0], [8])]).logits
    limit = subject.kl_limit
    cases = [
        within("a second session beside the first", worst_kl(before, beside), limit, "nat"),
        within("the first, after the second was closed", worst_kl(fresh, went_on), limit, "nat"),
        within("a third after both", worst_kl(before, after), limit, "nat"),
    ]
    return outcome(cases, expected="equal logits", look="what sessions share: globals, caches, devices' contexts")


def nothing_leaks(subject: Subject) -> Outcome:
    """Twenty loads and closes leave the process as large as it was, and every session says that it has as many bytes as the first."""
    larger = subject.variant(vocab_size=_LEAK_VOCABULARY)
    sizes: list[int] = []
    live: set[int] = set()
    for _ in range(_CYCLES):
        with larger.session() as session:
            prefill(session, [larger.tokens(8, 7)])
            live.add(session.memory()["weights"])
        gc.collect()
        sizes.append(resident_bytes())
    num_bytes = sum(int(values.nbytes) for values in larger.model.weights.values())
    growth = sizes[-1] - sizes[_WARM]
    limit = num_bytes * (_CYCLES - _WARM) / 4
    cases = [
        within(f"growth of the process in {_CYCLES - _WARM - 1} cycles", growth, limit, "B", f"weights are {num_bytes} B"),
        holds("equal bytes of weights", len(live) == 1, str(sorted(live))),
    ]
    return outcome(cases, expected="less than a quarter of the weights a cycle", look="`close`, and what `load` keeps")


def resident_bytes() -> int:
    """Bytes of this process in memory, as Linux counts them."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def works_in_another_thread(subject: Subject) -> Outcome:
    """A session that one thread opened is used by others, one after another."""
    row = subject.tokens(7, 8)
    found: list[np.ndarray] = []
    faults: list[str] = []

    def go_on(session: Session, handle: int, tokens: Sequence[int]) -> None:
        try:
            found.append(session.prefill([feed(handle, tokens)]).logits.copy())
        except Exception as error:  # noqa: BLE001 - told in the finding; a thread's exception would be lost
            faults.append(f"{type(error).__name__}: {error}")

    with subject.session() as session:
        here, there = session.kv.allocate(), session.kv.allocate()
        for tokens in (row[:4], row[4:]):
            go_on(session, here, tokens)
            thread = threading.Thread(target=go_on, args=(session, there, tokens))
            thread.start()
            thread.join()
    cases = [holds("no error", not faults, "; ".join(faults))]
    if not faults:
        cases.append(within("two threads, one piece each", worst_kl(found[-2], found[-1]), subject.kl_limit, "nat"))
    return outcome(cases, expected="the same logits as in one thread", look="state that belongs to a thread")


CHECKS = (
    Check(results_are_as_promised),
    Check(handles_are_checked),
    Check(steps_are_atomic),
    Check(foreign_caches_are_refused),
    Check(sequences_are_limited),
    Check(closes_twice),
    Check(loads_again),
    Check(nothing_leaks),
    Check(works_in_another_thread),
)
