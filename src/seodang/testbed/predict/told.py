"""Predictions as values for JSON: of one deployment, of points, of a search."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from seodang.testbed.predict.answer import Prediction, anchor_to, predict_row, predict_rows, same_stack, unmeasured_spread
from seodang.testbed.predict.calibrated import Calibrated
from seodang.testbed.predict.case import FULL_STAGES, resolve, with_layout
from seodang.testbed.predict.communication import network
from seodang.testbed.predict.elasticity import binding, elasticities
from seodang.testbed.predict.evaluate import serve
from seodang.testbed.predict.memory import memory_plan
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.rows import Row
from seodang.testbed.predict.search import Found, search
from seodang.testbed.predict.split import SPLIT_ASSUMED, Readers
from seodang.testbed.predict.tiers import MEANING, OTHER_PARALLELISM, Z80
from seodang.testbed.workloads.layout_name import layout_name
from seodang.testbed.workloads.operators import Layout

Told = dict[str, Any]


def tell_points(rows: Sequence[Row], calibrated: Calibrated, anchor: Row | None = None) -> list[Told]:
    """One entry a row: `id`, and `predicted` in the row's unit, `interval` [low, high] at 80 % and `tier`, or `refused` with its reason."""
    answers = predict_rows(rows, calibrated, anchor)
    return [_point(row, answer) for row, answer in zip(rows, answers, strict=True)]


def _point(row: Row, answer: Prediction | PredictionRefused) -> Told:
    if isinstance(answer, PredictionRefused):
        return {"id": row.id, "refused": f"{answer.reason}: {answer}"}
    return {
        "id": row.id,
        "predicted": answer.value,
        "unit": answer.unit,
        "interval": list(answer.interval),
        "tier": answer.tier,
        "calibration": list(answer.calibration),
        "anchor": answer.anchor,
        "assumptions": list(answer.assumptions),
    }


def tell_deployment(row: Row, calibrated: Calibrated, anchor: Row | None = None) -> Told:
    """Everything that is predicted of one deployment under one load. PredictionRefused where there is no honest answer."""
    if anchor is not None and not same_stack(row, anchor):
        what = f"the anchor is of {anchor.device}, {anchor.framework}, {anchor.model}, {anchor.weights}: it says nothing of what is asked"
        raise PredictionRefused(
            "missing input", what, where=anchor.id, hint="take a point of the same device, framework, model and weights"
        )
    used = anchor_to(anchor, calibrated) if anchor is not None else calibrated
    case = resolve(row)
    answer = predict_row(row, used, case=case)
    unloaded, loaded = (predict_row(replace(row, metric=metric), used, case=case) for metric in ("ttft", "ttft_loaded"))
    deployment = case.deployment(used.parameters)
    steady = serve(case, deployment)
    plan = memory_plan(deployment, case.input_tokens + case.output_tokens)
    count = case.replicas * case.layout.tp * case.layout.dp * case.layout.pp
    clients = min(case.clients_per_rank, plan.sequences) * case.replicas * case.layout.dp
    rate = clients * case.output_tokens / (steady.ttft_s + case.output_tokens * answer.value / 1e3)
    power, price = case.device.power, case.device.price
    return {
        "model": row.model,
        "device": case.device.name,
        "count": count,
        "layout": layout_name(case.layout),
        "replicas": case.replicas,
        "framework": row.framework,
        "weights": case.scheme.name,
        "kv": case.kv,
        "input_tokens": case.input_tokens,
        "output_tokens": case.output_tokens,
        "concurrency": row.concurrency,
        "tpot_ms": {"value": answer.value, "interval": list(answer.interval)},
        "ttft_ms": {
            "unloaded": {"value": unloaded.value, "interval": list(unloaded.interval)},
            "loaded": {"interval": list(loaded.interval)},
        },
        "tokens_s_user": {"value": 1e3 / answer.value, "interval": [1e3 / bound for bound in reversed(answer.interval)]},
        "tokens_s_device": _with_interval(rate / count, answer.deviation),
        "joules_token": None if power is None else {"at_most": power.value * count / rate, "because": f"every device at {power.value:g} W"},
        "cost_token": None if price is None else {"value": price.value * count / rate / 3600, "unit": price.unit.removesuffix("/h")},
        "memory": {"weights_bytes": plan.weights, "sequence_bytes": plan.sequence, "sequences_a_rank": plan.sequences},
        "operators": binding(deployment.decode(steady.running, case.input_tokens + case.output_tokens / 2)),
        "elasticities": elasticities(case, used.parameters),
        "tier": answer.tier,
        "tier_means": MEANING[answer.tier],
        "spread": {"deviation_of_logarithm": answer.deviation, "source": answer.spread_source, "nominal": 0.8},
        "calibration": list(answer.calibration),
        "anchor": answer.anchor,
        "fit": calibrated.digest(),
        "device_said": case.device.said,
        "assumptions": [
            *case.assumptions,
            *(network(case.device).assumed if count > 1 else ()),
            *_capped(case.clients_per_rank, plan.sequences),
        ],
    }


def tell_search(row: Row, calibrated: Calibrated, count: int) -> tuple[Told, Found]:
    """The front of all layouts of `count` devices, each point with its interval; and what was found."""
    case = resolve(row, layout=Layout())
    found = search(case, calibrated.parameters, count, row.concurrency)
    first = with_layout(case, found.front[0].layout)
    whole = predict_row(replace(row, concurrency=found.front[0].clients), calibrated, case=first).deviation
    known = math.sqrt(whole**2 - unmeasured_spread(first) ** 2)
    points: list[Told] = []
    for point in found.front:
        deviation = math.hypot(known, OTHER_PARALLELISM if point.readers else unmeasured_spread(with_layout(case, point.layout)))
        points.append(
            {
                "layout": layout_name(point.layout),
                "prompts_read_by": _told_readers(point.readers),
                "concurrency": point.clients,
                "tokens_s_user": _with_interval(point.tokens_s_user, deviation),
                "tokens_s_device": _with_interval(point.tokens_s_device, deviation),
                "tpot_ms": _with_interval(1e3 / point.tokens_s_user, deviation),
            }
        )
    told = {
        "model": row.model,
        "device": case.device.name,
        "count": count,
        "weights": case.scheme.name,
        "input_tokens": case.input_tokens,
        "output_tokens": case.output_tokens,
        "front": points,
        "layouts_that_fit": found.fitting,
        "layouts_too_large": found.too_large,
        "points": len(found.points),
        "points_with_split_devices": sum(point.readers is not None for point in found.points),
        "fit": calibrated.digest(),
        "device_said": case.device.said,
        "assumptions": [*case.assumptions, FULL_STAGES, SPLIT_ASSUMED, *network(case.device).assumed],
    }
    return told, found


def _told_readers(readers: Readers | None) -> Told | None:
    """The devices that read prompts apart from those that decode."""
    return readers and {"devices": readers.devices, "layout": layout_name(readers.layout)}


def _with_interval(value: float, deviation: float) -> Told:
    wide = math.exp(Z80 * deviation)
    return {"value": value, "interval": [value / wide, value * wide]}


def _capped(asked: float, fitting: float) -> list[str]:
    if asked <= fitting:
        return []
    return [f"only {fitting:.0f} of {asked:.0f} sequences a rank fit into the memory at once; the others wait"]
