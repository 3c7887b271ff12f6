"""The page's sections about scores: arms with their intervals, differences between arms, what was forgotten."""

from collections.abc import Sequence
from typing import Any

from seodang.pipeline.report.arm_tables import guard_table, winner_table
from seodang.pipeline.report.blocks import arm_name, grouped_table, lines, note, part_name, part_title, plain_table, section, table
from seodang.pipeline.report.figures import difference_mark, score_figure
from seodang.pipeline.report.markup import Safe, element, joined, own, visible
from seodang.pipeline.report.reading import OVERALL
from seodang.pipeline.report.wording import (
    CORRECTED,
    SIGNS,
    count,
    decimal,
    errors_words,
    interval_numbers,
    items_column,
    p_value,
    percent,
    points,
    points_interval,
)

Row = dict[str, Any]


def scores_section(report: Row) -> Safe:
    """Each arm's share of right answers, over the whole exam and by part."""
    arms = report["arms"]
    if not arms:
        return section(report, "scores", "Scores")
    parts = _parts(arms)
    panels = [(part_title(OVERALL), [(arm["name"], arm) for arm in arms])]
    panels += [(part_title(part), [(arm["name"], arm["parts"][part]) for arm in arms if part in arm["parts"]]) for part in parts]
    words = f"Share of right answers, closed book unless the name says otherwise.{errors_words(arms, arm_name)} {_methods(arms)}"
    return section(
        report,
        "scores",
        "Scores",
        score_figure("scores-figure", "Share of right answers by arm", panels),
        _score_table(arms, parts),
        note(report, words, "arms"),
    )


def _score_table(arms: list[Row], parts: list[str]) -> Safe:
    has_half = any(arm.get("dissimilar_half") for arm in arms)
    shown = [(part_name(OVERALL), arms), *((part_name(part), [arm["parts"].get(part) for arm in arms]) for part in parts)]
    shown += [("least similar half", [arm.get("dissimilar_half") for arm in arms])] if has_half else []
    has_errors = any(arm.get("errors") for arm in arms)
    columns = ["arm", *(_with_n(name, scores) for name, scores in shown), "answer, mean tokens", "answers cut short"]
    columns += ["errors"] * has_errors
    rows = [
        [
            arm_name(arm["name"]),
            *(_score(scores[index], *(_each_seed(arm) if scores is arms else ())) for _, scores in shown),
            own(decimal(arm.get("mean_new_tokens"))),
            own(percent(arm.get("cut_share"))),
            *[own(count(arm.get("errors")))] * has_errors,
        ]
        for index, arm in enumerate(arms)
    ]
    return table("Share of right answers with its 95 % interval, and n, the number of questions", columns, rows)


def _each_seed(arm: Row) -> list[str]:
    seeds = arm.get("seeds") or []
    return ["seeds " + " / ".join(f"{100 * seed['score']:.1f}" for seed in seeds)] if len(seeds) > 1 else []


def _with_n(name: str, scores: Sequence[Row | None]) -> Safe:
    """A column's name with the number of items, or with their range where arms were asked different ones."""
    found = sorted({score["n"] for score in scores if score and score.get("n") is not None})
    numbers = " to ".join(count(n) for n in dict.fromkeys((found[0], found[-1]))) if found else "unknown"
    return joined(name, element("span", own(f"n = {numbers}"), class_="small"))


def _score(score: Row | None, *below: str) -> Safe:
    if not score or score.get("score") is None:
        return own("-")
    return lines(percent(score["score"]), interval_numbers(score.get("interval")), *below)


def _parts(arms: list[Row]) -> list[str]:
    """Names of the parts in the order in which they first appear."""
    return list(dict.fromkeys(part for arm in arms for part in arm["parts"]))


def _methods(rows: list[Row]) -> str:
    found = sorted({str(row["method"]) for row in rows if row.get("method")})
    return f"Intervals: {'; '.join(visible(method, 120) for method in found)}." if found else "Intervals cover 95 %."


def paired_section(report: Row) -> Safe:
    """Arms against each other on the same items."""
    rows = report["paired"]
    if not rows:
        return section(report, "differences", "Paired differences")
    hanging = any((row.get("num_clusters") or row["n"]) != row["n"] for row in rows)
    about = " Items about one statement of a document are one cluster." if hanging else ""
    words = f"First arm minus second arm on the same items, in percentage points.{about} {CORRECTED} {_methods(rows)}"
    return section(
        report,
        "differences",
        "Paired differences",
        plain_table(winner_table(report)),
        _paired_table("Differences between arms on the exam", rows),
        *(_paired_table(f"Seed {seed} alone", found) for seed, found in _by_seed(report["paired_by_seed"]).items()),
        note(report, words, "arms"),
    )


def _by_seed(rows: list[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["seed"], []).append(row)
    return found


def _paired_table(caption: str, rows: list[Row]) -> Safe:
    largest = max(abs(value) for row in rows for value in (row["difference"], *(row["interval"] or [])))
    limit = next((round_number for round_number in (0.05, 0.1, 0.2, 0.5) if largest <= round_number), 1.0)
    groups: dict[tuple[str, str], list[list[str]]] = {}
    head, numbers = items_column(rows)
    for row, number in zip(rows, numbers, strict=True):
        cells: list[str] = [
            part_name(row["part"]),
            difference_mark(row, limit),
            own(points(row["difference"])),
            own(points_interval(row["interval"])),
            own(p_value(row["p_holm"]).removeprefix("= ")),
            own(number),
            joined(element("span", SIGNS[row["reading"]], class_="sign", aria_hidden="true"), " ", row["reading"]),
        ]
        groups.setdefault((row["a"], row["b"]), []).append(cells)
    columns = [
        "part",
        own(f"-{100 * limit:.0f} to +{100 * limit:.0f} points"),
        "difference, points",
        "95 % interval",
        "p, corrected",
        head,
        "reading",
    ]
    named = [(joined(arm_name(a), element("span", " minus ", class_="minus"), arm_name(b)), cells) for (a, b), cells in groups.items()]
    return grouped_table(caption, columns, named, words=(0, 1, 6))


def general_section(report: Row) -> Safe:
    """The general suite before and after."""
    arms = report["general"]
    if not arms:
        return section(report, "forgotten", "What was forgotten")
    shown = score_figure(
        "general-figure", "Share of right answers on the general suite", [("general suite", [(arm["name"], arm) for arm in arms])]
    )
    parts = _parts(arms)
    cells = [
        [_with_n(part_name(part), [arm["parts"].get(part) for arm in arms]), *(_score(arm["parts"].get(part)) for arm in arms)]
        for part in parts
    ]
    first = [_with_n("overall", arms), *map(_score, arms)]
    by_part = table(
        "General suite by part: share of right answers with its 95 % interval",
        ["part", *(arm_name(arm["name"]) for arm in arms)],
        [first, *cells],
    )
    paired = _paired_table("Differences between arms on the general suite", report["paired_general"]) if report["paired_general"] else None
    about = "Questions that have nothing to do with the documents; a fall here is what was forgotten."
    words = f"{about}{errors_words(arms, arm_name)} {_methods(arms)}"
    guard = plain_table(guard_table(report))
    return section(report, "forgotten", "What was forgotten", shown, guard, paired, by_part, note(report, words, "general"))
