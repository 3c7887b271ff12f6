"""`report.html` of an evaluation: one file that needs nothing else, no script and no network."""

from importlib.resources import files
from typing import Any

from seodang.pipeline.evaluation_report.answers import confidence_section, cost_section, declined_section, similarity_section
from seodang.pipeline.evaluation_report.differences import difference_section, retention_section
from seodang.pipeline.evaluation_report.differing import differing_section
from seodang.pipeline.evaluation_report.scores import parts_section, scores_section
from seodang.pipeline.evaluation_report.verdict import about, opening, verdict_section
from seodang.pipeline.report.html import whole_page
from seodang.pipeline.report.markup import Safe

Row = dict[str, Any]

_SECTIONS = (
    ("verdict", "Verdict", verdict_section),
    ("scores", "Scores", scores_section),
    ("differences", "Differences", difference_section),
    ("retention", "Retention", retention_section),
    ("parts", "Parts", parts_section),
    ("similarity", "Like what was taught", similarity_section),
    ("confidence", "Confidence", confidence_section),
    ("declined", "Declined", declined_section),
    ("cost", "Tokens", cost_section),
    ("items", "Items that differ", differing_section),
)


def render_page(report: Row) -> str:
    """The page of a report made by `build_report`. Equal reports give equal bytes."""
    style = files("seodang.pipeline.evaluation_report").joinpath("style.css").read_text(encoding="utf-8")
    drawn = [(anchor, label, draw(report)) for anchor, label, draw in _SECTIONS]
    shown: list[tuple[str, str, Safe]] = [(anchor, label, section) for anchor, label, section in drawn if section is not None]
    return whole_page(about(report), opening(report), shown, footer="Made by seodang from finished evaluations.", style=style)
