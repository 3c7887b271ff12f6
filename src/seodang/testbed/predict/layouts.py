"""Layouts by name, such as TP8, TP4PP2 or DP32EP32, and all of a number of devices."""

import math
import re
from collections.abc import Iterator

from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.workloads.model_shape import ModelShape
from seodang.testbed.workloads.operators import Layout

MOST_SEARCHED = 4096  # devices whose layouts are all tried
_HINT = "write TP, DP, EP and PP with a number each, at most once: TP8, TP4PP2, DP32EP32"


def parse_layout(text: str) -> Layout:
    """TPn DPn EPn PPn in any order, at most once each; what is left out is 1. The experts are shared by `EP` ranks of TP x DP."""
    found = re.findall(r"(TP|DP|EP|PP)(\d+)", text.upper())
    names = [name for name, _ in found]
    if not found or "".join(name + number for name, number in found) != text.upper().replace(" ", "") or len(set(names)) < len(names):
        raise PredictionRefused("unknown", f"no layout `{text}`", hint=_HINT)
    sizes = {name.lower(): int(number) for name, number in found}
    if "ep" in sizes and not {"tp", "dp"} & set(sizes):
        sizes["dp"] = sizes["ep"]
    return checked(Layout(**sizes))


def checked(layout: Layout) -> Layout:
    """The layout. PredictionRefused where a degree is not above 0 or the experts' does not divide the ranks of a stage."""
    if min(layout.tp, layout.dp, layout.ep, layout.pp) < 1 or (layout.tp * layout.dp) % layout.ep:
        raise PredictionRefused("unknown", f"no layout {layout_name(layout)}: EP has to divide TP x DP, and all be 1 at least", hint=_HINT)
    return layout


def layout_name(layout: Layout) -> str:
    """The name that `parse_layout` reads."""
    sizes = {"TP": layout.tp, "DP": layout.dp, "EP": layout.ep, "PP": layout.pp}
    return "".join(f"{name}{size}" for name, size in sizes.items() if size != 1) or "TP1"


def group_size(layout: Layout) -> int:
    """Devices that serve together."""
    return layout.tp * layout.dp * layout.pp


def all_layouts(shape: ModelShape, count: int) -> Iterator[Layout]:
    """Every layout of at most `count` devices whose group divides `count`: all powers of two and other divisors for TP, DP, EP and PP.

    Heads have to be divided by TP, layers need not be by PP, and experts are divided by EP; a dense model has EP 1.
    """
    if count > MOST_SEARCHED:
        raise PredictionRefused("missing input", f"{count} devices without a layout", hint=f"say the layout beyond {MOST_SEARCHED} devices")
    for group in _divisors(count):
        for pp in _divisors(group):
            if pp > shape.num_layers:
                continue
            for tp in _divisors(group // pp):
                if shape.heads % tp:
                    continue
                dp = group // pp // tp
                for ep in _divisors(tp * dp):
                    if ep == 1 or (shape.routed_experts and shape.routed_experts % ep == 0):
                        yield Layout(tp=tp, dp=dp, ep=ep, pp=pp)


def _divisors(number: int) -> list[int]:
    low = [size for size in range(1, math.isqrt(number) + 1) if number % size == 0]
    return sorted({*low, *(number // size for size in low)})
