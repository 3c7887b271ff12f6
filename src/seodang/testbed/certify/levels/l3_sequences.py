"""Level 3, model: a sequence's logits do not depend on how it was fed, nor on what else is there."""

import itertools
from collections.abc import Sequence

import numpy as np

from seodang.backends.contract import OutOfMemory, Session, Unsupported
from seodang.testbed.certify.check import Check
from seodang.testbed.certify.compare import worst_kl
from seodang.testbed.certify.finding import Case, NotJudged, Outcome, holds, outcome, within
from seodang.testbed.certify.levels.l0_steps import raises
from seodang.testbed.certify.subject import Subject, feed, optional, prefill

_EXPECTED = "the logits of the same tokens in a session of their own"
_CACHE = "what is read of the cache: rows, lengths, pages, positions"


def _alone(subject: Subject, row: Sequence[int]) -> np.ndarray:
    """Logits (1, V) after a row that is fed in one piece to a new session."""

    def work() -> np.ndarray:
        with subject.session() as session:
            return prefill(session, [row])[1].copy()

    return subject.once(f"alone {list(row)}", work)


def _same(subject: Subject, name: str, row: Sequence[int], logits: np.ndarray) -> Case:
    """That logits (V,) are those of the row alone."""
    return within(name, worst_kl(_alone(subject, row), logits.reshape(1, -1)), subject.kl_limit, "nat")


def _say(session: Session, handle: int, tokens: Sequence[int]) -> np.ndarray:
    """Feeds tokens to one sequence: logits (V,)."""
    step = session.decode if len(tokens) == 1 else session.prefill
    return step([feed(handle, tokens)]).logits[0].copy()


def chunked_prefill(subject: Subject) -> Outcome:
    """A prompt that is fed in pieces gives the logits of the whole."""
    row = subject.tokens(41, 31)
    cases: list[Case] = []
    with subject.session() as session:
        for name, sizes in {"40 + 1": [40, 1], "sevens": [7] * 5 + [6], "1, 2, 38": [1, 2, 38], "one by one": [1] * 41}.items():
            handle, begin, logits = session.kv.allocate(), 0, np.zeros(0)
            for size in sizes:
                logits, begin = _say(session, handle, row[begin : begin + size]), begin + size
            cases.append(_same(subject, name, row, logits))
            session.kv.free(handle)
        handle = session.kv.allocate()
        for begin in range(0, 40, 8):
            session.prefill([feed(handle, row[begin : begin + 8])])
        cases.append(_same(subject, "eights, then prefill of one", row, session.prefill([feed(handle, row[40:])]).logits[0]))
    return outcome(cases, expected=_EXPECTED, look="positions and the causal mask of a prefill that does not begin at 0")


def batch_invariance(subject: Subject) -> Outcome:
    """A sequence has the same logits alone and among others, in prefill and in decode."""
    rows = [subject.tokens(14, 40 + seed) for seed in range(subject.limits.max_sequences)]
    with subject.session() as session:
        handles, logits = prefill(session, rows)
        cases = [_same(subject, f"prefill, row {place} of {len(rows)}", row, logits[place]) for place, row in enumerate(rows)]
        step = session.decode([feed(handle, [11 + place]) for place, handle in enumerate(handles)]).logits
        cases += [_same(subject, f"decode, row {place} of {len(rows)}", [*row, 11 + place], step[place]) for place, row in enumerate(rows)]
    return outcome(cases, expected=_EXPECTED, look="what rows of a batch share: buffers, routed experts, padding")


def order_of_the_batch(subject: Subject) -> Outcome:
    """Feeds in another order give the same logits in that order; a part of the batch goes on without the rest."""
    rows = [subject.tokens(count, 50 + count) for count in (9, 4, 13, 6)]
    with subject.session() as session:
        handles, _ = prefill(session, rows)
        order = [2, 0, 3, 1]
        step = session.decode([feed(handles[place], [20 + place]) for place in order]).logits
        cases = [_same(subject, f"row {place} fed as {at}", [*rows[place], 20 + place], step[at]) for at, place in enumerate(order)]
        part = session.decode([feed(handles[place], [30]) for place in (3, 2)]).logits
        cases += [_same(subject, f"row {place} of a part", [*rows[place], 20 + place, 30], part[at]) for at, place in enumerate((3, 2))]
    return outcome(cases, expected=_EXPECTED, look="which row of the cache belongs to which feed")


