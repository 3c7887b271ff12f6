"""Certificates of many organisations in one table. What is claimed stands beside what is measured and never in its place."""

from collections.abc import Sequence
from typing import Any

from seodang.testbed.certify.bundle import Bundle
from seodang.testbed.certify.page import quantities

Row = dict[str, Any]
_COSTS = ("s", "s/B", "W", "USD/h", "KRW/h", "EUR/h")


def compare_bundles(bundles: Sequence[Bundle]) -> Row:
    """`columns` are the bundles; `checks` have one cell a bundle: its status, or "not asked"; `numbers` have value, unit and kind.

    `best` of a number is the column with the largest one, or with the least time, power or price, among those that are measured on a real
    clock in one unit, None where there is none: claimed, derived and virtual numbers are shown, and take no part. A bundle with problems
    is shown with them, and takes no part either.
    """
    columns = [_column(bundle) for bundle in bundles]
    places = dict.fromkeys((f["level"], f["check"], f["model"]) for bundle in bundles for f in bundle.certificate.get("findings", []))
    checks = [
        {"level": level, "check": check, "model": model, "cells": [_status(bundle, (level, check, model)) for bundle in bundles]}
        for level, check, model in sorted(places)
    ]
    return {"columns": columns, "checks": checks, "numbers": _numbers(bundles)}


def _column(bundle: Bundle) -> Row:
    told = bundle.certificate
    return {
        "bundle": str(bundle.folder),
        "backend": told.get("backend"),
        "device": told.get("device"),
        "made": told.get("made"),
        "signed_by": bundle.signed_by,
        "holds": not bundle.problems,
        "problems": list(bundle.problems),
        "levels": told.get("levels"),
        "dtype": told.get("dtype"),
        "counts": told.get("counts"),
        "virtual": _clock(bundle) == "virtual",
    }


def _status(bundle: Bundle, place: tuple[int, str, str]) -> str:
    for finding in bundle.certificate.get("findings", []):
        if (finding["level"], finding["check"], finding["model"]) == place:
            return finding["status"]
    return "not asked"


def _numbers(bundles: Sequence[Bundle]) -> list[Row]:
    """Of the description, and of level 6."""
    found: dict[str, list[Row | None]] = {}
    for place, bundle in enumerate(bundles):
        for name, quantity in _told(bundle):
            cells = found.setdefault(name, [None] * len(bundles))
            cells[place] = quantity
    return [{"name": name, "cells": cells, "best": _best(cells, bundles)} for name, cells in found.items()]


def _told(bundle: Bundle) -> list[tuple[str, Row]]:
    described = [
        (name, {"value": quantity["value"], "unit": quantity["unit"], "kind": quantity["kind"]})
        for name, quantity in quantities(bundle.certificate.get("description") or {})
    ]
    kind = _clock(bundle)
    performance = [
        (f"L6 {finding['check']}: {case['name']}", {"value": case["value"], "unit": case["unit"], "kind": kind})
        for finding in bundle.certificate.get("findings", [])
        if finding["level"] == 6
        for case in finding["cases"]
        if isinstance(case["value"], (int, float)) and case["unit"].endswith("/s")
    ]
    return described + performance


def _clock(bundle: Bundle) -> str:
    """Whose time a bundle's steps tell: "measured", "virtual" or "not known"."""
    return bundle.certificate.get("clock", "not known")


def _best(cells: Sequence[Row | None], bundles: Sequence[Bundle]) -> int | None:
    may_win = [
        (cell["unit"], float(cell["value"]), place)
        for place, cell in enumerate(cells)
        if cell is not None and cell["kind"] == "measured" and not bundles[place].problems and _clock(bundles[place]) == "measured"
    ]
    units = {unit for unit, _, _ in may_win}
    if len(may_win) < 2 or len(units) > 1:
        return None
    less_is_better = units.pop() in _COSTS
    return (min if less_is_better else max)(may_win)[2]
