"""What a slightly better device buys on this model, and what binds each operator."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from seodang.testbed.predict.case import Case
from seodang.testbed.predict.communication import network
from seodang.testbed.predict.evaluate import AS_IS, Change, serve
from seodang.testbed.predict.memory import memory_plan
from seodang.testbed.predict.parameters import Parameters
from seodang.testbed.predict.step import Timed


def elasticities(case: Case, parameters: Parameters) -> dict[str, dict[str, float]]:
    """For each change of the device how much the time per token, that to the first token and the sequences that fit change, relatively."""
    net = network(case.device)
    changes = {
        "bandwidth_plus_10_percent": Change(bandwidth=1.1),
        "flops_plus_10_percent": Change(compute=1.1),
        "one_more_link": Change(net=dataclasses.replace(net, in_bytes_s=2 * net.in_bytes_s)),
        "latency_minus_5_us": Change(net=dataclasses.replace(net, extra_s=-5e-6)),
        "memory_plus_10_percent": Change(capacity=1.1),
    }
    before = _outcome(case, parameters, AS_IS)
    return {
        name: {key: after / before[key] - 1 for key, after in _outcome(case, parameters, change).items()}
        for name, change in changes.items()
    }


def _outcome(case: Case, parameters: Parameters, change: Change) -> dict[str, float]:
    deployment = case.deployment(parameters, net=change.net, bandwidth_factor=change.bandwidth, compute_factor=change.compute)
    steady = serve(case, deployment, change)
    plan = memory_plan(deployment, case.input_tokens + case.output_tokens, capacity_factor=change.capacity)
    return {"tpot": steady.tpot_s, "ttft_unloaded": steady.unloaded_ttft_s, "sequences": plan.sequences}


def binding(timed: Sequence[Timed]) -> list[dict[str, Any]]:
    """Operators and collectives of a step, the longest first: milliseconds a step, share of it, and what binds it."""
    whole = sum(one.seconds for one in timed)
    ordered = sorted(timed, key=lambda one: -one.seconds)
    return [
        {
            "operator": one.name,
            "family": one.family,
            "times_a_step": one.count,
            "ms": 1e3 * one.seconds,
            "share": one.seconds / whole if whole else 0.0,
            "bound_by": one.bound,
        }
        for one in ordered
    ]
