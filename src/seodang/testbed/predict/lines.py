"""Predictions for people: a few short lines."""

from collections.abc import Sequence
from typing import Any

Told = dict[str, Any]

_SHOWN = 8  # operators and assumptions in the short form
_NAMES = {
    "bandwidth_plus_10_percent": "+10 % bandwidth",
    "flops_plus_10_percent": "+10 % FLOP/s",
    "one_more_link": "one more link",
    "latency_minus_5_us": "-5 us latency",
    "memory_plus_10_percent": "+10 % memory",
}


def deployment_lines(told: Told) -> list[str]:
    """One deployment: times with intervals, rates, what binds, elasticities, tier and assumptions."""
    first = told["ttft_ms"]
    out = [
        f"{told['model']} on {told['count']} x {told['device']}, {told['layout']}, {told['framework']}, weights {told['weights']}, "
        f"{told['input_tokens']:g} in / {told['output_tokens']:g} out, {told['concurrency']} clients",
        f"  time per token       {_ranged(told['tpot_ms'])} ms",
        f"  time to first token  {_ranged(first['unloaded'])} ms unloaded; loaded {_range(first['loaded']['interval'])} ms",
        f"  tokens/s             {_ranged(told['tokens_s_user'])} a user; {_ranged(told['tokens_s_device'])} a device",
    ]
    if told["joules_token"] is not None:
        out.append(f"  energy               {told['joules_token']['at_most']:.3g} J a token at most ({told['joules_token']['because']})")
    if told["cost_token"] is not None:
        out.append(f"  cost                 {1e6 * told['cost_token']['value']:.3g} {told['cost_token']['unit']} a million tokens")
    out.append("  what binds a step:")
    for one in told["operators"][:_SHOWN]:
        out.append(f"    {one['operator']:<28} {one['ms']:8.3f} ms  {100 * one['share']:5.1f} %  {one['bound_by']}")
    out.append("  what a better device would buy:")
    for name, change in told["elasticities"].items():
        out.append(
            f"    {_NAMES[name]:<18} time per token {100 * change['tpot']:+.1f} %, to the first {100 * change['ttft_unloaded']:+.1f} %, "
            f"sequences that fit {100 * change['sequences']:+.1f} %"
        )
    anchor = f", anchored to {told['anchor']}" if told["anchor"] else ""
    out.append(f"  tier {told['tier']}: {told['tier_means']}{anchor}; 80 % intervals; rows behind it: {', '.join(told['calibration'])}")
    out.append(f"  numbers of the device: {told['device_said']}")
    out += [f"  assumed: {one}" for one in told["assumptions"]]
    return out


def point_lines(points: Sequence[Told]) -> list[str]:
    """One line a point."""
    out: list[str] = []
    for one in points:
        if "refused" in one:
            out.append(f"{one['id']:<12} refused: {one['refused']}")
        else:
            out.append(f"{one['id']:<12} {one['predicted']:12.5g} {one['unit']:<8} {_range(one['interval'])}  {one['tier']}")
    return out


def front_lines(told: Told) -> list[str]:
    """The front of a search."""
    out = [
        f"{told['model']} on {told['count']} x {told['device']}, weights {told['weights']}, {told['input_tokens']:g} in / "
        f"{told['output_tokens']:g} out: {told['layouts_that_fit']} layouts fit, {told['layouts_too_large']} do not",
        f"  {'layout':<16} {'prompts read by':<16} {'clients':>8}  {'tokens/s a user':>28}  {'tokens/s a device':>28}",
    ]
    for one in told["front"]:
        out.append(
            f"  {one['layout']:<16} {readers_words(one['prompts_read_by']):<16} {one['concurrency']:>8}  "
            f"{_ranged(one['tokens_s_user']):>28}  {_ranged(one['tokens_s_device']):>28}"
        )
    return [*out, *(f"  assumed: {one}" for one in told["assumptions"])]


def readers_words(told: Told | None) -> str:
    """The devices that read prompts for others, in a few letters."""
    return "all" if told is None else f"{told['devices']}: {told['layout']}"


def _range(interval: Sequence[float]) -> str:
    return f"[{interval[0]:.4g}, {interval[1]:.4g}]"


def _ranged(value: Told) -> str:
    return f"{value['value']:.4g} {_range(value['interval'])}"
