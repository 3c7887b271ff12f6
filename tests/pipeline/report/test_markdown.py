"""report.md, read back by a Markdown parser that we did not write."""

from typing import Any

import pytest
from markdown_it import MarkdownIt

from seodang.pipeline.report.build import build_report
from seodang.pipeline.report.html import render_html
from seodang.pipeline.report.markdown import inline, render_markdown

Run = dict[str, Any]
HOSTILE = [
    "<script>alert(1)</script>",
    "</td></tr></table> | a | b |",
    "[a](https://example.org) ![b](c) <https://example.org>",
    "`code` **bold** _it_ ~~gone~~ # no heading",
    "line\n\n# heading\n\n> quote\n\n- list\n```\nfence",
    "&lt;b&gt; &#60;b&#62; trailing \\",
    "\u202eright to left\u202c \x00 \ud800",
    "<!-- ", "<", "a" * 100_000,
]  # fmt: skip


def kinds(markdown: str) -> dict[str, int]:
    """How many of each kind of token a CommonMark parser with tables finds."""
    found: dict[str, int] = {}
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        for part in (token, *(token.children or [])):
            found[part.type] = found.get(part.type, 0) + 1
    return found


def test_equal_reports_give_equal_text_with_every_arm_and_sentence(run: Run):
    report = build_report(run)
    text = render_markdown(report)
    assert text == render_markdown(build_report(run))
    for arm in report["arms"]:
        assert f"{100 * arm['score']:.1f} % ({100 * arm['interval'][0]:.1f} to" in text
    assert all(sentence in text for sentence in report["verdict"])
    assert "702 accepted + 861 rejected + 74 quarantined + 11 failed = 1,648 input" in text
    assert "/home/somebody" not in text


def test_tables_are_tables_and_synthetic_is_in_every_heading(run: Run):
    text = render_markdown(build_report(run))
    assert kinds(text)["table_open"] == 16
    assert all("ynthetic" in line for line in text.splitlines() if line.startswith("#"))


@pytest.mark.parametrize("payload", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_model_wrote_cannot_become_markup(run: Run, payload: str):
    """Tables, headings and lists are as many as before, and there is no HTML, link, image or code."""
    before = kinds(render_markdown(build_report(run)))
    for item in run["examples"]:
        item["question"] = payload
        for answer in item["answers"].values():
            answer["text"] = payload
    for row in run["data"]["examples"] + run["data"]["rejected_examples"]:
        row["question"] = row["answer"] = payload
    run["data"]["rejected_by_check"][payload] = 3
    run["steps"][0]["summary"][payload] = payload
    run["documents"][0]["name"] = payload
    text = render_markdown(build_report(run))
    after = kinds(text)
    text.encode()
    assert len(text) < 40_000
    assert after == before | {key: after[key] for key in ("text", "text_special", "softbreak", "em_open") if key in after}
    assert not {"html_inline", "html_block", "link_open", "image", "code_inline", "fence", "code_block", "em_open"} & set(after)


@pytest.mark.parametrize("payload", HOSTILE[:6], ids=range(6))
def test_a_reader_sees_what_was_written(payload: str):
    tokens = MarkdownIt("commonmark").parseInline(f"x {inline(payload)}")
    seen = "".join(child.content for child in tokens[0].children or [])
    assert seen == "x " + " ".join(payload.split())


def test_nothing_run_is_a_short_text():
    text = render_markdown(build_report({"name": "early", "synthetic": False}))
    assert text.count("Not run.") == 10
    assert "| --- |" not in text


def test_own_answers_stand_in_the_text_and_on_the_page_with_what_the_guards_saw(run: Run):
    told = run["training"]["distilled"][0]["rollouts"]
    before = {"name": "rollouts.2", "key": "a" * 64, "seconds": 3.0, "summary": {**told, "num": 77, "num_questions": 70}}
    report = build_report({**run, "steps": [*run["steps"], before]})
    cells = (
        "distilled student, seed 1",
        "supervised fine-tuning, seed 2",
        "1,440",
        "12.4",
        "93.1 %",
        "4.5 %",
        "2.4 %",
        "62 % repeat themselves",
    )
    for shown in (render_markdown(report), render_html(report)):
        assert [cell for cell in (*cells, "77") if cell not in shown.replace("\N{NO-BREAK SPACE}", " ")] == []
    without = render_markdown(build_report({**run, "training": {"sft": run["training"]["sft"]}}))
    assert "own answers" not in without
