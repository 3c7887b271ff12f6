"""Layouts as they are written: TP8, DP32EP32, TP4PP2."""

import re

from seodang.core.errors import InputError
from seodang.testbed.workloads.layout import Layout

LAYOUT_HINT = "write TP, DP, EP and PP with a number each, at most once: TP8, TP4PP2, DP32EP32"


def parse_layout(text: str) -> Layout:
    """Degrees in any order; what is left out is 1, and EP alone has as many groups with sequences of their own. InputError otherwise."""
    found = re.findall(r"(TP|DP|EP|PP)([0-9]+)", text.upper())
    sizes = {name.lower(): int(number) for name, number in found}
    if not found or "".join(name + number for name, number in found) != text.upper().replace(" ", "") or len(sizes) < len(found):
        raise InputError(f"no layout `{text}`", hint=LAYOUT_HINT)
    if "ep" in sizes and not {"tp", "dp"} & set(sizes):
        sizes["dp"] = sizes["ep"]
    return Layout(**sizes)


def layout_name(layout: Layout) -> str:
    """The name that `parse_layout` reads."""
    sizes = {"TP": layout.tp, "DP": layout.dp, "EP": layout.ep, "PP": layout.pp}
    return "".join(f"{name}{size}" for name, size in sizes.items() if size != 1) or "TP1"
