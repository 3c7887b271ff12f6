"""Layouts that can be asked for, and all of a number of devices."""

import math
from collections.abc import Iterator

from seodang.core.errors import InputError
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.workloads.layout_name import LAYOUT_HINT, layout_name, parse_layout
from seodang.testbed.workloads.model_shape import ModelShape
from seodang.testbed.workloads.operators import Layout

MOST_SEARCHED = 4096  # devices whose layouts are all tried
MOST_DEVICES, MOST_EXPERT_RANKS = 100_000, 4096  # that a layout may have; the fullest of the latter is a sum over all of them


def asked_layout(text: str) -> Layout:
    """The layout of that name. PredictionRefused where it is none."""
    try:
        return checked(parse_layout(text))
    except InputError as error:
        raise PredictionRefused("unknown", error.what, where=error.where, hint=error.hint) from error


def checked(layout: Layout) -> Layout:
    """The layout. PredictionRefused where a degree is not above 0 or the experts' does not divide the ranks of a stage, and for too
    many devices."""
    if min(layout.tp, layout.dp, layout.ep, layout.pp) < 1 or (layout.tp * layout.dp) % layout.ep:
        raise PredictionRefused(
            "unknown", f"no layout {layout_name(layout)}: EP has to divide TP x DP, and all be 1 at least", hint=LAYOUT_HINT
        )
    if layout.devices > MOST_DEVICES:
        raise PredictionRefused("unknown", f"{layout_name(layout)} has more than {MOST_DEVICES:,} devices", hint="ask for a smaller layout")
    if layout.ep > MOST_EXPERT_RANKS:
        what = f"{layout_name(layout)} divides experts over more than {MOST_EXPERT_RANKS:,} ranks"
        raise PredictionRefused("unknown", what, hint="ask for fewer expert ranks")
    return layout


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
