"""A backend that takes its process down, or hangs, costs the finding of that check and no other."""

from pathlib import Path

import pytest

from seodang.backends.contract import BackendError
from seodang.testbed.certify.certificate import About
from seodang.testbed.certify.finding import Finding
from seodang.testbed.certify.isolation import isolated
from seodang.testbed.certify.run import Asked, certify

DIES = '''
"""A backend that dies where tensors are missing, and hangs where they are misshapen."""
import os, time
from seodang.backends.reference import ReferenceBackend

class Dies(ReferenceBackend):
    name = "dies"
    def load(self, program, weights):
        if set(program.graph.tensors) - set(weights):
            os.abort()
        return super().load(program, weights)

class Hangs(ReferenceBackend):
    name = "hangs"
    def load(self, program, weights):
        while set(program.graph.tensors) - set(weights):
            time.sleep(0.1)
        return super().load(program, weights)
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "backend_that_dies.py").write_text(DIES, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "backend_that_dies"


def test_a_crash_is_one_failure_and_the_rest_is_found_out(module: str) -> None:
    certificate = certify(f"{module}:Dies", levels=[0, 4], families=["llama"])
    fails = {f.check: f.what for f in certificate.findings if f.status == "FAIL"}
    assert fails == {"missing_tensors_are_refused": "the process died with exit code -6"}
    assert len(certificate.findings) == len(Asked(levels=(0, 4), families=("llama",)).places())
    assert {f.status for f in certificate.findings if f.check != "missing_tensors_are_refused"} == {"PASS"}
    assert certificate.about.device == "cpu"


def test_a_hang_is_one_failure(module: str) -> None:
    found = isolated(f"{module}:Hangs", Asked(levels=(4,), families=("llama",)), patience_s=5.0)
    assert isinstance(next(found), About)
    finding = next(said for said in found if isinstance(said, Finding) and said.status == "FAIL")
    found.close()
    assert (finding.check, finding.what) == ("missing_tensors_are_refused", "did not finish in 5 s")


def test_a_backend_that_is_not_there_is_an_error_and_no_finding() -> None:
    with pytest.raises(BackendError, match="no backend of this name"):
        certify("refrence", levels=[0])
