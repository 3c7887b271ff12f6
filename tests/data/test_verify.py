"""Each check keeps, rejects and decides the edge as it says, and no record is lost."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.core.errors import VerificationError
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Action, Passage, Record, Rule, Verdict
from seodang.data.build.prompt_text import BuildSection
from seodang.data.build.utterances import call_answer
from seodang.data.verify import context as checks
from seodang.data.verify.context import CheckContext, failed, passed
from seodang.data.verify.decide import Decision, conserve, decide
from seodang.data.verify.decontaminated import decontaminated
from seodang.data.verify.grounded import grounded
from seodang.data.verify.near_duplicate import near_duplicate
from seodang.data.verify.points_back import points_back
from seodang.data.verify.second_answer import second_answer
from seodang.data.verify.section import VerifySection
from seodang.data.verify.well_formed import well_formed
from seodang.models.chat_model import Completion, Message, Sampling, TokenTargets
from seodang.models.think import ThinkMode

LINE = Passage("policy.md", 0, 60, "", "", "", "A suspended line can be lifted after all bills are paid by 2025.", "en", "MIT")
ROAM = Passage("policy.md", 60, 99, "toggle_roaming", "", "", "Data roaming must be enabled before travelling abroad.", "en", "MIT")
SIM = Passage("policy.md", 99, 140, "check_sim_status", "", "", "A locked SIM card needs a technician.", "en", "MIT")
PASSAGES = {passage.id: passage for passage in (LINE, ROAM, SIM)}
TOGGLE = Action("toggle_roaming", (ROAM.id,), ("Turns data roaming on or off when the customer travels.",))
CHECK = Action("check_sim_status", (SIM.id,), ("Checks whether the SIM card is locked.",))
ACTIONS = {action.name: action for action in (TOGGLE, CHECK)}


class WordScorer:
    """A teacher to whom a question is likelier the more of its words stand in what it was asked from."""

    name = "word scorer"
    synthetic = True

    def __init__(self) -> None:
        self.num_scored = 0

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "fake"}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        raise AssertionError("no check asks for text")

    def encode_chat(self, messages: Sequence[Message], thinking: ThinkMode | None = None) -> list[int]:
        return self.encode_text(" ".join(message.content for message in messages))

    def encode_answer(self, text: str, reasoning: str = "") -> list[int]:
        return self.encode_text(text)

    def encode_text(self, text: str) -> list[int]:
        return [sum(ord(letter) << (3 * place) for place, letter in enumerate(word.strip("?.,:").lower())) for word in text.split()]

    def score(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], top_k: int) -> list[TokenTargets]:
        self.num_scored += len(prompts)
        return [
            TokenTargets([], [], [-1.0 if word in prompt else -3.0 for word in words])
            for prompt, words in zip(prompts, continuations, strict=True)
        ]


@pytest.fixture
def make_context(tmp_path: Path) -> Any:
    """Makes a context; keywords are knobs of verification, `exam` the exam's questions."""

    def make(exam: Sequence[str] = (), **knobs: Any) -> CheckContext:
        return CheckContext(
            passages=PASSAGES,
            actions=ACTIONS,
            teacher=WordScorer(),
            exam_questions=exam,
            section=VerifySection.model_validate(knobs),
            build=BuildSection(),
            journal=Journal(tmp_path / "verify.jsonl"),
            progress=Progress("verify"),
        )

    made: list[CheckContext] = []

    def kept(*exam: Any, **knobs: Any) -> CheckContext:
        made.append(make(*exam, **knobs))
        return made[-1]

    yield kept
    for context in made:
        context.journal.close()


def know(question: str, passage: Passage = LINE, answer: str | None = None, samples: tuple[str, ...] = ()) -> Record:
    return Record("know", question, passage.statement if answer is None else answer, (passage.id,), "en", samples)


def act(question: str, action: Action = TOGGLE, answer: str | None = None) -> Record:
    return Record("act", question, call_answer(action) if answer is None else answer, action.passages, "en", action=action.name)


