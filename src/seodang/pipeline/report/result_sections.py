"""The page's sections about what came out: the verdict, the files with their size and parity, and answers to look at."""

from typing import Any

from seodang.pipeline.report.blocks import arm_name, facts, lines, note, part_title, quoted, section, table
from seodang.pipeline.report.figures import size_figure
from seodang.pipeline.report.markup import Safe, element, joined, own, visible
from seodang.pipeline.report.reading import find_arm
from seodang.pipeline.report.verdict import STUDENT
from seodang.pipeline.report.wording import (
    CORRECTED,
    SIGNS,
    comparison,
    count,
    decimal,
    percent,
    percent_interval,
    points,
    significant,
    size,
)

Row = dict[str, Any]

MAX_ANSWERS = 12  # exam items shown side by side

_GUARD_SIGNS = {"passed": "✓", "failed": "✗", "inconclusive": "?"}
_BEFORE_AND_AFTER = (("before", "base"), ("after", STUDENT), ("teacher, book open", "teacher_open"))


def opening(report: Row) -> Safe:
    """The one result, large enough to be read in five seconds."""
    found = report["headline"]
    key: list[Safe | None] = []
    if found["difference"] is not None:
        number = element(
            "p",
            element("span", SIGNS[found["outcome"]], class_="sign", aria_hidden="true"),
            own(points(found["difference"])),
            element("span", " points", class_="unit"),
            class_="key",
        )
        more = "more" if found["difference"] >= 0 else "fewer"
        numbers = comparison(found).split(", ", 1)[-1]
        about = f"{more} right answers than before it was taught, on questions asked without the book ({numbers})"
        about += "; this may well be chance" if found["outcome"] == "not distinguishable" else ""
        key = [number, element("p", own(about), class_="about")]
    arms = [(label, find_arm(report["arms"], name)) for label, name in _BEFORE_AND_AFTER]
    stats = [
        (label, lines(percent(arm["score"]), f"{percent_interval(arm['interval'])}, n = {count(arm['n'])}")) for label, arm in arms if arm
    ]
    return element(
        "header",
        element(
            "p",
            "seodang report",
            element("span", ": ".join(filter(None, (report["name"], report["title"]))), class_="run"),
            class_="eyebrow",
        ),
        element("p", "Synthetic: fake or random weights took part. These numbers say nothing about a real model.", class_="warning")
        if report["synthetic"]
        else None,
        element("h1", found["sentence"]),
        *key,
        _guard_mark(report["guard"]),
        facts(stats) if stats else None,
        class_=found["outcome"].replace(" ", "-"),
    )


def _guard_mark(guard: Row | None) -> Safe | None:
    """The guard's outcome in the opening, where nobody can miss it."""
    if guard is None:
        return None
    sign = element("span", _GUARD_SIGNS[guard["outcome"]], class_="sign", aria_hidden="true")
    return element("p", sign, " ", _claim(guard["sentence"]), class_=f"guard {guard['outcome']}")


def verdict_section(report: Row) -> Safe:
    """What the statistics say, a sentence each."""
    sentences = element("ul", *(element("li", _claim(sentence)) for sentence in report["verdict"]), class_="verdict")
    reading = "Better or worse is said only where the 95 % interval lies on one side of 0 and p < 0.05; otherwise: not distinguishable."
    rule = f"{reading} {CORRECTED}"
    return section(report, "verdict", "Verdict", sentences, note(report, rule, "arms"))


def _claim(sentence: str) -> Safe:
    """A sentence of ours with its numbers, which stand in brackets, in quieter letters."""
    claim, bracket, rest = sentence.partition(" (")
    numbers, end, after = rest.rpartition(")")
    return joined(own(claim), element("span", own(f" ({numbers})"), class_="numbers"), own(after)) if bracket and end else own(sentence)


def size_section(report: Row) -> Safe:
    """What a smaller file costs in right answers."""
    placed = [point for point in report["size_and_score"] if point["score"] is not None]
    if not any(point["bytes"] for point in placed):
        return section(report, "size", "Size against score")
    words = "The checkpoint holds float16 weights. Points of one size stand side by side."
    if not all(point["examined"] for point in placed):
        hollow = "Hollow: an exported file, which was not examined itself and stands at its checkpoint's score"
        words = f"{hollow}; how near it is, export parity says. {words}"
    return section(
        report,
        "size",
        "Size against score",
        size_figure("size-figure", "Size of the weights against share of right answers", placed),
        note(report, words, "export"),
    )


def export_section(report: Row) -> Safe:
    """How far each exported file agrees with its checkpoint, how large and how fast it is."""
    files = report["export"]
    if not files:
        return section(report, "export", "Export parity")
    rows = [
        [
            visible(name, 40),
            own(size(file.get("bytes"))),
            own(decimal(file.get("tokens_per_s"))),
            own(significant(file.get("kl"))),
            own(percent(file.get("top1"))),
            own(_same(file.get("same_token_ids"))),
            own(count(file.get("num_positions"))),
        ]
        for name, file in files.items()
    ]
    columns = ["format", "size", "tokens/s", "KL, nats a token", "same top token", "same prompt ids", "n, positions"]
    words = (
        "Against the checkpoint in float32, at the positions of its own greedy answers; tokens/s is greedy decoding of one conversation."
    )
    words += "".join(f" {visible(name, 40)}: {', '.join(_runtime(file))}." for name, file in files.items() if _runtime(file))
    return section(
        report, "export", "Export parity", table("Exported files against the checkpoint", columns, rows), note(report, words, "export")
    )


def _same(share: float | bool | None) -> str:
    """A share of prompts, or one yes or no for all of them."""
    return ("yes" if share else "no") if isinstance(share, bool) else percent(share)


def _runtime(file: Row) -> list[str]:
    threads = [f"{file['threads']} threads"] if file.get("threads") else []
    prompts = [f"{file['num_prompts']} prompts"] if file.get("num_prompts") else []
    return [*([visible(str(file["runtime"]), 80)] if file.get("runtime") else []), *threads, *prompts]


def answers_section(report: Row) -> Safe:
    """What each arm said to the same questions."""
    items = report["examples"]
    if not items:
        return section(report, "answers", "Answers side by side")
    cards = element("div", *(_answers(item) for item in items[:MAX_ANSWERS]), class_="cards")
    shown = f"{min(len(items), MAX_ANSWERS)} of the {len(items)} examples in report.json."
    words = f"{shown} Right: an accepted answer stands in it and no listed wrong one does."
    return section(report, "answers", "Answers side by side", cards, note(report, words, "arms"))


def _answers(item: Row) -> Safe:
    said: list[Safe] = []
    for arm, answer in item["answers"].items():
        right = answer.get("right")
        mark = "· not judged" if right is None else "✓ right" if right else "✗ wrong"
        class_ = None if right is None else "right" if right else "wrong"
        said.append(element("dt", arm_name(arm), " ", element("span", mark, class_=class_)))
        said.append(element("dd", quoted(answer["text"]) if answer["text"] else element("em", "(no text)")))
    accepted = " / ".join(item.get("accepted") or [])
    return element(
        "article",
        element("p", part_title(str(item.get("part", ""))), ", ", str(item["id"]), class_="small"),
        element("h3", quoted(item["question"])),
        element("p", "Accepted: ", quoted(visible(accepted, 300)), class_="accepted") if accepted else None,
        element("dl", *said),
        class_="card",
    )
