"""Level 4, honesty of loading: every tensor that is given is used, and nothing else."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from seodang.backends.contract import WeightsRefused
from seodang.testbed.certify.check import Check
from seodang.testbed.certify.compare import worst_kl
from seodang.testbed.certify.finding import Case, Outcome, holds, outcome, within
from seodang.testbed.certify.levels.l0_steps import raises
from seodang.testbed.certify.subject import Subject, prefill


class Seen(Mapping[str, np.ndarray]):
    """Weights with some replaced, added or taken away, that count how often each is read."""

    def __init__(self, weights: Mapping[str, np.ndarray], put: Mapping[str, np.ndarray] | None = None, without: str = "") -> None:
        self._weights, self._put = weights, dict(put or {})
        self._names = [name for name in dict.fromkeys([*weights, *self._put]) if name != without]
        self.reads = dict.fromkeys(self._names, 0)

    def __getitem__(self, name: str) -> np.ndarray:
        self.reads[name] += 1
        return self._put[name] if name in self._put else self._weights[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def every_tensor_is_consumed(subject: Subject) -> Outcome:
    """Loading reads every tensor of the graph and reports each of them once, and nothing that it was not given."""
    seen = Seen(subject.model.weights)
    session, report = subject.open(weights=seen)
    session.close()
    wanted = set(subject.model.graph.tensors)
    unread = [name for name in wanted if not seen.reads[name]]
    left_out, strange = sorted(wanted - set(report.consumed)), sorted(set(report.consumed) - wanted)
    spare = sorted(set(subject.model.weights) - wanted)
    cases = [
        holds("every tensor is read", not unread, f"{len(unread)} are not: {sorted(unread)[:3]}" if unread else f"{len(wanted)} are"),
        holds("every tensor is reported", not left_out, f"left out: {left_out[:3]}" if left_out else ""),
        holds("nothing else is reported", not strange, f"also: {strange[:3]}" if strange else ""),
        holds("none is reported twice", len(set(report.consumed)) == len(report.consumed), f"{len(report.consumed)} names"),
        holds("unused ones are told", sorted(report.unused) == spare, f"told {sorted(report.unused)[:3]}, given {spare[:3]}"),
        holds("bytes are told", report.num_bytes > 0, f"{report.num_bytes} B"),
    ]
    return outcome(cases, expected="each tensor read and reported once", look="`load`, and the names of `LoadReport.consumed`")


def unused_tensors_are_told(subject: Subject) -> Outcome:
    """Tensors that belong to no node are reported as unused and change nothing."""
    extra = {"model.layers.0.surplus.weight": np.full((3, 5), 7, np.float32), "surplus": np.ones(4, np.float32)}
    rows = [subject.tokens(9, 141)]
    with subject.session() as session:
        before = prefill(session, rows)[1].copy()
    session, report = subject.open(weights=Seen(subject.model.weights, extra))
    try:
        after = prefill(session, rows)[1].copy()
    finally:
        session.close()
    cases = [
        holds("both are told", set(extra) <= set(report.unused), str(sorted(report.unused)[:4])),
        holds("neither is called consumed", not set(extra) & set(report.consumed)),
        within("logits", worst_kl(before, after), subject.kl_limit, "nat"),
    ]
    return outcome(cases, expected="two unused tensors", look="`LoadReport.unused`")


def _samples(subject: Subject) -> list[str]:
    """The first and the last tensor of each operator and role."""
    found: dict[tuple[str, str], list[str]] = {}
    for node in subject.model.graph.nodes:
        for role, tensor in node.weights.items():
            found.setdefault((node.op, role.partition(".")[0]), []).append(tensor)
    return list(dict.fromkeys(name for names in found.values() for name in (names[0], names[-1])))


def _refused(subject: Subject, name: str, weights: Mapping[str, np.ndarray], tensor: str) -> Case:
    def load() -> None:
        session, _ = subject.open(weights=weights)
        session.close()

    case = raises(name, load, WeightsRefused)
    if case.status == "PASS" and tensor not in case.note:
        return holds(name, False, f"the error does not name `{tensor}`: {case.note}")
    return case


def missing_tensors_are_refused(subject: Subject) -> Outcome:
    """A model with one tensor too few is WeightsRefused, by that tensor's name, whichever it is; the whole one loads afterwards."""
    cases = [_refused(subject, f"without {name}", Seen(subject.model.weights, without=name), name) for name in _samples(subject)]
    cases.append(_loads(subject))
    return outcome(cases, expected="WeightsRefused, naming the tensor", look="`load`; weights.py has `check_weights`")


def misshapen_tensors_are_refused(subject: Subject) -> Outcome:
    """A tensor of another shape is WeightsRefused, by its name: turned, flattened, with a row less or a row more."""
    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "a row less": lambda values: values[:-1],
        "a row more": lambda values: np.concatenate([values, values[:1]]),
        "flat": lambda values: values.reshape(-1, 1) if values.ndim == 1 else values.reshape(-1),
        "turned": lambda values: values.T,
    }
    cases: list[Case] = []
    for name in _samples(subject):
        values = subject.model.weights[name]
        for change, make in changes.items():
            changed = make(values)
            if changed.shape != values.shape:
                weights = Seen(subject.model.weights, {name: np.ascontiguousarray(changed)})
                cases.append(_refused(subject, f"{name}, {change}", weights, name))
    cases.append(_loads(subject))
    return outcome(cases, expected="WeightsRefused, naming the tensor", look="`load`; weights.py has `take_weight`")


def _loads(subject: Subject) -> Case:
    """That the session can be opened after all that was refused."""
    rows = [subject.tokens(6, 142)]
    with subject.session() as session:
        return within("the whole model, afterwards", worst_kl(subject.truth(rows), prefill(session, rows)[1]), subject.kl_limit, "nat")


def caller_keeps_its_weights(subject: Subject) -> Outcome:
    """After loading, the caller may change or drop its arrays: the session has its own; and loading changed none of them."""
    given = {name: np.array(subject.model.weights[name], copy=True) for name in subject.model.graph.tensors}
    rows = [subject.tokens(9, 143)]
    session, _ = subject.open(weights=given)
    try:
        touched = [name for name, values in given.items() if not np.array_equal(values, subject.model.weights[name])]
        (handle,), before = prefill(session, rows)
        before = before.copy()
        session.kv.free(handle)
        for values in given.values():
            values[...] = 0.25
        after = prefill(session, rows)[1]
        cases = [
            holds("loading changes no array", not touched, str(touched[:3])),
            within("logits after they were overwritten", worst_kl(before, after), subject.kl_limit, "nat"),
        ]
    finally:
        session.close()
    return outcome(cases, expected="the same logits", look="`load`: arrays that are kept without a copy")


CHECKS = (
    Check(every_tensor_is_consumed),
    Check(unused_tensors_are_told),
    Check(missing_tensors_are_refused),
    Check(misshapen_tensors_are_refused),
    Check(caller_keeps_its_weights),
)
