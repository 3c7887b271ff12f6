"""No false alarm on backends that run: what they have passes, and what they do not have is UNSUPPORTED."""

import pytest

from seodang.backends.registry import open_backend
from seodang.testbed.certify.certificate import summarise
from seodang.testbed.certify.run import certify

pytestmark = pytest.mark.timeout(400)  # whole levels at real shapes, on processors without products in bfloat16 too


def test_torch_on_this_processor_passes_levels_0_to_4() -> None:
    certificate = certify(open_backend("torch_cpu"), levels=range(5), shapes="small")
    assert [(f.level, f.check, f.model, f.what) for f in certificate.findings if f.status != "PASS"] == []
    assert {summary.unsupported for summary in summarise(certificate.findings)} == {0.0}


@pytest.mark.parametrize("name", ["onnx_cpu", "llama_cpp"])
def test_the_edge_passes_the_llama_part_and_says_what_it_does_not_have(name: str) -> None:
    llama = certify(open_backend(name), levels=[0, 3, 4], families=["llama"])
    assert [(f.level, f.check, f.what) for f in llama.findings if f.status != "PASS"] == []
    latent = certify(open_backend(name), levels=[3], families=["latent"])
    assert {f.status for f in latent.findings} == {"UNSUPPORTED"}


def test_torch_in_bfloat16_passes_blocks_and_models() -> None:
    certificate = certify(open_backend("torch_cpu"), levels=[2, 3, 4], dtype="bfloat16")
    assert [(f.level, f.check, f.model, f.what) for f in certificate.findings if f.status != "PASS"] == []
