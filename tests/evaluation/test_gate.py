"""A declared gate is decided: each rule, families, errors, waivers, and the sentence a person reads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from answered import FAILED, evaluated, make_items
from seodang.core.errors import InputError
from seodang.evaluation import rules
from seodang.evaluation.claims import claims
from seodang.evaluation.gate import decide, needed_answers, overall, waive
from seodang.evaluation.gate_file import Gate, Waiver, parse_waiver

ITEMS = make_items(200)
BEST, GOOD, MIDDLE, POOR = ([1.0] * right + [0.0] * (200 - right) for right in (180, 160, 120, 60))


def gate(*rules: dict[str, Any], **told: Any) -> Gate:
    tasks = [{"task": "exam", "name": "t", "role": "primary", "rules": list(rules)}] if rules else []
    return Gate.model_validate({"name": "g", "student": "s", "base": "b", "teacher": "t", "tasks": tasks, **told})


def verdict(tmp_path: Path, declared: Gate, student: Any, base: Any = POOR, teacher: Any = BEST) -> dict[str, Any]:
    arms = {"student": student, "base": base, "teacher": teacher}
    answers = {
        (task.title, arm): evaluated(tmp_path / task.title / arm, ITEMS, scores) for task in declared.tasks for arm, scores in arms.items()
    }
    return decide(declared, answers)


OUTCOMES = [
    ({"rule": "superior"}, GOOD, "passed"),
    ({"rule": "superior"}, [0.0] * 200, "failed"),
    ({"rule": "superior"}, [0.0, *POOR[1:199], 1.0], "inconclusive"),
    ({"rule": "superior", "smallest_gain": 0.2}, POOR, "failed"),
    ({"rule": "superior", "against": "teacher"}, GOOD, "failed"),
    ({"rule": "non_inferior", "margin": 0.05}, POOR, "passed"),
    ({"rule": "non_inferior", "margin": 0.05}, [0.0] * 200, "failed"),
    ({"rule": "non_inferior", "margin": 0.01}, [0.0, *POOR[1:199], 1.0], "inconclusive"),
    ({"rule": "at_least", "threshold": 0.7}, GOOD, "passed"),
    ({"rule": "at_least", "threshold": 0.9}, GOOD, "failed"),
    ({"rule": "at_least", "threshold": 0.8}, GOOD, "inconclusive"),
    ({"rule": "retention", "minimum": 0.8}, GOOD, "passed"),
    ({"rule": "retention", "minimum": 0.8}, MIDDLE, "failed"),
    ({"rule": "retention", "minimum": 0.9}, GOOD, "inconclusive"),
]


@pytest.mark.parametrize(("rule", "student", "outcome"), OUTCOMES)
def test_each_rule_passes_fails_or_says_that_it_does_not_know(tmp_path: Path, rule: dict[str, Any], student: Any, outcome: str) -> None:
    told = verdict(tmp_path, gate(rule), student)
    assert (told["verdict"], told["rules"][0]["outcome"]) == (outcome, outcome)
    assert f": {outcome} (" in told["rules"][0]["sentence"]
    assert ("; tested alone, a true value of" in told["rules"][0]["sentence"]) == (outcome == "inconclusive")


def test_all_rules_have_to_hold() -> None:
    assert overall(["passed", "passed"]) == "passed"
    assert overall(["passed", "inconclusive", "waived"]) == "inconclusive"
    assert overall(["inconclusive", "failed"]) == "failed"
    assert overall(["waived"]) == "passed"


def test_primaries_are_corrected_for_their_number_and_secondaries_decide_nothing(tmp_path: Path) -> None:
    close = [1.0] * 60 + [1.0] * 9 + [0.0] * 131  # 9 items more, none less: p = 0.002
    primary = [{"task": "exam", "name": name, "role": "primary", "rules": [{"rule": "superior"}]} for name in ("a", "b", "c")]
    told = verdict(tmp_path, gate(tasks=[*primary, {**primary[0], "name": "d", "role": "secondary"}]), close)
    assert [row["p_corrected"] for row in told["rules"]] == pytest.approx([3 * row["p"] for row in told["rules"]])
    assert told["secondary"][0]["p_corrected"] == pytest.approx(told["rules"][0]["p"])
    worse = verdict(
        tmp_path / "w",
        gate(tasks=[primary[0], {**primary[0], "name": "d", "role": "secondary", "rules": [{"rule": "at_least", "threshold": 0.9}]}]),
        close,
    )
    assert worse["secondary"][0]["outcome"] == "failed"
    assert worse["verdict"] == "passed"


def test_a_family_is_kept_only_where_every_task_of_it_is(tmp_path: Path) -> None:
    declared = gate(tasks=[{"task": "exam", "name": name} for name in ("a", "b")], regression=[{"family": "knowledge", "margin": 0.05}])
    answers = {(name, arm): evaluated(tmp_path / name / arm, ITEMS, POOR) for name in ("a", "b") for arm in ("student", "base", "teacher")}
    assert decide(declared, answers)["verdict"] == "passed"
    answers["b", "student"] = evaluated(tmp_path / "lost", ITEMS, [0.0] * 30 + POOR[30:])
    told = decide(declared, answers)
    assert told["verdict"] == "failed"
    assert {row["id"]: row["outcome"] for row in told["rules"]} == {
        "regression.knowledge.a.base": "passed",
        "regression.knowledge.b.base": "failed",
    }
    assert "intersection-union" in told["error_rates"]["regression"]


def test_errors_of_the_other_side_neither_pass_nor_fail_a_student(tmp_path: Path) -> None:
    base = [FAILED] * 100 + [0.0] * 100
    told = verdict(tmp_path, gate({"rule": "superior"}), [1.0] * 60 + [0.0] * 140, base)
    assert told["verdict"] == "inconclusive"  # with errors as wrong it would pass, with errors as right it would fail
    assert told["rules"][0]["errors"] == {"student": 0, "base": 100}


def test_errors_of_the_student_are_wrong(tmp_path: Path) -> None:
    told = verdict(tmp_path, gate({"rule": "non_inferior", "margin": 0.05}), [FAILED] * 60 + [0.0] * 140)
    assert told["verdict"] == "failed"


def test_the_verdict_tells_what_is_kept_of_the_teacher_by_family(tmp_path: Path) -> None:
    told = verdict(tmp_path, gate({"rule": "superior"}), GOOD)
    kept = told["retention"]["knowledge"]
    assert kept["ratio"] == pytest.approx(160 / 180)
    assert kept["interval"][0] < 160 / 180 < kept["interval"][1]
    assert kept["n"] == 200


def test_a_teacher_that_knows_nothing_gives_no_ratio_and_no_pass(tmp_path: Path) -> None:
    told = verdict(tmp_path, gate({"rule": "retention", "minimum": 0.5}), GOOD, teacher=[0.0] * 200)
    assert told["verdict"] == "inconclusive"
    assert told["rules"][0]["estimate"] is None
    assert "not defined" in told["rules"][0]["sentence"]
    assert told["rules"][0]["passes_with_80_percent_from"] is None


def test_an_inconclusive_retention_tells_the_share_that_would_have_passed(tmp_path: Path) -> None:
    row = verdict(tmp_path, gate({"rule": "retention", "minimum": 0.9}), GOOD)["rules"][0]
    below = row["estimate"] - row["interval"][0]  # what reaches towards the bound; the interval is skewed
    assert row["passes_with_80_percent_from"] == pytest.approx(0.9 + below * (1.96 + 0.8416) / 1.96, abs=0.03)
    assert f"a true value of {100 * row['passes_with_80_percent_from']:.1f} % would have passed with 80 %" in row["sentence"]


def test_a_share_without_an_upper_end_tells_none_that_would_have_passed() -> None:
    alone = rules.retained(np.array([[0.5]]), np.array([[1.0]]), ["one"], minimum=0.4)
    assert alone.interval == (0.0, np.inf)
    assert alone.seen_at() is None


def test_base_and_teacher_answer_everything_and_a_reference_what_it_is_for() -> None:
    declared = gate(
        tasks=[
            {"task": "a", "role": "primary", "rules": [{"rule": "non_inferior", "margin": 0.1, "against": "last"}]},
            {"task": "b"},
        ],
        references={"last": "l", "unused": "u"},
    )
    asked = [(task.title, name) for task, name in needed_answers(declared, {"a": "code", "b": "code"})]
    assert asked == [("a", "student"), ("a", "last"), ("a", "base"), ("a", "teacher"), ("b", "student"), ("b", "base"), ("b", "teacher")]


def test_what_is_inconclusive_is_waived_on_a_name_and_a_reason(tmp_path: Path) -> None:
    told = verdict(tmp_path, gate({"rule": "at_least", "threshold": 0.8}, {"rule": "superior"}), GOOD)
    waived = waive(told, parse_waiver("Kim: decided with the customer"), "2026-01-01")
    assert told["verdict"] == "inconclusive"
    assert waived["verdict"] == "passed"
    assert waived["rules"][0]["outcome"] == "waived"
    assert waived["rules"][1]["outcome"] == "passed"
    assert waived["waivers"] == [{"waived_by": "Kim", "reason": "decided with the customer", "at": "2026-01-01", "rules": ["t.at_least"]}]


REPEATED: list[dict[str, Any]] = [
    {
        "tasks": [
            {
                "task": "exam",
                "name": "t",
                "role": "primary",
                "rules": [{"rule": "at_least", "threshold": bound} for bound in (0.9, 0.8)],
            }
        ]
    },
    {
        "tasks": [{"task": "exam", "name": "t"}],
        "regression": [{"family": "knowledge", "margin": 0.01, "against": against} for against in ("teacher", "base")],
    },
]


@pytest.mark.parametrize("told", REPEATED)
def test_a_waiver_of_one_rule_leaves_its_like_that_failed(tmp_path: Path, told: dict[str, Any]) -> None:
    found = verdict(tmp_path, gate(**told), GOOD, base=[0.0, *GOOD[1:199], 1.0])
    assert [row["outcome"] for row in found["rules"]] == ["failed", "inconclusive"]
    names = [row["id"] for row in found["rules"]]
    for waiver in (parse_waiver("Kim: because"), Waiver(waived_by="Kim", reason="because", rules=(names[1],))):
        waived = waive(found, waiver, "now")
        assert [row["outcome"] for row in waived["rules"]] == ["failed", "waived"]
        assert waived["verdict"] == "failed"


def test_a_waiver_lifts_no_row_that_failed_whatever_its_id(tmp_path: Path) -> None:
    """Verdicts that were kept before ids were unique are read too."""
    found = verdict(tmp_path, gate(**REPEATED[0]), GOOD)
    found["rules"] = [{**row, "id": "t.at_least"} for row in found["rules"]]
    assert waive(found, parse_waiver("Kim: because"), "now")["verdict"] == "failed"


def test_no_two_claims_of_a_gate_have_one_id() -> None:
    told = [{"rule": "non_inferior", "margin": margin, "against": against} for margin in (0.1, 0.2) for against in ("base", "base.2")]
    declared = gate(
        references={"base.2": "r"},
        tasks=[{"task": "exam", "name": name, "role": role, "rules": told} for name, role in (("t", "primary"), ("u", "secondary"))],
        regression=[{"family": "code", "margin": margin, "against": against} for margin in (0.1, 0.2) for against in ("base", "teacher")],
    )
    names = [claim.id for claim in claims(declared, {"t": "code", "u": "knowledge"})]
    assert len(set(names)) == len(names) == 12
    assert names[:4] == ["t.non_inferior.base", "t.non_inferior.base.2", "t.non_inferior.base.3", "t.non_inferior.base.2.2"]
    assert names[4:8] == [
        "regression.code.t.base",
        "regression.code.t.teacher",
        "regression.code.t.base.2",
        "regression.code.t.teacher.2",
    ]


def test_what_failed_cannot_be_waived(tmp_path: Path) -> None:
    told = verdict(tmp_path, gate({"rule": "at_least", "threshold": 0.9}), GOOD)
    assert waive(told, parse_waiver("Kim: because"), "now")["verdict"] == "failed"
    with pytest.raises(InputError, match=r"`t\.at_least` failed, and only what is inconclusive"):
        waive(told, Waiver(waived_by="Kim", reason="because", rules=("t.at_least",)), "now")
    with pytest.raises(InputError, match="no rule `x` decides"):
        waive(told, Waiver(waived_by="Kim", reason="because", rules=("x",)), "now")
    with pytest.raises(InputError, match="another gate"):
        waive(told, Waiver(waived_by="Kim", reason="because", gate="0" * 64), "now")