def outcomes(verdicts: list[Verdict]) -> list[str]:
    return [verdict.outcome for verdict in verdicts]


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        (know("When can a suspended line be lifted?"), "pass"),
        (act("I am abroad and have no data."), "pass"),
        (know("Why so?"), "fail"),  # two words
        (know("Why is that?"), "pass"),  # three words
        (know(" ".join(["word", *map(str, range(38)), "end?"])), "pass"),  # forty words
        (know(" ".join(["word", *map(str, range(39)), "end?"])), "fail"),  # forty-one
        (know("When can a suspended line be"), "fail"),  # cut off
        (know("A line can be lifted."), "fail"),  # no question
        (know("Is it? Or is it not?"), "fail"),  # two questions
        (know("can can can can line?"), "fail"),  # repeats itself
        (know("When can a line be lifted?", answer=" "), "fail"),
        (know("언제 회선 정지를 해제합니까？"), "pass"),
        (act("I am abroad and have no data.", answer="toggle roaming"), "fail"),  # no call
        (act("I am abroad and have no data.", answer="[open_door()]"), "fail"),  # of no action
    ],
)
def test_well_formed(make_context: Any, record: Record, outcome: str) -> None:
    assert outcomes(well_formed([record], make_context())) == [outcome]


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        (know("When can a line be lifted?"), "pass"),
        (know("Can it be lifted by 2025?"), "pass"),  # the number stands in the passage
        (know("Can it be lifted by 2031?"), "fail"),  # this one does not
        (know("When can it be lifted?", answer="after all bills are paid"), "pass"),
        (know("When can it be lifted?", answer="All bills paid"), "pass"),  # its own words, all of them from the passage
        (know("When can it be lifted?", answer="After 7 days"), "fail"),
        (know("When can it be lifted?", answer="When the moon is full"), "fail"),
        (act("I am abroad and have no data."), "pass"),
        (act("Please run reset_apn_settings for me."), "fail"),  # a tool that nothing named
    ],
)
def test_grounded(make_context: Any, record: Record, outcome: str) -> None:
    assert outcomes(grounded([record], make_context())) == [outcome]


def test_an_action_that_no_passage_names_is_not_grounded(make_context: Any) -> None:
    invented = Action("open_door", (LINE.id,), ("Opens a door.",))
    context = replace(make_context(), actions={**ACTIONS, invented.name: invented})
    (verdict,) = grounded([act("My line is suspended.", invented)], context)
    assert (verdict.outcome, verdict.evidence["reason"]) == ("fail", "no passage names the action")


@pytest.mark.parametrize(
    ("samples", "outcome"),
    [
        (("after all bills are paid",), "pass"),
        (("bananas grow on trees",), "fail"),
        (("after all bills are paid", "bananas grow on trees"), "pass"),  # half of them is enough
        (("bananas grow on trees", "", "bills are paid"), "fail"),
        (("the",), "fail"),  # no word that means anything
        ((), "pass"),  # it was not asked
    ],
)
def test_second_answer(make_context: Any, samples: tuple[str, ...], outcome: str) -> None:
    assert outcomes(second_answer([know("When can it be lifted?", samples=samples)], make_context())) == [outcome]


def test_near_duplicate(make_context: Any) -> None:
    """One of two alike is kept where the answer is the same; the same words for two answers are both rejected."""
    first = know("When can a suspended line be lifted?")
    again = know("When can a suspended line be lifted??")
    unlike = know("What happens once all bills are paid?")
    other_answer = know("When can a suspended line be lifted!", ROAM)
    both = [know("What must be done?"), know("what must be done?", ROAM)]
    verdicts = near_duplicate([first, again, unlike, other_answer, *both], make_context())
    assert outcomes(verdicts) == ["pass", "fail", "pass", "pass", "fail", "fail"]
    assert verdicts[1].evidence["twin"] == first.id


def test_questions_without_letters_are_alike_only_where_they_are_equal(make_context: Any) -> None:
    assert outcomes(near_duplicate([know("?"), know("!"), know("Why?")], make_context())) == ["pass", "pass", "pass"]
    assert outcomes(near_duplicate([know(""), know("")], make_context())) == ["pass", "fail"]


