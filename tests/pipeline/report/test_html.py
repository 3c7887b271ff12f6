"""report.html: whole, self-contained, readable by everyone, and deaf to what a model wrote."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import sampled_from, sets

from seodang.pipeline.report.arm_tables import variants_table
from seodang.pipeline.report.build import build_report
from seodang.pipeline.report.cost_section import COST_COLUMNS, cost_rows
from seodang.pipeline.report.html import SECTIONS, render_html
from seodang.pipeline.report.wording import duration, size

Run = dict[str, Any]
HOSTILE = [
    "<script>alert(1)</script>",
    "</style></title></textarea><svg onload=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "<!-- ]]> <![CDATA[ &amp; &#60;script&#62;",
    "\u202egnp.exe\u202c \u2066 \u200f \u061c right to left",
    "\x00\x1b[31m\x85\ud800\ufffe\uffff",
    "javascript:alert(1)",
    "a" * 100_000,
    "<" * 100_000,
]
FREE_KEYS = {
    "rejected_by_check",
    "accepted_by_kind",
    "parts",
    "export",
    "answers",
    "versions",
    "recipe",
    "training",
    "variants",
    "summary",
    "evidence",
}


def page(run: Run) -> str:
    return render_html(build_report(run))


def tree(html: str) -> ElementTree.Element:
    """The page as a strict XML parser reads it; it refuses anything that is not nested and quoted properly."""
    return ElementTree.fromstring(html)


class Tags(HTMLParser):
    """What a lenient HTML parser finds: each tag with its attributes' names."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, name) for name, _ in attrs} | {(tag, "")}


def poisoned(value: Any, payload: str, key: str = "") -> Any:
    """The value with every text, and every key that is not ours, replaced."""
    if isinstance(value, dict):
        free = key in FREE_KEYS
        return {f"{payload}{index}" if free else k: poisoned(v, payload, k) for index, (k, v) in enumerate(value.items())}
    if isinstance(value, list):
        return [poisoned(child, payload, key) for child in value]
    return payload if isinstance(value, str) else value


def test_equal_reports_give_equal_bytes_also_when_read_back_from_report_json(make_run: Callable[[], Run]):
    report = build_report(make_run())
    assert render_html(report) == page(make_run()) == render_html(json.loads(json.dumps(report)))


def test_every_result_stands_on_the_page(run: Run):
    report = build_report(run)
    words = " ".join("".join(tree(render_html(report)).itertext()).replace("\u00a0", " ").replace("−", "-").split())
    for arm in report["arms"] + report["general"]:
        assert f"{100 * arm['score']:.1f} %" in words
        assert f"{100 * arm['interval'][0]:.1f} to {100 * arm['interval'][1]:.1f}" in words
    assert all(sentence in words for sentence in report["verdict"])
    assert all(document["sha256"] in words for document in report["documents"])
    assert "adds up" in words


