"""How far a question is from what was measured."""

import dataclasses

import pytest

from seodang.testbed.predict.rows import calibration, evidence
from seodang.testbed.predict.tiers import MEANING, ORDER, SPREAD_SOURCE, framework_family, spread, standing

ROWS = {row.id: row for row in evidence()}
CALIBRATED = calibration(ROWS.values())


@pytest.mark.parametrize("left_out", [0.0, 0.03, 0.1, 0.5])
def test_each_tier_is_at_least_as_wide_as_the_nearer_one(left_out: float) -> None:
    widths = [spread(tier, left_out) for tier in ORDER]
    assert widths == sorted(widths)
    assert min(widths) >= max(left_out, 0.05)


def test_every_tier_says_what_it_means_and_where_its_width_comes_from() -> None:
    assert set(MEANING) == set(SPREAD_SOURCE) == set(ORDER)


@pytest.mark.parametrize(
    ("changes", "tier"),
    [
        ({}, "same_deployment"),
        ({"concurrency": 128, "input_tokens": 4096.0}, "same_deployment"),
        ({"weights": "bf16"}, "same_stack"),
        ({"model": "ax-k1"}, "same_stack"),
        ({"framework": "sglang-0.6"}, "same_stack"),
        ({"tp": 4, "dp": 2}, "same_stack"),
        ({"device": "b200_sxm"}, "same_framework"),
        ({"framework": "vllm"}, "same_chip"),
        ({"framework": "vllm", "device": "rebel100"}, "described"),
    ],
)
def test_what_differs_decides_the_tier(changes: dict[str, object], tier: str) -> None:
    found = standing(dataclasses.replace(ROWS["2"], **changes), CALIBRATED, 0.03)
    assert found.tier == tier
    assert set(found.calibration) <= {row.id for row in CALIBRATED if row.phase != "collective"}
    assert found.calibration


def test_collectives_stand_to_collectives() -> None:
    assert standing(ROWS["89"], CALIBRATED, 0.05).tier == "same_deployment"
    assert set(standing(ROWS["98"], CALIBRATED, 0.05).calibration) <= {"86", "88", "90", "92", "94", "96"}


def test_a_version_does_not_make_another_framework() -> None:
    assert framework_family("sglang-0.5.9") == framework_family("sglang-0.5.8") == framework_family("sglang") == "sglang"
    assert framework_family("deepep-v1-low-latency") == "deepep-v1-low-latency"
    assert framework_family("tensorrt-llm") == "tensorrt-llm"