def test_a_duplicate_at_exactly_the_threshold_is_one(make_context: Any) -> None:
    records = [know("When can a suspended line be lifted?"), know("When can one suspended line be lifted?")]
    measured = near_duplicate(records, make_context(duplicate_similarity=0.01))[1].evidence["similarity"]
    assert outcomes(near_duplicate(records, make_context(duplicate_similarity=measured - 0.002))) == ["pass", "fail"]
    assert outcomes(near_duplicate(records, make_context(duplicate_similarity=measured + 0.002))) == ["pass", "pass"]


def test_decontaminated(make_context: Any) -> None:
    context = make_context(["When can a suspended line be lifted?"])
    records = [know("When can a suspended line be lifted??"), know("Must data roaming be enabled?", ROAM)]
    assert outcomes(decontaminated(records, context)) == ["fail", "pass"]
    assert outcomes(decontaminated(records, make_context())) == ["pass", "pass"]
    assert decontaminated([], context) == []


def test_points_back(make_context: Any) -> None:
    """The question must be likelier from its own passage than from the one most alike; scores are read from the journal."""
    records = [
        know("Can a suspended line be lifted after bills are paid?"),
        know("Must data roaming be enabled before travelling?", ROAM),
        know("Must data roaming be enabled before travelling?", LINE),  # written from another passage
        act("Turns data roaming on when the customer travels."),
        act("Checks whether the SIM card is locked.", CHECK),
    ]
    context = make_context(rivals=2)
    verdicts = points_back(records, context)
    assert outcomes(verdicts) == ["pass", "pass", "fail", "pass", "pass"]
    assert verdicts[2].evidence["margin_nats"] < 0 < verdicts[0].evidence["margin_nats"]
    asked = context.teacher.num_scored
    assert points_back(records, context) == verdicts
    assert context.teacher.num_scored == asked


def test_points_back_keeps_the_best_of_a_passage(make_context: Any) -> None:
    records = [
        know("Can a suspended line be lifted after bills are paid?"),
        know("Can a suspended banana be lifted?"),
        know("Must data roaming be enabled before travelling?", ROAM),
    ]
    verdicts = points_back(records, make_context(max_per_passage=1, min_margin=-99))
    assert outcomes(verdicts) == ["pass", "fail", "pass"]
    assert "larger margins" in verdicts[1].evidence["reason"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["pass", "fail", "undecided", "error"])), max_size=25))
def test_whatever_checks_say_the_records_add_up(rows: list[tuple[int, str]]) -> None:
    """Records that repeat, and every mix of outcomes of two checks; no record is put to a check after it was decided."""
    records = [know(f"Is it number {number}?") for number, _ in rows]
    said = {records[place].id: outcome for place, (_, outcome) in enumerate(rows)}
    put_second: list[str] = []

    def first(waiting: Sequence[Record], context: CheckContext) -> list[Verdict]:
        return [Verdict(r.id, "first", said[r.id] if int(r.id, 16) % 2 else "pass", {}) for r in waiting]

    def second(waiting: Sequence[Record], context: CheckContext) -> list[Verdict]:
        put_second.extend(r.id for r in waiting)
        return [Verdict(r.id, "second", said[r.id], {}) for r in waiting]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "first", first, raising=False)
        patch.setattr(checks, "second", second, raising=False)
        names = ("seodang.data.verify.context:first", "seodang.data.verify.context:second")
        section = VerifySection(checks=names)
        context: Any = type("Context", (), {"section": section, "progress": Progress("verify")})()
        decisions = decide(records, context)
    row = conserve(len(records), len(records) - len(decisions), decisions)
    assert row["accepted"] + row["rejected"] + row["quarantined"] + row["failed"] == len(records)
    assert row["accepted"] == sum(outcome == "pass" for outcome in said.values())
    assert sum(row["rejected_by_check"].values()) == row["rejected"]
    wanted = {"pass": "accepted", "fail": "rejected", "undecided": "quarantined", "error": "failed"}
    assert [d.outcome for d in decisions] == [wanted[said[d.record.id]] for d in decisions]
    assert not {d.record.id for d in decisions if d.check.endswith("first")} & set(put_second)


