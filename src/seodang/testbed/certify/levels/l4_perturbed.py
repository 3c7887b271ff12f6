"""Level 4, honesty of loading: a tensor that is changed moves the output as it moves the truth."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from seodang.testbed.certify.check import Check
from seodang.testbed.certify.compare import log_softmax
from seodang.testbed.certify.finding import Case, Outcome, holds, outcome, within
from seodang.testbed.certify.levels.l4 import Seen
from seodang.testbed.certify.subject import Subject, prefill
from seodang.testbed.certify.tiny import exact_in_bfloat16

_ROWS, _OWN_ROWS = 24, 3  # many short prompts: the experts of the last layer are seen at last tokens only
_TOKENS = 3
# How much of the truth's move may be missing: what is lost moves nothing, which is 1. In float32 the whole difference counts; below, only
# what lies in the direction of the truth's move, for rounding moves the rest.
_LIMIT = {"float64": 0.05, "float32": 0.05, "float16": 0.2, "bfloat16": 0.5}
_SEEN = 4.0  # a move counts where it is so many times what separates backend and truth before it


def perturbed_tensors_move(subject: Subject) -> Outcome:
    """Each tensor is changed by itself, and the output moves as the reference's does, where it moves most. A user's model is changed by
    kinds of tensors."""
    groups = _groups(subject)
    base_truth, base_found = _both(subject, subject.model.weights)
    noise = _size(base_found - base_truth)
    cases: list[Case] = []
    unseen: list[str] = []
    for number, (name, tensors) in enumerate(groups.items()):
        changed = {tensor: _changed(tensor, subject.model.weights[tensor], number) for tensor in tensors}
        truth, found = _both(subject, Seen(subject.model.weights, changed))
        moves = _size(truth - base_truth)
        row = int(moves.argmax())
        if moves[row] <= _SEEN * noise[row]:
            unseen.append(name)
            continue
        apart = _missing(truth[row] - base_truth[row], found[row] - base_found[row], exact=subject.dtype in ("float32", "float64"))
        cases.append(within(name, apart, _LIMIT[subject.dtype], "1", f"the truth moves by {moves[row]:.2g} nat"))
    seen = f"{len(unseen)} of {len(groups)} do not move the truth enough to be seen: {unseen[:3]}"
    cases.append(holds("tensors that can be seen", len(unseen) <= len(groups) // 4, seen))
    return outcome(cases, expected="the move of the reference", look="how that tensor is loaded: dropped, aliased, read as another's")


def _groups(subject: Subject) -> Mapping[str, list[str]]:
    """Tensors that are changed together: of a tiny model each alone, but an expert's three, and each role of a layer's experts."""
    groups: dict[str, list[str]] = {}
    for tensor in subject.model.graph.tensors:
        if not subject.model.synthetic:
            groups.setdefault(re.sub(r"\d+", "N", tensor), []).append(tensor)
        elif expert := re.fullmatch(r"(.*\.experts\.)(\d+)\.(.*)", tensor):
            groups.setdefault(f"{expert[1]}{expert[2]}", []).append(tensor)
            groups.setdefault(f"{expert[1]}*.{expert[3]}", []).append(tensor)
        else:
            groups[tensor] = [tensor]
    return groups


def _changed(name: str, values: np.ndarray, seed: int) -> np.ndarray:
    """The tensor with another size of each element."""
    rng = np.random.default_rng([seed, 5])
    if name.endswith("bias"):
        return exact_in_bfloat16(values + rng.normal(0, 0.3, values.shape))
    return exact_in_bfloat16(values * rng.uniform(0.3, 1.7, values.shape).astype(np.float32))


def _both(subject: Subject, weights: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities (B, V) after short prompts: the reference's, and the backend's."""
    reference = subject.once("reference subject", subject.against_reference)
    count = _ROWS if subject.model.synthetic else _OWN_ROWS
    rows = [subject.tokens(_TOKENS, 150 + place) for place in range(count)]
    limits = replace(subject.limits, max_sequences=count)
    found: list[np.ndarray] = []
    for here in (reference, subject):
        with here.session(weights=weights, limits=limits) as session:
            found.append(log_softmax(prefill(session, rows)[1]))
    return found[0], found[1]


def _missing(wanted: np.ndarray, moved: np.ndarray, *, exact: bool) -> float:
    """The share of the wanted move that was not made."""
    if exact:
        return float(np.linalg.norm(moved - wanted) / np.linalg.norm(wanted))
    return float(abs(1 - moved @ wanted / (wanted @ wanted)))


def _size(values: np.ndarray) -> np.ndarray:
    """Root mean square of each row (B,)."""
    return np.sqrt((values * values).mean(-1))


CHECKS = (Check(perturbed_tensors_move),)