def uneven_lengths(subject: Subject) -> Outcome:
    """Rows of very different lengths in one step do not touch each other: nothing attends to padding, no padding enters the experts."""
    rows = [subject.tokens(count, 60 + count) for count in (1, 33, 2, 17, 8)]
    with subject.session() as session:
        handles, logits = prefill(session, rows)
        cases = [_same(subject, f"{len(row)} tokens", row, logits[place]) for place, row in enumerate(rows)]
        mixed = [[7], [8, 9, 10], [11], [12, 13], [14] * 9]
        step = session.prefill([feed(handle, more) for handle, more in zip(handles, mixed, strict=True)]).logits
        for place, (row, more) in enumerate(zip(rows, mixed, strict=True)):
            cases.append(_same(subject, f"{len(row)} tokens and {len(more)} more", [*row, *more], step[place]))
    return outcome(cases, expected=_EXPECTED, look="padding: masks, positions, and what the router is given")


def permuted_pages(subject: Subject) -> Outcome:
    """Sequences that are freed and allocated in a random order lie on other pages and give the same logits."""
    rng = np.random.default_rng(7)
    live: dict[int, list[int]] = {}
    cases: list[Case] = []
    with subject.session() as session:
        for turn in range(24):
            full = len(live) == subject.limits.max_sequences
            if live and (full or rng.random() < 0.4):
                handle = int(rng.choice(sorted(live)))
                del live[handle]
                session.kv.free(handle)
            handle = session.kv.allocate()
            row = subject.tokens(int(rng.integers(1, 14)), 70 + turn)
            live[handle] = row
            session.prefill([feed(handle, row)])
        last = session.decode([feed(handle, [9]) for handle in live]).logits
        for place, row in enumerate(live.values()):
            cases.append(_same(subject, f"sequence {place} of {len(live)}", [*row, 9], last[place]))
    return outcome(cases, expected=_EXPECTED, look="the table of pages, or rows of the cache, after `free`")


def freed_sequences_leave_nothing(subject: Subject) -> Outcome:
    """A new sequence does not see what a freed one left in the cache."""
    short = subject.tokens(3, 81)
    with subject.session() as session:
        handles, _ = prefill(session, [subject.tokens(30, 82 + place) for place in range(3)])
        for handle in handles:
            session.kv.free(handle)
        again, logits = prefill(session, [short, subject.tokens(5, 86)])
        cases = [
            holds("is empty", session.kv.length(again[0]) == 3, f"{session.kv.length(again[0])} tokens after 3"),
            _same(subject, "prefill of 3 tokens", short, logits[0]),
            _same(subject, "decode", [*short, 9], _say(session, again[0], [9])),
        ]
    return outcome(cases, expected=_EXPECTED, look="`kv.free`: lengths that are not set back, keys beyond the length")


def copies_go_their_own_way(subject: Subject) -> Outcome:
    """A copy has the same tokens, and neither sees what the other is fed, together or before it, nor that it is freed."""
    row = subject.tokens(18, 91)
    with subject.session() as session:
        (first,), _ = prefill(session, [row])
        second = optional(lambda: session.kv.copy(first), "kv.copy")
        third = session.kv.copy(first)
        cases = [holds("length", session.kv.length(second) == len(row), str(session.kv.length(second)))]
        cases.append(_same(subject, "the first alone", [*row, 5], _say(session, first, [5])))
        cases.append(_same(subject, "a copy, after the first went on", [*row, 6], _say(session, second, [6])))
        both = session.decode([feed(first, [8]), feed(third, [7])]).logits
        cases += [
            _same(subject, "the first, in a step with a copy", [*row, 5, 8], both[0]),
            _same(subject, "that copy", [*row, 7], both[1]),
        ]
        cases.append(_same(subject, "a copy, two more", [*row, 6, 8, 9], _say(session, second, [8, 9])))
        session.kv.free(first)
        prefill(session, [subject.tokens(20, 92)])
        cases.append(_same(subject, "a copy, after the first is freed", [*row, 6, 8, 9, 4], _say(session, second, [4])))
    return outcome(cases, expected=_EXPECTED, look="`kv.copy`: pages that two sequences share")


