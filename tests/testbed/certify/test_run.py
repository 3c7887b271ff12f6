"""The kit as a whole: the reference passes, nothing is skipped in silence, and what comes out can be read by others."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from seodang.backends.contract import Probe, RunsOperators
from seodang.backends.graph import Node
from seodang.backends.reference import ReferenceBackend, ReferenceSession
from seodang.backends.reference_operators import OPERATIONS, Arrays, Operator, Step, Weights
from seodang.testbed.certify.certificate import Certificate, ConformanceError, summarise
from seodang.testbed.certify.finding import STATUSES
from seodang.testbed.certify.levels import checks_of
from seodang.testbed.certify.lines import end_lines, finding_line
from seodang.testbed.certify.run import Asked, certify

LEVELS = range(5)  # 5 and 6 have tests of their own


@pytest.fixture(scope="module")
def passed() -> Certificate:
    """The reference, both families."""
    return certify(ReferenceBackend(), levels=LEVELS, shapes="small")


def test_the_reference_passes_every_check(passed: Certificate) -> None:
    assert [(f.level, f.check, f.model, f.status, f.what) for f in passed.findings if f.status != "PASS"] == []
    passed.require()


def test_every_check_appears_once_for_each_family(passed: Certificate) -> None:
    found = Counter((f.level, f.family, f.check) for f in passed.findings)
    wanted = {(level, family, check.name) for level in LEVELS for check in checks_of(level) for family in check.families}
    assert set(found) == wanted
    assert set(found.values()) == {1}
    assert len(wanted) > 100


def test_every_check_says_what_it_proves_and_where_to_look(passed: Certificate) -> None:
    for level in LEVELS:
        for check in checks_of(level):
            assert len(check.proves.split()) > 5, check.name
    assert all(f.expected and f.look and f.cases and f.synthetic for f in passed.findings)


def test_its_row_is_json_of_a_stable_form(passed: Certificate) -> None:
    row = json.loads(json.dumps(passed.row(), allow_nan=False))
    assert set(row) == {
        "schema", "backend", "vendor", "api_version", "device", "description", "clock", "dtype", "shapes", "made", "environment", "levels",
        "families", "passed", "counts", "summary", "findings",
    }  # fmt: skip
    assert set(row["counts"]) == set(STATUSES)
    assert sum(row["counts"].values()) == len(row["findings"])
    assert row["passed"]
    assert row["clock"] == "measured"
    assert row["description"]["memory"]
    keys = {"level", "check", "family", "model", "status", "what", "expected", "look", "synthetic", "cases"}
    assert {frozenset(finding) for finding in row["findings"]} == {frozenset(keys)}
    cases = {frozenset(case) for finding in row["findings"] for case in finding["cases"]}
    assert cases == {frozenset({"name", "status", "value", "unit", "limit", "note"})}


def test_numbers_have_units(passed: Certificate) -> None:
    for finding in passed.findings:
        for case in finding.cases:
            assert (case.value is None) == (case.unit == ""), (finding.check, case)


def test_lines_fit_a_hundred_columns(passed: Certificate) -> None:
    lines = [*map(finding_line, passed.findings), *end_lines(passed)]
    assert max(map(len, lines)) <= 100
    assert lines[-1] == "reference on cpu, float32: no FAIL; weights are random numbers"


class _NoOperators:
    """The reference without `run`."""

    def __init__(self) -> None:
        inner = ReferenceBackend()
        self.api_version, self.name, self.vendor = inner.api_version, inner.name, inner.vendor
        self.probe, self.describe, self.supports = inner.probe, inner.describe, inner.supports
        self.plan_memory, self.compile, self.load = inner.plan_memory, inner.compile, inner.load


def test_a_backend_without_single_operators_is_unsupported_and_not_passed_on_level_1() -> None:
    backend = _NoOperators()
    assert not isinstance(backend, RunsOperators)
    certificate = certify(backend, levels=[1, 2], families=["llama"], shapes="small")
    assert {f.status for f in certificate.findings if f.level == 1} == {"UNSUPPORTED"}
    assert {f.status for f in certificate.findings if f.level == 2} == {"PASS"}
    first, second = summarise(certificate.findings)
    assert first.unsupported == 1.0
    assert 0 < second.unsupported < 1  # the way by single operators, beside every PASS
    certificate.require()


class _LlamaOnly(ReferenceBackend):
    def __init__(self) -> None:
        self.operations = {name: operator for name, operator in OPERATIONS.items() if name != "latent_attention"}


def test_a_family_that_a_backend_does_not_have_is_unsupported_by_the_name_of_a_node() -> None:
    certificate = certify(_LlamaOnly(), levels=[3, 4])
    by_family = {family: {f.status for f in certificate.findings if f.family == family} for family in ("llama", "latent")}
    assert by_family == {"llama": {"PASS"}, "latent": {"UNSUPPORTED"}}
    assert all("layers.0.attention" in f.what for f in certificate.findings if f.family == "latent")


class _Absent(ReferenceBackend):
    def probe(self) -> Probe:
        return Probe((), "no driver")


def test_without_a_device_everything_that_needs_one_is_not_run_with_the_reason() -> None:
    certificate = certify(_Absent(), levels=[1, 3], families=["llama"], shapes="small")
    assert {(f.status, f.what) for f in certificate.findings} == {("NOT-RUN", "no driver")}
    certificate.require()


def test_a_failure_raises_with_the_check_and_where_to_look() -> None:
    from seodang.testbed.certify.broken.contract import TornStep

    certificate = certify(TornStep(), levels=[0], families=["llama"])
    assert [f.check for f in certificate.findings if f.status == "FAIL"] == ["steps_are_atomic"]
    with pytest.raises(ConformanceError, match="L0 steps_are_atomic") as told:
        certificate.require()
    assert told.value.exit_code == 11
    lines = "\n".join(end_lines(certificate))
    assert "FAIL L0 steps_are_atomic (tiny-llama)" in lines
    assert all(word in lines for word in ("expected:", "seen:", "look at:"))


def test_a_users_model_goes_through_levels_3_and_4(tiny_model_dir: Path) -> None:
    certificate = certify(ReferenceBackend(), levels=[3, 4], families=["llama"], model=tiny_model_dir)
    own = [f for f in certificate.findings if f.model == tiny_model_dir.name]
    assert len(own) > 15
    assert {(f.status, f.synthetic) for f in own} == {("PASS", False)}
    assert {"logits_as_reference", "perturbed_tensors_move"} <= {f.check for f in own}


def test_places_name_a_users_model_last_in_its_levels(tiny_axk1_dir: Path) -> None:
    places = Asked(levels=(2, 3), families=("llama",), model=tiny_axk1_dir).places()
    assert {whose for level, whose, _ in places if level == 2} == {"llama"}
    assert places[-1][1] == "own"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_every_fault_of_a_block_can_be_told_in_a_narrower_type(dtype: str) -> None:
    certificate = certify(ReferenceBackend(), levels=[2], dtype=dtype)
    assert {f.status for f in certificate.findings} == {"PASS"}


class _Margins(ReferenceBackend):
    """Notes by how much each token's last chosen expert was better than the next."""

    def __init__(self) -> None:
        self.least = np.inf
        noting: dict[str, Operator] = {**OPERATIONS, "router": self._note}
        self._session = type("NotingSession", (ReferenceSession,), {"operations": noting})

    @property
    def session_type(self) -> type[ReferenceSession]:
        return self._session

    def _note(self, node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
        a = node.attributes
        wanted = 1 / (1 + np.exp(-(inputs[0] @ weights["weight"].T))) + weights["bias"]
        groups = wanted.reshape(len(wanted), a["num_groups"], -1)
        sums = np.sort(groups, -1)[..., -2:].sum(-1)
        ranked = np.sort(sums, -1)[:, ::-1]
        taken = np.where((sums >= ranked[:, a["topk_group"] - 1 : a["topk_group"]])[..., None], groups, -np.inf)
        best = np.sort(taken.reshape(len(wanted), -1), -1)[:, ::-1]
        margins = [best[:, a["top_k"] - 1] - best[:, a["top_k"]], ranked[:, a["topk_group"] - 1] - ranked[:, a["topk_group"]]]
        self.least = min(self.least, *(float(margin.min()) for margin in margins))
        return OPERATIONS["router"](node, inputs, weights, step)


def test_no_expert_is_chosen_by_less_than_float32_can_tell() -> None:
    backend = _Margins()
    certificate = certify(backend, levels=[3], families=["latent"])
    assert not certificate.failed
    assert 1e-6 < backend.least < 1
