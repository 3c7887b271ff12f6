"""Single operators against the reference: inputs without chance, truth in float64, and limits that follow from the type.

A sum of K terms in float32 has a relative error of u sqrt(K / 6) (each partial sum is rounded once, errors are independent); products are
held to four times the square of that. Below float32 sums are still in float32, and each rounding to the type adds u squared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from seodang.backends.contract import RunsOperators, Unsupported
from seodang.backends.graph import Node
from seodang.backends.reference import ReferenceBackend
from seodang.testbed.certify.compare import UNIT, max_ulp, nmse
from seodang.testbed.certify.finding import Case, NotJudged, within
from seodang.testbed.certify.subject import Subject
from seodang.testbed.certify.tiny import exact_in_bfloat16

Arrays = Sequence[np.ndarray]
_POOL = 1_000_003  # a prime, so that rows of no width repeat
_OVERFLOWS = 6.0  # the largest of a million errors, in root mean squares


@dataclass(frozen=True)
class Trial:
    """One operator on one input. `terms` are summed for a value; `roundings` to the type are on its way; `angle` is the largest one that
    is turned by. All 0: it has to be exact."""

    name: str
    op: str
    inputs: Arrays
    weights: Mapping[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    terms: int = 0
    roundings: float = 0.0
    angle: float = 0.0

    @property
    def node(self) -> Node:
        names = tuple(f"input{place}" for place in range(len(self.inputs)))
        return Node("trial", self.op, names, "trial", {role: role for role in self.weights}, self.attributes)

    def nmse_limit(self, dtype: str) -> float:
        """Mean squared error over mean square."""
        single = UNIT["float32"] ** 2
        summed = single * (4 * self.terms / 6 + 4 * self.roundings + self.angle**2)
        return summed + self.roundings * UNIT[dtype] ** 2 * (dtype != "float32")

    def ulp_limit(self, dtype: str) -> float:
        """Units in the last place."""
        limit = self.nmse_limit(dtype)
        return _OVERFLOWS * limit**0.5 / UNIT[dtype] + (self.roundings > 0)


def truth_of(trial: Trial) -> np.ndarray:
    """The operator's output in float64."""
    return ReferenceBackend().run(trial.node, trial.inputs, trial.weights, "float64")


def runner(subject: Subject) -> RunsOperators:
    """The backend, where it runs single operators here; else UNSUPPORTED, or NOT-RUN."""
    subject.need_device()
    if not isinstance(subject.backend, RunsOperators):
        raise NotJudged("UNSUPPORTED", "the backend runs no single operators (it has no `run`)")
    return subject.backend


def dtypes_of(subject: Subject) -> tuple[str, ...]:
    """What operators are computed in: float32 and bfloat16, or the one type that was asked for."""
    return ("float32", "bfloat16") if subject.dtype == "float32" else (subject.dtype,)


def run_trial(subject: Subject, trial: Trial, dtype: str) -> np.ndarray:
    """The backend's output; UNSUPPORTED where it does not have the operator, in this shape or this type."""
    try:
        return np.asarray(runner(subject).run(trial.node, trial.inputs, trial.weights, dtype))
    except Unsupported as error:
        raise NotJudged("UNSUPPORTED", str(error)) from error


def judge(subject: Subject, trial: Trial, truth: np.ndarray | None = None) -> list[Case]:
    """The operator in each type against float64 (`truth`, where it is known already): mean squared error, and the largest one."""
    runner(subject)
    truth = truth_of(trial) if truth is None else truth
    cases: list[Case] = []
    for dtype in dtypes_of(subject):
        name = f"{trial.name}, {dtype}"
        try:
            found = run_trial(subject, trial, dtype)
        except NotJudged as error:
            cases.append(Case(name, error.status, note=str(error)))
            continue
        if found.shape != truth.shape:
            cases.append(Case(name, "FAIL", note=f"shape {found.shape}, the reference has {truth.shape}"))
            continue
        cases.append(within(f"{name}, NMSE", nmse(truth, found), trial.nmse_limit(dtype), "1"))
        cases.append(within(f"{name}, largest error", max_ulp(truth, found, dtype), trial.ulp_limit(dtype), "ULP"))
    return cases


@cache
def _pool(seed: int) -> np.ndarray:
    return exact_in_bfloat16(np.random.default_rng([seed, 29]).standard_normal(_POOL))


def random_array(shape: tuple[int, ...], seed: int, size: float = 1.0) -> np.ndarray:
    """Normal numbers times a power of two, exact in bfloat16, laid out again and again from one of five pools of a million."""
    return np.resize(np.roll(_pool(seed % 5), 101 * seed), shape) * np.float32(size)


def power_of_two(value: float) -> float:
    """The nearest power of two below."""
    return 2.0 ** np.floor(np.log2(value))
