"""Reports of evaluations in a folder: a page, a text and the JSON that both are made of."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seodang.core.files import write_atomically, write_json
from seodang.evaluation.clean_items import Similarities
from seodang.evaluation.result import Evaluation
from seodang.pipeline.evaluation_report.build import build_report
from seodang.pipeline.evaluation_report.page import render_page
from seodang.pipeline.evaluation_report.text import render_text


def write_report(
    answers: Mapping[tuple[str, str], Evaluation],
    out: Path,
    *,
    first: str | None = None,
    verdict: Mapping[str, Any] | None = None,
    similarities: Mapping[Path, Similarities] | None = None,
) -> dict[str, Any]:
    """Writes `report.json`, `report.md` and `report.html` in `out`, of evaluations by their task's title and their model's label; the
    report's value. InputError where the model `first` is not among them."""
    report = build_report(answers, first=first, verdict=verdict, similarities=similarities)
    write_json(out / "report.json", report)
    write_atomically(out / "report.md", render_text(report))
    write_atomically(out / "report.html", render_page(report))
    return report
