"""A review goes out and comes back whole: blind, twice, by strata, adjudicated, and held against the checks."""

import json
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from seodang.core.errors import InputError
from seodang.data.review.agreement import review
from seodang.data.review.label_studio import CHOICES, Annotation, interface, read_annotations
from seodang.data.review.queue import export_queue, plan_path, read_decisions, read_plan
from seodang.data.review.sampling import acceptance_plan, assign, at_most, draw, sample_size, stratify

TRUE = {"pass": "right", "fail": "wrong"}


def decisions(accepted: int = 300, rejected: int = 80) -> list[dict[str, Any]]:
    """Decided records; the check `grounded` passes what is wrong in one of 10, and `well_formed` fails what is right in one of 4."""
    rows: list[dict[str, Any]] = []
    for number in range(accepted):
        verdicts = [{"check": name, "outcome": "pass", "evidence": {}} for name in ("well_formed", "grounded")]
        rows.append({"id": f"a{number}", "outcome": "accepted", "check": "", "kind": "know", "verdicts": verdicts})
    for number in range(rejected):
        verdicts = [{"check": "well_formed", "outcome": "fail", "evidence": {"reason": "SECRET"}}]
        rows.append({"id": f"r{number}", "outcome": "rejected", "check": "well_formed", "kind": "know", "verdicts": verdicts})
    return [{**row, "question": f"Question {row['id']}?", "answer": "An answer.", "truth": {"evidence": ["material"]}} for row in rows]


def right(record: str) -> bool:
    number = int(record[1:])
    return number % 10 != 0 if record.startswith("a") else number % 4 == 0


def annotate(tasks: list[dict[str, Any]], choices: dict[str, str], who: Any = 1) -> list[dict[str, Any]]:
    """The tasks as Label Studio exports them, each with one annotation."""
    return [
        {
            "id": place,
            **task,
            "annotations": [
                {
                    "id": place,
                    "completed_by": who,
                    "was_cancelled": False,
                    "updated_at": "2026-01-01T00:00:00Z",
                    "result": [
                        {
                            "from_name": "verdict",
                            "to_name": "answer",
                            "type": "choices",
                            "value": {"choices": [choices[task["data"]["item"]]]},
                        },
                        {"from_name": "note", "to_name": "answer", "type": "textarea", "value": {"text": ["because"]}},
                    ],
                }
            ],
        }
        for place, task in enumerate(tasks)
    ]


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    out = tmp_path / "queue.json"
    export_queue(decisions(), out, ["kim", "lee", "park"], half_width=0.1, seed=1)
    return out


def said_by_truth(plan: dict[str, Any]) -> dict[str, str]:
    return {item: "right" if right(kept["record"]) else "wrong" for item, kept in plan["items"].items()}


def come_back(queue: Path, people: list[str], choices: dict[str, str], tmp_path: Path) -> list[Annotation]:
    plan = read_plan(plan_path(queue))
    found: list[Annotation] = []
    for person in people:
        tasks = json.loads(queue.with_suffix(f".{person}.json").read_text())
        path = tmp_path / f"done.{person}.json"
        path.write_text(json.dumps(annotate(tasks, choices)))
        found += read_annotations(path, plan["salt"])
    return found


def test_no_task_tells_what_was_decided(queue: Path) -> None:
    plan = read_plan(plan_path(queue))
    for path in (queue, *(queue.with_suffix(f".{person}.json") for person in ("kim", "lee", "park"))):
        text = path.read_text()
        assert not any(word in text for word in ("accepted", "rejected", "SECRET", "grounded", "well_formed", "pass", "fail"))
        assert not any(f'"{kept["record"]}"' in text for kept in plan["items"].values())
    assert "material" in queue.read_text()


def test_each_record_is_for_two_people_and_loads_are_even(queue: Path) -> None:
    plan = read_plan(plan_path(queue))
    seen: Counter[str] = Counter()
    orders: list[list[str]] = []
    for person in ("kim", "lee", "park"):
        items = [task["data"]["item"] for task in json.loads(queue.with_suffix(f".{person}.json").read_text())]
        assert all(person in plan["items"][item]["assigned"] for item in items)
        orders.append(items)
        seen.update(items)
    assert set(seen.values()) == {2}
    assert seen.keys() == plan["items"].keys()
    assert max(map(len, orders)) - min(map(len, orders)) <= 1


