"""Predictions: monotone, honest about distance, refused with a reason, pulled by anchors."""

import dataclasses
import math
from typing import Any

import pytest

from seodang.testbed.predict.answer import Prediction, anchor_to, predict_row, predict_rows
from seodang.testbed.predict.asked import asked_row
from seodang.testbed.predict.calibrated import frozen
from seodang.testbed.predict.case import resolve
from seodang.testbed.predict.evaluate import METRICS, Change, evaluate
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.rows import Row, evidence
from seodang.testbed.predict.told import tell_deployment

ROWS = {row.id: row for row in evidence()}
BASE = dataclasses.replace(ROWS["2"], value=None)
PARAMETERS = frozen().parameters


def value(row: Row, change: Change | None = None) -> float:
    return evaluate(resolve(row), PARAMETERS, change or Change())


def changed(**fields: Any) -> Row:
    return dataclasses.replace(BASE, **fields)


def test_more_load_and_longer_sequences_take_longer() -> None:
    for field, steps in (
        ("concurrency", (1, 4, 16, 64, 200)),
        ("input_tokens", (256.0, 1024.0, 8192.0)),
        ("output_tokens", (2048.0, 8192.0)),
    ):
        times = [value(changed(**{field: step})) for step in steps]
        assert times == sorted(times), field


@pytest.mark.parametrize("row", ["2", "13", "50", "59", "66", "70", "80a", "82-1024", "84b"])
def test_a_better_device_is_never_worse(row: str) -> None:
    better = [Change(bandwidth=1.2), Change(compute=1.2), Change(capacity=1.2), Change(bandwidth=1.2, compute=1.2)]
    before = value(ROWS[row])
    after = [value(ROWS[row], change) for change in better]
    rate = ROWS[row].metric.startswith("throughput")
    assert all(one >= before * (1 - 1e-9) if rate else one <= before * (1 + 1e-9) for one in after)
    assert after[3] != before or ROWS[row].phase == "prefill"  # wide expert parallelism reads prompts as fast as the network


def test_fewer_bits_are_faster() -> None:
    times = [value(changed(device="gb300", weights=weights)) for weights in ("bf16", "fp8")]
    assert times[1] < times[0]


def test_intervals_grow_with_the_distance_from_what_was_measured() -> None:
    rows = [
        BASE,
        changed(framework="sglang-0.6"),
        changed(device="b200_sxm", framework="sglang-0.6"),
        changed(framework="vllm-0.11"),
        changed(device="b200_sxm", framework="vllm-0.11"),
    ]
    found = [predict_row(row, frozen()) for row in rows]
    assert [one.tier for one in found] == ["same_deployment", "same_stack", "same_framework", "same_chip", "described"]
    deviations = [one.deviation for one in found]
    assert deviations == sorted(deviations)
    assert all(one.interval[0] < one.value < one.interval[1] and one.calibration for one in found)


def test_parallelism_that_was_not_measured_widens_the_interval() -> None:
    plain, wide = predict_row(changed(device="gb200"), frozen()), predict_row(ROWS["50"], frozen())
    assert wide.deviation > plain.deviation
    assert any("tokens sent to experts" in one for one in wide.assumptions)


def test_the_measured_value_is_never_read() -> None:
    for row in ROWS.values():
        first, second = predict_rows([row, dataclasses.replace(row, value=None)], frozen())
        assert isinstance(first, Prediction)
        assert first == second


