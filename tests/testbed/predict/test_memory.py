"""What a layout takes of a device."""

import pytest

from seodang.testbed.predict.asked import asked_row
from seodang.testbed.predict.calibrated import frozen
from seodang.testbed.predict.case import resolve
from seodang.testbed.predict.memory import memory_plan
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.workloads.count import parameters
from seodang.testbed.workloads.shape import read_shape


def planned(model: str, layout: str, weights: str, device: str = "h200_sxm", count: int = 8) -> tuple[float, float, float]:
    row = asked_row(
        model=model, device=device, count=count, layout=layout, input_tokens=1024, output_tokens=1024, concurrency=1,
        framework="sglang", weights=weights,
    )  # fmt: skip
    plan = memory_plan(resolve(row).deployment(frozen().parameters), 2048)
    return plan.weights, plan.sequence, plan.sequences


def test_the_weights_of_all_devices_are_the_model() -> None:
    """A.X K1 in FP8 over 8 devices: 64.9 GB each, and copies of what tensor parallelism does not divide and of heads in bfloat16."""
    total = parameters(read_shape("ax-k1")).total
    held, _, _ = planned("ax-k1", "TP8", "fp8")
    assert total / 8 < held < 1.03 * total / 8
    bf16, _, _ = planned("ax-k1", "TP8", "bf16", device="gb300")
    assert bf16 == pytest.approx(2 * total / 8, rel=0.03)


def test_a_latent_cache_is_held_by_every_device() -> None:
    """A.X K1: 70,272 bytes a token in bfloat16 whatever the tensor parallelism; a grouped cache is divided."""
    assert planned("ax-k1", "TP8", "fp8")[1] == pytest.approx(70_272 * 2048)
    assert planned("llama-3.1-405b", "TP8", "fp8")[1] == pytest.approx(2 * 126 * 8 * 128 * 2 * 2048 / 8)


def test_stages_share_layers_and_caches() -> None:
    whole, staged = planned("llama-3.1-405b", "TP4", "fp8", "b200_sxm"), planned("llama-3.1-405b", "TP4PP2", "fp8", "b200_sxm")
    assert staged[0] == pytest.approx(whole[0] / 2, rel=0.02)
    assert staged[1] == pytest.approx(whole[1] / 2)
    assert staged[2] > whole[2]


def test_too_large_a_model_is_refused_with_its_numbers() -> None:
    with pytest.raises(PredictionRefused, match=r"needs 131\.\d GB of weights .* on a device of 141 GB") as refused:
        planned("ax-k1", "TP4", "fp8", count=4)
    assert refused.value.reason == "does not fit"


def test_a_processor_has_no_tiles_to_fill() -> None:
    """One row is read at the speed of memory: the time per token of a small model is its weights over the bandwidth, and little else."""
    row = asked_row(
        model="mixtral-8x7b", device="cpu-2-cores", count=1, layout="TP1", input_tokens=64, output_tokens=64, concurrency=1,
        framework="torch", weights="int4",
    )  # fmt: skip
    deployment = resolve(row).deployment(frozen().parameters)
    timed = [one for one in deployment.decode(1, 96) if one.family in ("gemm", "grouped_gemm", "head")]
    assert {one.bound for one in timed} == {"memory"}
    read = sum(op.count * op.weight_bytes * deployment.stored_bytes(op.family) for op in deployment.counted("decode", 1, 96, 1)[0])
    assert sum(one.seconds for one in timed) == pytest.approx(read / deployment.memory_bytes_s, rel=0.1)