def test_the_interface_is_xml_with_the_choices_that_are_read() -> None:
    root = ElementTree.fromstring(interface())
    assert [node.get("value") for node in root.iter("Choice")] == list(CHOICES)
    shown = {node.get("value") for node in root.iter("Text")}
    assert {"$question", "$answer", "$material", "$conversation"} == shown


def test_what_people_say_comes_back_and_finds_the_checks_faults(queue: Path, tmp_path: Path) -> None:
    plan = read_plan(plan_path(queue))
    found = review(plan, come_back(queue, ["kim", "lee", "park"], said_by_truth(plan), tmp_path))
    assert len(found.final) == len(plan["items"])
    assert found.agreement.alpha == 1
    assert {verdict.check for verdict in found.verdicts} == {"person:kim", "person:lee", "person:park"}
    assert found.verdicts[0].evidence["note"] == "because"
    by_name = {check.check: check for check in found.checks}
    grounded, formed = by_name["grounded"].passed_but_wrong, by_name["well_formed"].failed_but_right
    assert grounded is not None
    assert formed is not None
    assert grounded.interval[0] <= 0.1 <= grounded.interval[1]
    assert formed.interval[0] <= 0.25 <= formed.interval[1]
    assert by_name["grounded"].failed_but_right is None
    assert len(found.disagreements) == grounded.count + formed.count
    assert json.loads(json.dumps(found.row()))["final"] == len(plan["items"])


def test_a_third_person_settles_what_two_disagree_on(queue: Path, tmp_path: Path) -> None:
    plan = read_plan(plan_path(queue))
    truth = said_by_truth(plan)
    first = come_back(queue, ["kim", "lee", "park"], truth, tmp_path)
    odd = first[0].item
    turned = [
        Annotation(one.item, one.person, "undecided", "", False) if one.item == odd and one.person == first[0].person else one
        for one in first
    ]
    found = review(plan, turned)
    assert found.to_adjudicate == (odd,)
    assert odd not in found.final
    third = next(person for person in ("kim", "lee", "park") if person not in plan["items"][odd]["assigned"])
    settled = review(plan, [*turned, Annotation(odd, third, "fail", "", True)])
    assert settled.final[odd] == "fail"
    assert settled.to_adjudicate == ()
    assert settled.agreement == found.agreement  # the third word is no part of it
    with pytest.raises(InputError, match="disagreement of their own"):
        review(plan, [*turned, Annotation(odd, first[0].person, "fail", "", True)])


def test_what_one_person_alone_said_settles_nothing(queue: Path, tmp_path: Path) -> None:
    plan = read_plan(plan_path(queue))
    found = review(plan, come_back(queue, ["kim"], said_by_truth(plan), tmp_path))
    assert not found.final
    assert len(found.incomplete) == len(plan["items"])
    assert found.row()["agreement"]["alpha"] is None


def test_people_of_one_common_file_are_pseudonyms(queue: Path, tmp_path: Path) -> None:
    plan = read_plan(plan_path(queue))
    path = tmp_path / "all.json"
    tasks = json.loads(queue.read_text())
    choices = dict.fromkeys(plan["items"], "right")
    both = annotate(tasks, choices, {"id": 1, "email": "someone@example.org"})
    for task, other in zip(both, annotate(tasks, choices, 2), strict=True):
        task["annotations"] += other["annotations"]
        task["annotations"].append({**other["annotations"][0], "was_cancelled": True, "completed_by": 3})
    path.write_text(json.dumps(both))
    found = read_annotations(path, plan["salt"])
    people = {one.person for one in found}
    assert len(people) == 2
    assert "someone" not in str(people)
    assert {one.person for one in read_annotations(path, "another salt")}.isdisjoint(people)
    assert len(review(plan, found).final) == len(plan["items"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda task: task["data"].pop("item"), "not a task"),
        (lambda task: task["annotations"][0]["result"][0]["value"].update(choices=["fine"]), "one choice"),
        (lambda task: task["annotations"][0].update(result=[]), "one choice"),
    ],
)
def test_a_file_of_another_form_is_refused_by_its_task(queue: Path, tmp_path: Path, change: Any, told: str) -> None:
    tasks = annotate(json.loads(queue.read_text()), dict.fromkeys(read_plan(plan_path(queue))["items"], "right"))
    change(tasks[3])
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(tasks))
    with pytest.raises(InputError, match=told) as refused:
        read_annotations(path, "salt")
    assert "task 4" in str(refused.value)
    path.write_text("{}")
    with pytest.raises(InputError, match="not a list"):
        read_annotations(path, "salt")
    with pytest.raises(InputError, match="not in the plan"):
        review(read_plan(plan_path(queue)), [Annotation("elsewhere", "kim", "pass", "", False)])
    with pytest.raises(InputError, match="not the plan"):
        read_plan(path)


