"""The predictor's scorecard: fitted to the calibration rows only, scored on all others; every row with its source, misses first.

    python benchmarks/predictor.py [--json] [--refit] [--out FILE]

`--refit` fits the parameters again from the calibration rows and writes them into the package; without it the frozen ones are checked
against a fresh fit.
"""

import argparse
import json
import math
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

from seodang.testbed.predict.answer import predict_rows
from seodang.testbed.predict.calibrate import calibrate, residuals
from seodang.testbed.predict.calibrated import FROZEN, Calibrated, frozen
from seodang.testbed.predict.parameters import NAMES, PRIORS
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.rows import Row, evidence
from seodang.testbed.predict.scorecard import Scored, coverage, judge, misses_first

Told = dict[str, Any]

_TOLERANCE = 1e-3  # of a parameter, between the frozen fit and a fresh one on another machine


def score(rows: list[Row], calibrated: Calibrated) -> list[Scored]:
    """Every row that may be scored, predicted without its value."""
    checked = [row for row in rows if row.split == "validate" and row.value is not None]
    scored: list[Scored] = []
    for row, answer in zip(checked, predict_rows(checked, calibrated), strict=True):
        if isinstance(answer, PredictionRefused):
            scored.append(Scored(row, None, None, None, f"{answer.reason}: {answer}"))
        else:
            scored.append(Scored(row, answer.value, answer.interval, answer.tier))
    return scored


def scorecard(rows: list[Row], calibrated: Calibrated, fresh: Calibrated) -> Told:
    """Bars, coverage, parameters with their priors, and the rows."""
    scored = score(rows, calibrated)
    bars = judge(scored, [row for row in rows if row.split == "calibrate"])
    drift = {name: getattr(fresh.parameters, name) / getattr(calibrated.parameters, name) - 1 for name in NAMES}
    return {
        "fit": calibrated.digest(),
        "fit_is_that_of_the_calibration_rows": max(map(abs, drift.values())) < _TOLERANCE,
        "bars": bars,
        "coverage": coverage(scored),
        "parameters": [
            {
                "name": name,
                "fitted": getattr(calibrated.parameters, name),
                "deviation_of_logarithm": math.sqrt(calibrated.covariance[index, index]),
                "prior": PRIORS[name].value,
                "prior_deviation": PRIORS[name].spread,
                "prior_source": PRIORS[name].source,
            }
            for index, name in enumerate(NAMES)
        ],
        "calibration": {
            "rows": list(calibrated.rows),
            "residuals": residuals(rows, calibrated.parameters),
            "left_out_serving": calibrated.left_out_serving,
            "left_out_collectives": calibrated.left_out_collectives,
        },
        "rows": [_row(one) for one in misses_first(scored)],
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _row(one: Scored) -> Told:
    row = one.row
    return {
        "id": row.id,
        "device": row.device,
        "framework": row.framework,
        "model": row.model,
        "metric": row.metric,
        "unit": row.unit,
        "measured": row.value,
        "predicted": one.predicted,
        "error": one.error if math.isfinite(one.error) else None,
        "interval": one.interval,
        "covered": one.covered,
        "tier": one.tier,
        "refused": one.refused,
        "source": row.source,
    }


def lines(card: Told) -> list[str]:
    """For people: misses first."""
    out = [f"{'row':<9} {'metric':<26} {'measured':>10} {'predicted':>10} {'error':>7}  {'80 % interval':<24} {'tier':<16} source"]
    for row in card["rows"]:
        if row["refused"]:
            out.append(f"{row['id']:<9} {row['metric']:<26} {row['measured']:>10.5g} refused: {row['refused']}")
            continue
        low, high = row["interval"]
        out.append(
            f"{row['id']:<9} {row['metric']:<26} {row['measured']:>10.5g} {row['predicted']:>10.5g} {100 * row['error']:>6.1f}%  "
            f"{f'[{low:.5g}, {high:.5g}]' + ('' if row['covered'] else ' out'):<24} {row['tier']:<16} {row['source'][:60]}"
        )
    out.append("")
    for bar in card["bars"]:
        found = "refusals decide" if bar["value"] is None else f"{100 * bar['value']:.1f} %"
        out.append(
            f"{'pass' if bar['passed'] else 'FAIL'}  {bar['bar']}: {bar['statistic']} {found}, at most {100 * bar['most']:.0f} % "
            f"(n = {bar['rows']}, {bar['refused']} refused)"
        )
    cover = card["coverage"]
    out.append(
        f"coverage of 80 % intervals: {cover['inside']} of {cover['rows']} = {100 * cover['share']:.0f} %, "
        f"95 % band [{100 * cover['band'][0]:.0f}, {100 * cover['band'][1]:.0f}] %"
    )
    out.append(f"fit {card['fit'][:16]}, the same as a fresh one of the calibration rows: {card['fit_is_that_of_the_calibration_rows']}")
    return out


def main() -> None:
    """Prints the scorecard; exit code 1 where the frozen fit is not that of the calibration rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--refit", action="store_true")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    rows = evidence()
    fresh = calibrate(rows)
    if asked.refit:
        FROZEN.write_text(json.dumps(fresh.record(), indent=1) + "\n", encoding="utf-8")
        frozen.cache_clear()
    card = scorecard(rows, frozen(), fresh)
    text = json.dumps(card, indent=1, ensure_ascii=False)
    if asked.out is not None:
        asked.out.write_text(text + "\n", encoding="utf-8")
    print(text if asked.as_json else "\n".join(lines(card)))
    sys.exit(not card["fit_is_that_of_the_calibration_rows"])


if __name__ == "__main__":
    main()