def preempted_and_resumed(subject: Subject) -> Outcome:
    """A sequence that is exported, freed and restored goes on as if nothing had been; the export is of its moment."""
    row = subject.tokens(22, 95)
    with subject.session() as session:
        (handle,), _ = prefill(session, [row])
        state = optional(lambda: session.kv.export(handle), "kv.export")
        cases = [holds("num_tokens", state.num_tokens == len(row), str(state.num_tokens))]
        cases.append(_same(subject, "the exported one goes on", [*row, 5, 6], _say(session, handle, [5, 6])))
        session.kv.free(handle)
        others, _ = prefill(session, [subject.tokens(25, 96 + place) for place in range(3)])
        try:
            back = session.kv.restore(state)
        except Unsupported as error:
            if all(case.status == "PASS" for case in cases):
                raise NotJudged("UNSUPPORTED", f"kv.restore: {error}") from error
            return outcome(cases, expected=_EXPECTED, look="`kv.export`: what it says of the sequence")
        cases.append(holds("length", session.kv.length(back) == len(row), str(session.kv.length(back))))
        both = session.decode([feed(others[0], [3]), feed(back, [7])]).logits
        cases.append(_same(subject, "the restored one", [*row, 7], both[1]))
        again = session.kv.restore(state)
        cases.append(_same(subject, "restored once more", [*row, 8], _say(session, again, [8])))
    return outcome(cases, expected=_EXPECTED, look="`kv.export` and `kv.restore`: every layer, every token, no shared buffers")


def interleaved_sequences(subject: Subject) -> Outcome:
    """Two sequences that are fed in turn, in pieces of all sizes and in mixed steps, do not mix."""
    a, b = subject.tokens(26, 101), subject.tokens(26, 102)
    with subject.session() as session:
        first, second = session.kv.allocate(), session.kv.allocate()
        _say(session, first, a[:5])
        _say(session, second, b[:1])
        _say(session, first, a[5:6])
        session.prefill([feed(second, b[1:9]), feed(first, a[6:7])])
        middle = session.prefill([feed(first, a[7:20]), feed(second, b[9:10])]).logits
        cases = [_same(subject, "the first, 20 tokens", a[:20], middle[0]), _same(subject, "the second, 10 tokens", b[:10], middle[1])]
        for place in range(20, 25):
            _say(session, first, a[place : place + 1])
            _say(session, second, b[place - 10 : place - 9])
        cases.append(_same(subject, "the first, 26 tokens", a, _say(session, first, a[25:])))
        cases.append(_same(subject, "the second, 16 tokens", b[:16], _say(session, second, b[15:16])))
    return outcome(cases, expected=_EXPECTED, look=_CACHE)