def test_a_record_stands_for_as_many_as_it_was_drawn_from(queue: Path) -> None:
    items = read_plan(plan_path(queue))["items"].values()
    for outcome, size in (("accepted", 300), ("rejected", 80)):
        assert sum(item["weight"] for item in items if item["outcome"] == outcome) == pytest.approx(size)


def test_weights_bring_the_sample_back_to_all_records() -> None:
    """900 of which one of 10 is drawn, and 10 that are all drawn: a share over both is close to that of the 900."""
    kept = [("big", 10.0, "pass")] * 90 + [("small", 1.0, "fail")] * 10
    items = {
        f"i{place}": {"record": f"r{place}", "verdicts": {"grounded": "pass"}, "weight": weight, "outcome": "accepted", "check": ""}
        for place, (_, weight, _) in enumerate(kept)
    }
    said = [Annotation(f"i{place}", person, outcome, "", False) for place, (_, _, outcome) in enumerate(kept) for person in ("x", "y")]
    found = review({"items": items}, said)
    share = found.checks[0].passed_but_wrong
    assert share is not None
    assert (share.count, share.n) == (10, 100)
    assert share.share == pytest.approx(10 / 910)
    assert share.interval[0] <= share.share <= share.interval[1]


def test_decisions_are_read_from_a_folder_or_file(tmp_path: Path) -> None:
    for name, rows in (("accepted", decisions(3, 0)), ("rejected", decisions(0, 2))):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert len(read_decisions(tmp_path)) == 5
    assert len(read_decisions(tmp_path / "rejected.jsonl")) == 2
    with pytest.raises(InputError, match="no decided records"):
        read_decisions(tmp_path / "nowhere")


@given(st.integers(1, 5_000), st.floats(0.02, 0.4))
def test_a_sample_is_as_large_as_its_interval_needs(population: int, half_width: float) -> None:
    """Against the definition: the half width with the finite correction is met by n, and not by one less."""
    n = sample_size(population, half_width)

    def half(drawn: int) -> float:
        correction = (population - drawn) / (population - 1) if population > 1 else 0
        return 1.96 * (0.25 / drawn * correction) ** 0.5

    assert 1 <= n <= population
    assert half(n) <= half_width + 1e-9
    assert n == 1 or half(n - 1) > half_width - 1e-9


@pytest.mark.parametrize(("acceptable", "rejectable"), [(0.01, 0.05), (0.02, 0.08), (0.01, 0.06), (0.05, 0.2)])
def test_an_acceptance_plan_keeps_both_risks_and_no_smaller_one_does(acceptable: float, rejectable: float) -> None:
    plan = acceptance_plan(acceptable, rejectable)
    assert binom.cdf(plan.c, plan.n, acceptable) == pytest.approx(1 - plan.producer_risk)
    assert 1 - binom.cdf(plan.c, plan.n, acceptable) <= 0.05
    assert binom.cdf(plan.c, plan.n, rejectable) <= 0.10
    for n in range(1, plan.n):
        assert not any(binom.cdf(c, n, acceptable) >= 0.95 and binom.cdf(c, n, rejectable) <= 0.10 for c in range(plan.c + 2))


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 40), st.floats(0.01, 0.99))
def test_the_binomial_is_that_of_scipy(c: int, n: int, share: float) -> None:
    assert at_most(c, n, share) == pytest.approx(binom.cdf(c, n, share), abs=1e-12)


def test_strata_and_draws_repeat_and_do_not_repeat_records() -> None:
    rows = decisions()
    strata = stratify(rows, 0.1)
    assert [(s.name, s.size) for s in strata] == [("accepted/all checks/know", 300), ("rejected/well_formed/know", 80)]
    drawn = draw(rows, strata, 3)
    assert drawn == draw(rows, strata, 3)
    assert drawn != draw(rows, strata, 4)
    assert len({row["id"] for row, _ in drawn}) == len(drawn) == sum(s.drawn for s in strata)
    for bad in ([], ["kim"], ["kim", "kim"]):
        with pytest.raises(ValueError, match="different people"):
            assign(3, bad, 0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        sample_size(10, 0)
    with pytest.raises(ValueError, match="is needed"):
        acceptance_plan(0.1, 0.05)
