"""What the statistics say, in plain sentences: a negative or unclear result reads as one."""

from collections.abc import Sequence
from typing import Any

from seodang.pipeline.report.reading import OVERALL, find_arm, find_row
from seodang.pipeline.report.wording import ARM_NAMES, comparison, count, percent, percent_interval, plural

Row = dict[str, Any]

STUDENT = "distilled"
SYNTHETIC_WARNING = "Synthetic: fake or random weights took part in this run, so its numbers say nothing about a real model."

_VERBS = {
    "better": "beats",
    "worse": "is worse than",
    "not distinguishable": "is not distinguishable from",
    "not tested": "was not tested against",
}
_HEADLINES = {
    "better": "the student learned",
    "worse": "the student got worse",
    "not distinguishable": "no learning could be shown",
    "not tested": "the student was not tested against what it was before",
    "not run": "the student was not compared with what it was before",
}


def headline(report: Row) -> Row:
    """The one result to know first: distilled against undistilled student over the whole exam."""
    row = find_row(report["paired"], STUDENT, "base")
    outcome = "not run" if row is None else row["reading"]
    words = _HEADLINES[outcome]
    sentence = f"Synthetic run: {words}" if report["synthetic"] else words[0].upper() + words[1:]
    return {
        "outcome": outcome,
        "sentence": sentence,
        **{key: (row or {}).get(key) for key in ("difference", "interval", "p", "p_holm", "n")},
    }


def verdict(report: Row) -> list[str]:
    """One sentence a question: learned? better than fine-tuning? near the teacher? which arm won? forgotten? and how stable that is."""
    arms, paired = report["arms"], report["paired"]
    sentences = [
        _against(arms, paired, "base", "the undistilled student"),
        *_by_part(paired),
        _against(arms, paired, "sft", f"supervised fine-tuning {_training_tokens(report['training'], 'sft')}"),
        *_against_gold(report),
        _against(arms, paired, "teacher_open", "its teacher, which has the book open", worse="stays below"),
        *(report["winner"]["sentences"] if report["winner"] else []),
        _forgotten(report),
        *([report["guard"]["sentence"]] if report["guard"] else []),
        *_least_similar(arms),
        *_seeds(arms),
        *_unapproved(report["unapproved_items"]),
    ]
    return [SYNTHETIC_WARNING, *sentences] if report["synthetic"] else sentences


def _against(arms: Sequence[Row], paired: Sequence[Row], other: str, words: str, worse: str = "is worse than") -> str:
    row = find_row(paired, STUDENT, other)
    if row is None:
        return f"Distilled student against {ARM_NAMES[other]}: not run."
    verb = worse if row["reading"] == "worse" else _VERBS[row["reading"]]
    ours, theirs = find_arm(arms, STUDENT), find_arm(arms, other)
    scores = f"{percent(ours['score'])} right against {percent(theirs['score'])}; " if ours and theirs else ""
    return f"The distilled student {verb} {words} ({scores}{comparison(row)})."


def _by_part(paired: Sequence[Row]) -> list[str]:
    rows = [row for row in paired if (row["a"], row["b"]) == (STUDENT, "base") and row["part"] != OVERALL]
    return [f"On the part {row['part']} it {_VERBS[row['reading']]} the undistilled student ({comparison(row)})." for row in rows]


def _against_gold(report: Row) -> list[str]:
    if find_arm(report["arms"], "sft_gold") is None:
        return []
    words = f"fine-tuning on gold answers {_training_tokens(report['training'], 'sft_gold')}"
    return [_against(report["arms"], report["paired"], "sft_gold", words)]


def _training_tokens(training: dict[str, list[Row]], other: str) -> str:
    """What is known about the number of training tokens of the distilled student and the other arm, the mean over seeds, with those of the
    fine-tuning that a student went on from."""
    means: list[float] = []
    for arm in (STUDENT, other):
        runs = [run for run in training.get(arm, []) if run.get("num_tokens") is not None]
        tokens = [run["num_tokens"] + (run.get("num_tokens_before") or 0) for run in runs]
        if not tokens:
            return "(number of training tokens not recorded)"
        means.append(sum(tokens) / len(tokens))
    return "with equal training tokens" if means[0] == means[1] else f"with {count(means[1])} training tokens against its {count(means[0])}"


def _forgotten(report: Row) -> str:
    row = find_row(report["paired_general"], STUDENT, "base")
    if row is None:
        return "What was forgotten on the general suite: not run."
    numbers = comparison(row)
    if row["reading"] == "worse":
        return f"Something was forgotten: on the general suite the distilled student is worse than the undistilled one ({numbers})."
    if row["reading"] == "better":
        return f"Nothing was forgotten that the general suite could show: there the distilled student is better ({numbers})."
    if row["reading"] == "not tested":
        return f"What was forgotten on the general suite was not tested ({numbers})."
    limit = f"; a loss of up to {-100 * row['interval'][0]:.1f} points is not ruled out" if row["interval"][0] < 0 else ""
    return (
        "No forgetting could be shown: on the general suite the distilled student is not distinguishable "
        f"from the undistilled one ({numbers}){limit}."
    )


def _least_similar(arms: Sequence[Row]) -> list[str]:
    arm = find_arm(arms, STUDENT)
    half = (arm or {}).get("dissimilar_half")
    if not half:
        return []
    return [
        f"On the half of the exam that is least similar to its training questions it is right in {percent(half['score'])} "
        f"(95 % interval {percent_interval(half.get('interval'))}, n = {count(half.get('n'))})."
    ]


def _unapproved(num_items: int | None) -> list[str]:
    if not num_items:
        return []
    return [f"Caution: {plural(num_items, 'exam item')} came from a draft that no person has approved, so the scores may mean little."]


def _seeds(arms: Sequence[Row]) -> list[str]:
    scores = [seed["score"] for seed in (find_arm(arms, STUDENT) or {}).get("seeds") or []]
    if len(scores) < 2:
        return []
    return [f"Over {plural(len(scores), 'seed')} of training its score runs from {percent(min(scores))} to {percent(max(scores))}."]