def long_sequence(subject: Subject) -> Outcome:
    """A sequence is fed up to `max_context` exactly, in pieces, with the logits of the reference at its end."""
    longest = subject.limits.max_context
    row = subject.tokens(longest, 111)
    with subject.session() as session:
        (handle,), _ = prefill(session, [row[: longest // 2]])
        for begin in range(longest // 2, longest - 4, 4):
            session.prefill([feed(handle, row[begin : begin + 4])])
        for token in row[-4:-1]:
            _say(session, handle, [token])
        last = _say(session, handle, row[-1:])
        whole = prefill(session, [row])[1]
        length = session.kv.length(handle)
    limit = subject.kl_limit
    truth = subject.truth([row])
    cases = [
        holds("length", length == longest, f"{length} of {longest}"),
        within("in pieces", worst_kl(truth, last[None]), limit, "nat"),
        within("in one piece", worst_kl(truth, whole), limit, "nat"),
    ]
    return outcome(cases, expected="the reference's logits", look="far positions, and the last row of the cache")


def at_the_limit(subject: Subject) -> Outcome:
    """After a prefill that leaves room for one token, one is decoded and the next is OutOfMemory; other sequences go on."""
    longest = subject.limits.max_context
    row, other = subject.tokens(longest, 121), subject.tokens(10, 122)
    with subject.session() as session:
        (near,), _ = prefill(session, [row[:-1]])
        (short,), _ = prefill(session, [other])
        cases = [_same(subject, "the last token that fits", row, _say(session, near, row[-1:]))]
        cases.append(raises("one more", lambda: session.decode([feed(short, [5]), feed(near, [5])]), OutOfMemory))
        lengths = [session.kv.length(near), session.kv.length(short)]
        cases.append(holds("lengths after it", lengths == [longest, 10], str(lengths)))
        cases.append(_same(subject, "another sequence goes on", [*other, 6], _say(session, short, [6])))
        session.kv.free(near)
        cases.append(_same(subject, "its place is used again", other, prefill(session, [other])[1][0]))
    return outcome(cases, expected="OutOfMemory, and everything else as before", look="the check against `max_context`")


def repeated_steps(subject: Subject) -> Outcome:
    """The same token fed again and again gives each step's own logits, as the reference's: no result is reused."""
    row = subject.tokens(6, 131)
    rows = [[*row, *[9] * count] for count in range(1, 7)]
    truth = subject.truth(rows)
    steps: list[np.ndarray] = []
    with subject.session() as session:
        handle = session.kv.allocate()
        session.prefill([feed(handle, row)])
        steps += [_say(session, handle, [9]) for _ in rows]
        twins = [session.kv.allocate() for _ in range(2)]
        pair = session.prefill([feed(twin, row) for twin in twins]).logits
        later = session.prefill([feed(twins[0], [9, 9]), feed(twins[1], [9, 8])]).logits
    limit = subject.kl_limit
    cases = [within(f"repetition {place + 1}", worst_kl(truth[place][None], step[None]), limit, "nat") for place, step in enumerate(steps)]
    cases.append(within("equal rows in one step", worst_kl(pair[:1], pair[1:]), limit, "nat"))
    cases.append(_same(subject, "rows that part", [*row, 9, 8], later[1]))
    moved = min(float(np.abs(a - b).max()) for a, b in itertools.pairwise(truth))
    cases.append(holds("the reference moves at each step", moved > 0, f"{moved:.3g}"))
    return outcome(cases, expected="the reference's logits of each length", look="caches of results, and graphs that are captured once")


def equal_runs(subject: Subject) -> Outcome:
    """The same steps in a new session give the same logits, to the bit where the backend claims to be deterministic."""
    rows = [subject.tokens(count, 141) for count in (19, 7, 11)]
    runs: list[np.ndarray] = []
    for _ in range(3):
        with subject.session() as session:
            handles, logits = prefill(session, rows)
            steps = [logits.copy()]
            steps += [session.decode([feed(handle, [20 + step]) for handle in handles]).logits.copy() for step in range(3)]
        runs.append(np.concatenate(steps))
    exact = subject.deterministic
    claim = "claimed deterministic" if exact else "not claimed deterministic"
    cases: list[Case] = []
    for place, run in enumerate(runs[1:], 2):
        cases.append(within(f"run {place}", worst_kl(runs[0], run), subject.kl_limit, "nat", claim))
        if exact:
            differ = int((run != runs[0]).sum())
            cases.append(within(f"run {place}, logits of other bits", differ, 0, "1", f"of {run.size}"))
    return outcome(cases, expected="equal logits; equal bits where claimed", look="atomic sums, threads, and `execution.deterministic`")


CHECKS = (
    Check(chunked_prefill),
    Check(batch_invariance),
    Check(order_of_the_batch),
    Check(uneven_lengths),
    Check(permuted_pages),
    Check(freed_sequences_leave_nothing),
    Check(copies_go_their_own_way),
    Check(preempted_and_resumed),
    Check(interleaved_sequences),
    Check(long_sequence),
    Check(at_the_limit),
    Check(repeated_steps),
    Check(equal_runs),
)
