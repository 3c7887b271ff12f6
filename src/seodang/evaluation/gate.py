"""Decides a declared gate from answers: each rule, each family without regression, and the whole."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from seodang.core.errors import InputError
from seodang.evaluation import rules
from seodang.evaluation.claims import Claim, claims
from seodang.evaluation.gate_file import (
    BASE,
    STUDENT,
    TEACHER,
    AtLeast,
    Gate,
    GateTask,
    NonInferior,
    Retained,
    Rule,
    Superior,
    Waiver,
    held_against,
)
from seodang.evaluation.pairs import item_scores, num_errors, pair
from seodang.evaluation.result import Evaluation
from seodang.evaluation.retention import ends, retention_by_family
from seodang.evaluation.rules import Outcome, Tested
from seodang.evaluation.score import summarise

Answers = Mapping[tuple[str, str], Evaluation]  # by the task's title and the model's name in the gate

ERROR_RATES = {
    "primary": "Holm over all rules of primary tasks: the chance that any of them passes whose claim is false is at most alpha"
    " (simulated: 3.4 % at most at an alpha of 2.5 %, since p values of few items are approximate)",
    "secondary": "Holm over all rules of secondary tasks, which are told and decide nothing",
    "regression": "every task of the family has to pass at alpha, uncorrected (intersection-union test, Berger 1982, Technometrics 24:295):"
    " the chance that the family passes although the student lost the margin or more on any of its tasks is at most alpha; an unchanged"
    " student passes less often, the more tasks there are",
}


def decide(gate: Gate, answers: Answers) -> dict[str, Any]:
    """The verdict: passed where every rule that decides passed, failed where any failed, inconclusive otherwise; with all numbers."""
    claimed = claims(gate, {task.title: answers[task.title, STUDENT].manifest["summary"]["family"] for task in gate.tasks})
    deciding = _corrected(gate, [claim for claim in claimed if claim.role == "primary"], answers)
    deciding += _uncorrected(gate, [claim for claim in claimed if claim.role == "regression"], answers)
    secondary = _corrected(gate, [claim for claim in claimed if claim.role == "secondary"], answers)
    return {
        "gate": gate.name,
        "digest": gate.digest,
        "alpha": gate.alpha,
        "verdict": overall([row["outcome"] for row in deciding]),
        "rules": deciding,
        "secondary": secondary,
        "error_rates": ERROR_RATES,
        "retention": retention_by_family(_of(answers, STUDENT), _of(answers, TEACHER)),
        "scores": [
            {"name": title, "arm": arm, "folder": str(found.folder), **{k: v for k, v in summarise(found).items() if k != "parts"}}
            for (title, arm), found in answers.items()
        ],
        "synthetic": any(found.synthetic for found in answers.values()),
    }


def overall(outcomes: Sequence[str]) -> Outcome:
    """Of rules that all have to hold; a waived one counts as held."""
    if "failed" in outcomes:
        return "failed"
    return "inconclusive" if "inconclusive" in outcomes else "passed"


def needed_answers(gate: Gate, families: Mapping[str, str]) -> list[tuple[GateTask, str]]:
    """Which task has to be answered by which model of the gate: student, base and teacher answer all, a reference what it is held against.
    `families` holds each task's family by title."""
    needed: dict[tuple[str, str], tuple[GateTask, str]] = {}
    for task in gate.tasks:
        others = [held_against(rule) for rule in task.rules]
        others += [regression.against for regression in gate.regression if regression.family == families[task.title]]
        others += [name for name in (BASE, TEACHER) if name in gate.models]
        for name in dict.fromkeys([STUDENT, *(other for other in others if other is not None)]):
            needed[task.title, name] = (task, name)
    return list(needed.values())


def _of(answers: Answers, arm: str) -> dict[str, Evaluation]:
    return {title: found for (title, name), found in answers.items() if name == arm}


def _corrected(gate: Gate, claimed: Sequence[Claim], answers: Answers) -> list[dict[str, Any]]:
    tested = [test(claim.rule, claim.task, answers, gate.alpha) for claim in claimed]
    decided = rules.decide_family(tested, gate.alpha)
    return [rule_row(claim, found, *ruling, answers) for claim, found, ruling in zip(claimed, tested, decided, strict=True)]


def _uncorrected(gate: Gate, claimed: Sequence[Claim], answers: Answers) -> list[dict[str, Any]]:
    tested = [(claim, test(claim.rule, claim.task, answers, gate.alpha)) for claim in claimed]
    return [rule_row(claim, found, found.p, found.outcome(found.p, gate.alpha), answers) for claim, found in tested]


