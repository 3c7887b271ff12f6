"""`report.html`: one file that needs nothing else, no script and no network."""

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

from seodang.pipeline.report.cost_section import cost_section
from seodang.pipeline.report.markup import Safe, element, joined
from seodang.pipeline.report.result_sections import (
    answers_section,
    export_section,
    opening,
    size_section,
    verdict_section,
)
from seodang.pipeline.report.score_sections import general_section, paired_section, scores_section
from seodang.pipeline.report.work_sections import data_section, provenance_section, steps_section, training_section

Row = dict[str, Any]

SECTIONS: list[tuple[str, str, Callable[[Row], Safe]]] = [
    ("verdict", "Verdict", verdict_section),
    ("scores", "Scores", scores_section),
    ("differences", "Differences", paired_section),
    ("forgotten", "Forgotten", general_section),
    ("answers", "Answers", answers_section),
    ("data", "Data", data_section),
    ("training", "Training", training_section),
    ("size", "Size", size_section),
    ("export", "Export", export_section),
    ("cost", "Cost", cost_section),
    ("steps", "Steps", steps_section),
    ("provenance", "Provenance", provenance_section),
]
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render_html(report: Row) -> str:
    """The page of a report made by `build_report`. Equal reports give equal bytes."""
    title = f"{report['headline']['sentence']} - {report['name']}"
    drawn = [(anchor, label, draw(report)) for anchor, label, draw in SECTIONS]
    return whole_page(title, opening(report), drawn, footer="Made by seodang from the manifests of this run.")


def whole_page(title: str, head_of_page: Safe, sections: Sequence[tuple[str, str, Safe]], *, footer: str, style: str = "") -> str:
    """A page of sections (anchor, label, content), with links to them and no script. `style` follows the style that all pages share."""
    shared = files("seodang.pipeline.report").joinpath("style.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("title", title),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("style", Safe(shared + style)),
    )
    links = [element("a", label, href=f"#{anchor}") for anchor, label, _ in sections]
    body = element(
        "body",
        head_of_page,
        element("nav", joined(*links), aria_label="Sections"),
        element("main", *(section for _, _, section in sections)),
        element("footer", element("p", footer)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"
