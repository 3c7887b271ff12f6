"""The form of a certificate's row, as other machines may have written it: what is not of this form is not read any further."""

import math
from collections.abc import Mapping
from typing import Any

from seodang.testbed.certify.certificate import SCHEMA
from seodang.testbed.certify.finding import STATUSES
from seodang.testbed.certify.levels import LEVELS
from seodang.testbed.certify.page import quantities, render_page

_ROW = {
    "backend": str, "vendor": str, "api_version": int, "device": str, "dtype": str, "shapes": str, "made": str, "clock": str,
    "environment": dict, "levels": list, "families": list, "passed": bool, "counts": dict, "summary": list, "findings": list,
}  # fmt: skip
_FINDING = {
    "level": int, "check": str, "family": str, "model": str, "status": str, "what": str, "expected": str, "look": str,
    "synthetic": bool, "cases": list,
}  # fmt: skip
_CASE = {"name": str, "status": str, "unit": str, "note": str}


def unknown_form(certificate: Any) -> str:
    """Why a row cannot be read as a certificate; empty where it can."""
    try:
        _check(certificate)
        render_page(certificate)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return f"the certificate is not of a form that this version knows ({type(error).__name__}: {error})"
    return ""


def _check(certificate: Any) -> None:
    _typed(certificate, _ROW)
    if certificate["schema"] != SCHEMA:
        raise ValueError(f"schema {certificate['schema']}, this version knows {SCHEMA}")
    if not certificate["levels"] or not set(certificate["levels"]) <= set(LEVELS):
        raise ValueError(f"levels {certificate['levels']}")
    if set(certificate["counts"]) != set(STATUSES):
        raise ValueError("counts of other statuses")
    for finding in certificate["findings"]:
        _typed(finding, _FINDING)
        for case in finding["cases"]:
            _typed(case, _CASE)
            if case["limit"] is not None:
                float(case["limit"])
            if case["value"] is not None:
                float(case["value"])  # "nan" and "inf" are written as text
        strange = {finding["status"], *(case["status"] for case in finding["cases"])} - set(STATUSES)
        if strange or finding["level"] not in LEVELS:
            raise ValueError(f"L{finding['level']} {finding['check']}: {', '.join(strange) or 'no such level'}")
    for name, quantity in quantities(certificate.get("description") or {}):
        if not math.isfinite(float(quantity["value"])):
            raise ValueError(f"{name} is {quantity['value']}")


def _typed(row: Any, wanted: Mapping[str, type]) -> None:
    if not isinstance(row, dict):
        raise TypeError(f"{type(row).__name__} in the place of an object")
    for name, kind in wanted.items():
        if not isinstance(row[name], kind):
            raise TypeError(f"`{name}` is {row[name]!r:.40}")