def test(rule: Rule, title: str, answers: Answers, alpha: float) -> Tested:
    """What one rule finds on one task."""
    student, against = answers[title, STUDENT], held_against(rule)
    if against is None:
        assert isinstance(rule, AtLeast)
        clusters = [item.cluster for item in student.items]
        return rules.at_least(item_scores(student, student.items), clusters, threshold=rule.threshold, alpha=alpha)
    both = pair(student, answers[title, against])
    mine, theirs = item_scores(both.a, both.items), item_scores(both.b, both.items)
    best = item_scores(both.b, both.items, error=1.0) if num_errors(both.b, both.items) else None
    if isinstance(rule, Superior):
        return rules.superior(mine, theirs, both.clusters, smallest_gain=rule.smallest_gain, alpha=alpha, best=best)
    if isinstance(rule, NonInferior):
        return rules.non_inferior(mine, theirs, both.clusters, margin=rule.margin, alpha=alpha, best=best)
    assert isinstance(rule, Retained)
    return rules.retained(mine, theirs, both.clusters, minimum=rule.minimum, alpha=alpha, best=best)


def rule_row(claim: Claim, found: Tested, p: float, outcome: Outcome, answers: Answers) -> dict[str, Any]:
    """A rule's finding as JSON; `p_corrected` is Holm's, and decides."""
    rule, title, against = claim.rule, claim.task, held_against(claim.rule)
    names = [STUDENT] if against is None else [STUDENT, against]
    row: dict[str, Any] = {
        "id": claim.id,
        "role": claim.role,
        "task": title,
        **({"family": claim.family} if claim.family else {}),
        **rule.model_dump(mode="json"),
        "outcome": outcome,
        "estimate": found.estimate,
        "interval": ends(found.interval),
        "p": found.p,
        "p_corrected": p,
        "n": found.num_items,
        "num_clusters": found.num_clusters,
        "method": found.method,
        "errors": {name: num_errors(answers[title, name], answers[title, name].items) for name in names},
        "passes_with_80_percent_from": found.seen_at(),
    }
    return {**row, "sentence": _sentence(rule, row)}


def _sentence(rule: Rule, row: dict[str, Any]) -> str:
    claims = {
        "superior": lambda: f"better than {row['against']}",
        "non_inferior": lambda: f"at most {100 * row['margin']:.3g} points below {row['against']}",
        "at_least": lambda: f"above {100 * row['threshold']:.3g} %",
        "retention": lambda: f"above {100 * row['minimum']:.3g} % of the teacher",
    }
    unit = "points" if rule.rule in ("superior", "non_inferior") else "%"
    sign = "+" if unit == "points" else ""

    def number(value: float | None) -> str:
        return "no end" if value is None else f"{round(100 * value, 1) + 0.0:{sign}.1f}"  # adding 0 turns -0 into 0

    found = "not defined" if row["estimate"] is None else f"{number(row['estimate'])} {unit}"
    if row["interval"] is not None:
        found += f", 95 % interval {' to '.join(map(number, row['interval']))}"
    told = f"{row['task']}: {claims[rule.rule]()}: {row['outcome']} ({found}, one-sided p = {row['p_corrected']:.3g}, {row['n']} items)"
    if row["outcome"] == "inconclusive" and row["passes_with_80_percent_from"] is not None:
        told += f"; tested alone, a true value of {number(row['passes_with_80_percent_from'])} {unit} would have passed with 80 %"
    return told


def refuse_stranger(waiver: Waiver, gate: str, deciding: Collection[str]) -> None:
    """InputError for a waiver of another gate than the one of this digest, or of a rule that is not among the ids of those that decide."""
    if waiver.gate and waiver.gate != gate:
        raise InputError("this waiver is of another gate", where=waiver.waived_by, hint=f"the digest of this one is {gate}")
    for name in waiver.rules:
        if name not in deciding:
            raise InputError(f"no rule `{name}` decides", where=waiver.waived_by, hint=f"those that decide: {', '.join(deciding)}")


def waive(verdict: dict[str, Any], waiver: Waiver, at: str) -> dict[str, Any]:
    """The verdict with inconclusive rules counted as held on somebody's word, which is recorded.

    InputError for a rule that failed or does not exist, and for a waiver of another gate.
    """
    outcomes = {row["id"]: row["outcome"] for row in verdict["rules"]}
    refuse_stranger(waiver, verdict["digest"], outcomes)
    for name in waiver.rules:
        if outcomes[name] not in ("inconclusive", "waived"):
            told = f"`{name}` {outcomes[name]}, and only what is inconclusive can be waived"
            raise InputError(told, where=waiver.waived_by, hint=f"inconclusive: {', '.join(_inconclusive(outcomes)) or 'none'}")
    names = waiver.rules or _inconclusive(outcomes)
    word = {"waived_by": waiver.waived_by, "reason": waiver.reason, "at": at}
    rows: list[dict[str, Any]] = [
        {**row, "outcome": "waived", "waived": word} if row["id"] in names and row["outcome"] == "inconclusive" else row
        for row in verdict["rules"]
    ]
    waivers = [*verdict.get("waivers", []), {**word, "rules": list(names)}]
    return {**verdict, "rules": rows, "verdict": overall([row["outcome"] for row in rows]), "waivers": waivers}


def _inconclusive(outcomes: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name, outcome in outcomes.items() if outcome == "inconclusive")
