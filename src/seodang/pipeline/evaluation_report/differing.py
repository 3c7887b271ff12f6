"""The page's section of single items: those that two models answer differently, with both transcripts side by side."""

from typing import Any

from seodang.pipeline.report.blocks import note, quoted, section
from seodang.pipeline.report.markup import Safe, element, joined, own, visible
from seodang.pipeline.report.wording import brief, count, plural

Row = dict[str, Any]

_TURN, _EVIDENCE = 900, 400  # characters shown of one turn and of the evidence


def differing_section(report: Row) -> Safe | None:
    """For each task and each other model, the items where the scores differ."""
    groups = [_group(report["first"], task, row) for task in report["tasks"] for row in task["differing"] if row["count"]]
    if not groups:
        return None
    words = "Gains and losses are shown alike; all items with all answers stand in the folders of the evaluations. Long turns are cut."
    return section(report, "items", "Items that differ", *groups, note(report, words))


def _group(first: str, task: Row, row: Row) -> Safe:
    shown = f"{plural(row['count'], 'item')} of {visible(task['name'], 60)} against {visible(row['other'], 60)}"
    more = f", {len(row['shown'])} shown" if len(row["shown"]) < row["count"] else ""
    return joined(element("h3", own(shown + more)), *(_item(item, (first, row["other"])) for item in row["shown"]))


def _item(item: Row, names: tuple[str, str]) -> Safe:
    sign = "▲" if item["gap"] > 0 else "▼"
    head = element(
        "summary",
        element("span", sign, class_="sign right" if item["gap"] > 0 else "sign wrong"),
        " ",
        quoted(visible(item["question"], 160)),
        element("span", visible(f"{item['part']}, {item['id']}", 80), class_="small"),
    )
    question = element("p", quoted(item["question"]), class_="accepted") if len(item["question"]) > 160 else None
    sides = element("div", *(_side(name, side) for name, side in zip(names, item["sides"], strict=True)), class_="sides")
    return element("details", head, question, sides, class_="item")


def _side(name: str, side: Row) -> Safe:
    several = f", mean of {side['num_samples']} samples; sample {side['sample']} is shown" if side["num_samples"] > 1 else ""
    mark = "error" if side["outcome"] == "error" else f"score {side['score']:.2g}"
    told = [("Judged: ", side["answer"], _TURN), ("Error: ", side["error"], _EVIDENCE), ("Evidence: ", brief(side["evidence"]), _EVIDENCE)]
    return element(
        "div",
        element(
            "p",
            visible(name, 60),
            " ",
            element("span", mark, class_="right" if side["score"] >= 0.5 else "wrong"),
            element("span", own(f"{count(side['num_new_tokens'])} tokens{several}"), class_="small"),
        ),
        *(_turn(turn) for turn in side["transcript"]),
        *(element("p", label, quoted(visible(words, limit)), class_="accepted") for label, words, limit in told if words),
        class_="side",
    )


def _turn(turn: Row) -> Safe:
    role = str(turn.get("role", ""))
    words = role
    if turn.get("logprob") is not None:
        words += f", log-probability {turn['logprob']:.3f}" + (", greedy" if turn.get("greedy") else "")
    thought = element("p", element("em", "thinks: "), quoted(visible(turn["reasoning"], _TURN))) if turn.get("reasoning") else None
    content = quoted(visible(str(turn.get("content", "")), _TURN))
    kind = "turn assistant" if role == "assistant" else "turn"
    return element("div", element("span", words, class_="role"), thought, content, class_=kind)