def test_counts_that_do_not_add_up_are_an_error() -> None:
    record = know("When can it be lifted?")
    decision = Decision(record, "accepted", "", ())
    assert conserve(1, 0, [decision])["accepted_by_kind"] == {"know": 1}
    with pytest.raises(VerificationError, match="do not add up"):
        conserve(2, 0, [decision])


def test_a_rejected_record_keeps_its_check_and_reason(make_context: Any) -> None:
    records = [know("When can a line be lifted after bills are paid?"), know("Why so?"), know("Can it be lifted by 2031?")]
    decisions = decide(records, make_context(checks=["well_formed", "grounded"]))
    assert [(d.outcome, d.check) for d in decisions] == [("accepted", ""), ("rejected", "well_formed"), ("rejected", "grounded")]
    row = decisions[2].row()
    assert row["id"] == records[2].id
    assert [(v["check"], v["outcome"]) for v in row["verdicts"]] == [("well_formed", "pass"), ("grounded", "fail")]
    assert row["verdicts"][-1]["evidence"]["words"] == ["2031"]


def test_a_verdict_names_its_record_and_check() -> None:
    record = know("When can it be lifted?")
    assert passed(record, "grounded", n=1) == Verdict(record.id, "grounded", "pass", {"n": 1})
    assert failed(record, "grounded").outcome == "fail"


def test_a_message_of_the_only_action_has_nothing_to_be_compared_with(make_context: Any) -> None:
    context = replace(make_context(), actions={TOGGLE.name: TOGGLE}, passages={ROAM.id: ROAM})
    records = [act("I am abroad and have no data."), know("What must be enabled before travelling?", ROAM)]
    verdicts = points_back(records, context)
    assert outcomes(verdicts) == ["pass", "pass"]
    assert {verdict.evidence["reason"] for verdict in verdicts} == {"there is nothing to compare it with"}


def test_a_general_question_is_checked_for_its_form_and_against_the_exam_only(make_context: Any) -> None:
    kept = Record("general", "What do bees make out of nectar?", "Bees make honey.", (), "en")
    asked = Record("general", "What is the capital of France?", "It is Paris.", (), "en")
    cut = Record("general", "What is the capital of", "It is Paris.", (), "en")
    decisions = decide([kept, asked, cut], make_context(exam=["What is the capital of France?"]))
    assert [(d.outcome, d.check) for d in decisions] == [("accepted", ""), ("rejected", "decontaminated"), ("rejected", "well_formed")]


def test_a_message_after_a_rule_is_measured_by_the_rule_and_not_by_what_the_action_does(make_context: Any) -> None:
    """The words of the message are the check's; only the rule says that the next step is another action."""
    rule = Passage("m.md", 0, 70, "", "", "", "If check_sim_status() shows red blinking lamp, use toggle_roaming().", "en", "MIT")
    roaming = Action(TOGGLE.name, (ROAM.id, rule.id), TOGGLE.situations, (Rule(rule.id, "If check_sim_status() shows red blinking lamp"),))
    context = replace(make_context(), passages={**PASSAGES, rule.id: rule}, actions={**ACTIONS, roaming.name: roaming})
    words = "check shows red blinking lamp"
    by_rule = Record("act", f"The {words}.", call_answer(roaming), (rule.id, ROAM.id), "en", action=roaming.name)
    by_description = Record("act", f"My {words}.", call_answer(roaming), roaming.passages, "en", action=roaming.name)
    others = [
        act(words, roaming) for words in ("I am abroad now.", "Please do it when I go.", "Nothing works for me here.", "Why is that so?")
    ]
    found = points_back([by_rule, by_description, *others], context)
    assert outcomes(found)[:2] == ["pass", "fail"]