def test_the_unit_of_the_row_is_that_of_the_answer() -> None:
    ms, seconds = predict_row(BASE, frozen()), predict_row(changed(unit="s"), frozen())
    assert seconds.value == pytest.approx(ms.value / 1e3)
    assert seconds.interval == pytest.approx([bound / 1e3 for bound in ms.interval])
    assert predict_row(changed(unit=""), frozen()).unit == "ms"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"device": "h100_sxm"}, "does not fit"),
        ({"tp": 4, "count": 4, "device": "h100_sxm"}, "does not fit"),
        ({"tp": 3}, "does not fit"),
        ({"model": "ax-k2", "device": "gb300"}, "no evidence"),
        ({"model": "nosuch"}, "unknown"),
        ({"device": "nosuch"}, "unknown"),
        ({"metric": "nosuch"}, "unknown"),
        ({"unit": "furlong"}, "unknown"),
        ({"weights": "fp7"}, "unknown"),
        ({"weights": ""}, "missing input"),
        ({"input_tokens": None}, "missing input"),
        ({"concurrency": None}, "missing input"),
        ({"tp": None}, "missing input"),
        ({"fault": "`tp` is not a number"}, "missing input"),
        ({"metric": "latency_nosuch"}, "unknown"),
    ],
)
def test_what_has_no_honest_answer_is_refused_with_a_reason(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(PredictionRefused) as refused:
        predict_row(changed(**fields), frozen())
    assert refused.value.reason == reason


def test_every_metric_of_the_evidence_is_answered() -> None:
    known = {row.metric for row in ROWS.values() if row.phase != "collective"}
    assert known <= set(METRICS)
    assert not [one for one in predict_rows(list(ROWS.values()), frozen()) if isinstance(one, PredictionRefused)]


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("other", [{}, {"concurrency": 64}, {"input_tokens": 8192.0}])
def test_an_anchor_pulls_its_stack_towards_what_was_measured(factor: float, other: dict[str, Any]) -> None:
    asked = changed(framework="vllm-0.11")
    plain = predict_row(asked, frozen())
    anchor = dataclasses.replace(asked, id="mine", value=factor * plain.value)
    moved = predict_row(asked, anchor_to(anchor, frozen()))
    assert abs(math.log(moved.value / (factor * plain.value))) <= 0.15 * abs(math.log(factor)) + 1e-9
    assert moved.deviation < plain.deviation
    elsewhere = dataclasses.replace(asked, **other)
    before, after = (predict_row(elsewhere, known).value for known in (frozen(), anchor_to(anchor, frozen())))
    assert (after - before) * (factor - 1) >= 0


def test_an_anchor_of_another_stack_is_not_used() -> None:
    asked = changed(framework="vllm-0.11")
    plain = predict_row(asked, frozen())
    anchor = dataclasses.replace(changed(framework="trtllm"), value=99.0)
    assert predict_rows([asked], frozen(), anchor) == [plain]


def test_speculative_decoding_is_off_until_its_acceptance_is_said() -> None:
    assert value(changed(note="acceptance 0.8")) < value(BASE) < value(changed(note="acceptance 0"))


@pytest.mark.parametrize(("note", "acceptance"), [("acceptance 0.8", 0.8), ("acceptance 1", 1.0), ("acceptance 1e-08", None)])
def test_an_acceptance_is_read_whole_or_not_at_all(note: str, acceptance: float | None) -> None:
    assert changed(note=note).acceptance == acceptance


@pytest.mark.parametrize(
    "note", ["1.2.3 % of input tokens were cache hits", "100 % of input tokens were cache hits", "0-0 token/s per user"]
)
def test_a_note_that_makes_no_sense_says_nothing(note: str) -> None:
    row = changed(note=note)
    assert (row.cached_share, row.user_tokens_s) == (0.0, None)


@pytest.mark.parametrize(("metric", "unit"), [("tpot", "token/s"), ("throughput_output", "ms"), ("ttft", "GB/s")])
def test_a_unit_of_another_kind_of_number_is_refused(metric: str, unit: str) -> None:
    with pytest.raises(PredictionRefused, match=f"in {unit}"):
        predict_row(changed(metric=metric, unit=unit), frozen())


def test_an_anchor_of_another_version_of_the_framework_is_used() -> None:
    row = changed(framework="sglang")
    assert isinstance(answer := predict_rows([row], frozen(), anchor=changed(framework="sglang-0.5.9", value=9.0))[0], Prediction)
    assert answer.anchor


def test_sequences_beyond_the_models_context_are_told() -> None:
    assert any("longer than" in one for one in predict_row(changed(input_tokens=190_000.0), frozen()).assumptions)


def test_tokens_a_second_of_a_deployment_are_those_of_the_metric() -> None:
    """The wait for prompts of others counts in both."""
    row = asked_row(
        model="ax-k1", device="h200_sxm", count=8, layout="TP8", input_tokens=4096, output_tokens=512, concurrency=64,
        framework="sglang", weights="fp8",
    )  # fmt: skip
    told = tell_deployment(row, frozen())
    metric = evaluate(resolve(dataclasses.replace(row, metric="throughput_output")), frozen().parameters)
    assert 8 * told["tokens_s_device"]["value"] == pytest.approx(metric)