@pytest.mark.parametrize("payload", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_can_become_markup(run: Run, payload: str):
    """With a hostile text in every place, the page is well-formed, of modest size and made of the same tags and attributes."""
    html = page(poisoned(run, payload))
    clean = Tags(page(run)).found
    assert Tags(html).found <= clean
    assert {(element.tag, name) for element in tree(html).iter() for name in ("", *element.attrib)} <= clean_names(page(run))
    assert not [name for _, name in clean if name.startswith("on")]
    html.encode()
    assert len(html) < 2_000_000
    assert not re.search("[\x00-\x08\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]", html)


def clean_names(html: str) -> set[tuple[str, str]]:
    return {(element.tag, name) for element in tree(html).iter() for name in ("", *element.attrib)}


def test_the_page_needs_nothing_from_outside(run: Run):
    html = page(run)
    assert not re.search(r"(?:src|href)=\"(?!#)|url\(|@import|<script|<link|<iframe|<img", html)
    assert any((meta.get("content") or "").startswith("default-src 'none'") for meta in tree(html).iter("meta"))
    assert "/home/somebody" not in html


def test_a_synthetic_run_says_so_in_title_headline_and_every_section(run: Run):
    root = tree(page(run))
    headings = [root.find("head/title"), root.find(".//h1"), *root.iter("h2")]
    assert len(headings) == 2 + len(SECTIONS)
    assert all("synthetic" in "".join(heading.itertext()).lower() for heading in headings if heading is not None)
    run["synthetic"] = False
    assert "ynthetic" not in re.sub(r"<style>.*?</style>", "", page(run), flags=re.DOTALL)


def test_figures_and_tables_can_be_heard(run: Run):
    """Drawings have a title and a description or are hidden, cells that head others have a scope, ids are unique, links lead somewhere."""
    root = tree(page(run))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    drawings = list(root.iter("svg"))
    assert len(drawings) > 10
    for drawing in drawings:
        named = drawing.get("aria-labelledby", "").split()
        assert drawing.get("aria-hidden") == "true" or (len(named) == 2 and set(named) <= set(ids))
        if named:
            assert all((drawing.findtext(tag) or "").strip() for tag in ("title", "desc"))
    assert all(cell.get("scope") for cell in root.iter("th"))
    assert all(table.findtext("caption") for table in root.iter("table"))
    assert all((link.get("href") or "")[1:] in ids for link in root.iter("a"))
    assert root.get("lang") == "en"


def test_nothing_leaves_its_drawing(run: Run):
    """Every marker and line of every figure lies inside its view box."""
    for drawing in tree(page(run)).iter("svg"):
        _, _, width, height = map(float, drawing.get("viewBox", "").split())
        for element in drawing.iter():
            for name, limit in (("cx", width), ("x1", width), ("x2", width), ("x", width), ("cy", height), ("y1", height), ("y2", height)):
                assert -1 <= float(element.get(name, 0)) <= limit + 1
            for point in element.get("points", "").split():
                x, y = map(float, point.split(","))
                assert -1 <= x <= width + 1
                assert -1 <= y <= height + 1


OPTIONAL = ["arms", "general", "paired", "paired_general", "data", "targets", "training", "export", "examples", "steps", "documents",
            "teacher", "student", "recipe", "machine", "versions"]  # fmt: skip


@given(absent=sets(sampled_from(OPTIONAL)))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_part_may_be_missing(make_run: Callable[[], Run], absent: set[str]):
    """Whatever was not run says so, and the page is whole."""
    run = {key: value for key, value in make_run().items() if key not in absent}
    root = tree(page(run))
    not_run = {section.get("id") for section in root.iter("section") if "Not run." in "".join(section.itertext())}
    places = {
        "arms": "scores",
        "paired": "differences",
        "general": "forgotten",
        "data": "data",
        "export": "export",
        "examples": "answers",
        "steps": "steps",
    }
    assert not_run >= {places[key] for key in absent if key in places}
    assert not_run & {places[key] for key in places if key not in absent} == set()


def test_an_early_run_is_one_page_of_not_run():
    root = tree(page({"name": "early", "synthetic": False}))
    sections = list(root.iter("section"))
    assert ["Not run." in "".join(section.itertext()) for section in sections] == [False] + [True] * (len(sections) - 1)
    assert "0 %" not in "".join(root.itertext()).replace("95 %", "").split("{")[0]


def test_holes_in_the_numbers_are_shown_as_holes(run: Run):
    for arm in run["arms"]:
        arm["interval"] = None
        del arm["parts"]["know"]["n"]
    run["arms"][0]["parts"] = {}
    run["data"]["failed"] = None
    run["export"]["F16"] = {"bytes": 5}
    run["training"]["sft"] = [{"seed": 1}]
    run["teacher"].pop("num_parameters")
    run["paired"][0] |= {"interval": None, "p": None}
    words = "".join(tree(page(run)).itertext())
    assert "a count is missing" in words
    assert "not tested" in words
    assert "size\u00a0not known" in words or "size not known" in words


def test_a_variant_is_told_with_its_mode_and_its_weight_in_everyday_questions(run: Run) -> None:
    table = variants_table(build_report(run))
    assert table is not None
    assert dict(zip(table.columns, table.rows[0], strict=True)) == {
        "variant": "mild",
        "mode": "live",
        "loss": "skew_kl",
        "settings": "alpha 0.1",
        "temperature": "1",
        "weight of the divergence": "0.9",
        "weight in everyday questions": "0.9",
    }
    run["variants"]["mild"]["general_weight"] = 0.5
    table = variants_table(build_report(run))
    assert table is not None
    assert table.rows[0][-2:] == ["0.9", "0.5"]


def test_the_cost_of_a_step_stands_under_its_columns() -> None:
    pair = {"seconds": {"estimate": 60.0, "actual": 90.0, "ratio": 1.5}, "disk_bytes": {"estimate": 1e6, "actual": 2e6, "ratio": 2.0}}
    cost: Run = {
        **pair,
        "steps": [{"name": "build", **pair, "peak_memory_bytes": 3e9}],
        "peak_memory_bytes": {"estimate": 4e9, "actual": 5e9},
    }
    first, last = (dict(zip(COST_COLUMNS, row, strict=True)) for row in cost_rows(cost))
    assert first == {
        "step": "build",
        "time, estimated": duration(60),
        "time, actual": duration(90),
        "actual / estimated": "1.50",
        "disk, estimated": size(1e6),
        "disk, actual": size(2e6),
        "memory so far": size(3e9),
    }
    assert (last["step"], last["memory so far"]) == ("all", size(5e9))
