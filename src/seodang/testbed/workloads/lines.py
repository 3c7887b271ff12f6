"""The accounting of a model as a table to read."""

import textwrap

from seodang.testbed.workloads.account import Asked, Figure, routing_told
from seodang.testbed.workloads.count import parameters
from seodang.testbed.workloads.model_shape import ModelShape

_WIDTH = 110
_PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def workload_lines(shape: ModelShape, asked: Asked, found: tuple[Figure, ...]) -> list[str]:
    """Title, figures with their definitions, parameters by class, and what differs from what is published."""
    layers = f"{shape.num_layers} layers" + (f", {shape.num_moe_layers} with experts" if shape.routed_experts else "")
    routing = f", routing {routing_told(asked.routing)}" if shape.routed_experts else ""
    types = f"weights {asked.weights}, cache {asked.kv}, activations {asked.activations}"
    lines = [f"{shape.name}: {layers}", f"{asked.batch} x {asked.context} tokens, {types}{routing}", ""]
    for figure in found:
        lines += _row(figure.full_key, figure_told(figure), figure.meaning)
    lines += ["", "parameters by class"]
    total = parameters(shape).total
    lines += [f"  {name:<34} {values:>19,} {values / total:>7.2%}" for name, values in parameters(shape).row().items() if values]
    lines.append("")
    if shape.published_total:
        told = f"published: {shape.published_total}, active {shape.published_active} ({shape.published_source})"
        lines += textwrap.wrap(told, _WIDTH, subsequent_indent="  ")
    for difference in shape.differences:
        lines += textwrap.wrap(f"- {difference}", _WIDTH, subsequent_indent="  ")
    read = f" (read {shape.date})" if shape.date else ""
    lines += textwrap.wrap(f"configuration: {shape.source}{read}", _WIDTH, subsequent_indent="  ")
    return lines


def figure_told(figure: Figure) -> str:
    """With a unit, whole where it is counted: 1,234 or 31.5 GB."""
    if figure.unit in ("parameters", "calls"):
        return f"{figure.value:,.0f}"
    if figure.unit == "experts":
        return f"{figure.value:.1f}"
    unit = "B" if figure.unit == "bytes" else figure.unit
    if figure.value < 1e5:
        return f"{figure.value:,.0f} {unit}"
    scale, prefix = next(pair for pair in _PREFIXES if figure.value >= pair[0])
    return f"{figure.value / scale:.4g} {prefix}{unit}"


def _row(name: str, told: str, meaning: str) -> list[str]:
    first, *rest = textwrap.wrap(meaning, _WIDTH - 56)
    return [f"{name:<36} {told:>17}  {first}", *(" " * 56 + line for line in rest)]
