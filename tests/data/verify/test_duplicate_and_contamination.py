"""What the checks on whole records and on exams say of their probes, and of what the probes do not show."""

import random
from collections import Counter
from itertools import groupby

import pytest

from seodang.core.errors import InputError
from seodang.core.records import Record
from seodang.data.verify.contamination import contamination
from seodang.data.verify.context import bare_context
from seodang.data.verify.duplicate import duplicate
from seodang.data.verify.probe import Probe, probes_of
from seodang.data.verify.section import VerifySection
from similar_texts import edited, written

# The kinds of cases in which the checks are known to be wrong.
KNOWN = {
    "duplicate": {"a negation turns the meaning", "one name for another", "words in quotation marks"},
    "contamination": {"a twin without numbers, in another language", "the same question in other words"},
}
CHECKS = {"duplicate": duplicate, "contamination": contamination}


def record(question: str, answer: str = "", **more: object) -> Record:
    return Record.from_row({"kind": "sample", "question": question, "answer": answer, "passages": (), "language": "ko", **more})


def verdicts_on(name: str) -> list[tuple[Probe, str]]:
    found: list[tuple[Probe, str]] = []
    for _, group in groupby(enumerate(probes_of(name)), key=lambda pair: pair[1].group or str(pair[0])):
        together = [probe for _, probe in group]
        with bare_context() as context:
            given = CHECKS[name]([probe.record for probe in together], context)
        found += [(probe, verdict.outcome) for probe, verdict in zip(together, given, strict=True)]
    return found


@pytest.mark.parametrize("name", CHECKS)
def test_probes_are_many_of_both_kinds_and_have_a_control(name: str) -> None:
    probes = probes_of(name)
    assert min(Counter(probe.should for probe in probes).values()) >= 20
    assert sum(probe.adversarial for probe in probes) >= 10
    assert any("control" in probe.about for probe in probes)


@pytest.mark.parametrize("name", CHECKS)
def test_the_checks_are_wrong_about_known_kinds_of_cases_alone(name: str) -> None:
    wrong = {probe.about for probe, outcome in verdicts_on(name) if outcome not in (probe.should, "undecided")}
    assert wrong == KNOWN[name]


def test_undecided_are_twins_by_few_numbers() -> None:
    undecided = [probe.about for probe, outcome in verdicts_on("contamination") if outcome == "undecided"]
    assert undecided == ["a Korean twin with its answer", "a Korean twin with its options"]
    assert "undecided" not in {outcome for _, outcome in verdicts_on("duplicate")}


def test_the_twin_and_its_similarity_are_named() -> None:
    draw = random.Random(4)
    text = written(draw, 60)
    records = [record(text, "답"), record("아주 다른 질문입니다."), record(edited(draw, text, 0.02), "답.")]
    with bare_context() as context:
        outcomes = duplicate(records, context)
    (gone,) = [verdict for verdict in outcomes if verdict.outcome == "fail"]
    kept = ({records[0].id, records[2].id} - {gone.record}).pop()
    assert (gone.evidence["twin"], outcomes[1].outcome) == (kept, "pass")
    assert 0.8 <= gone.evidence["similarity"] < 1
    with bare_context(VerifySection(record_similarity=0.999)) as context:
        assert {verdict.outcome for verdict in duplicate(records, context)} == {"pass"}


def test_turns_before_the_answer_make_another_record() -> None:
    turns = [[{"role": "user", "content": written(random.Random(seed), 30)}] for seed in (1, 2)]
    with bare_context() as context:
        outcomes = duplicate([record("그래서 어떻게 합니까?", "전화를 다시 켭니다.", turns=said) for said in turns], context)
    assert [verdict.outcome for verdict in outcomes] == ["pass", "pass"]


def test_the_exam_of_the_context_and_that_of_the_record_both_count() -> None:
    first, second = (
        "데이터 로밍을 켜려면 어떤 메뉴에서 무엇을 선택해야 합니까?",
        "회선이 정지된 고객이 밀린 요금을 낸 뒤에 할 일은 무엇입니까?",
    )
    records = [
        record(first),
        record(second),
        record(second, truth={"exam": [second]}),
        record("다른 질문입니다.", truth={"exam": [second]}),
    ]
    with bare_context(exam_questions=[first]) as context:
        outcomes = contamination(records, context)
    assert [verdict.outcome for verdict in outcomes] == ["fail", "pass", "fail", "pass"]
    assert outcomes[2].evidence["item"] == second
    with bare_context() as context:
        assert contamination(records[:1], context)[0].evidence == {"reason": "no exam"}


def test_an_item_in_an_earlier_turn_is_found() -> None:
    item = "데이터 로밍을 켜려면 어떤 메뉴에서 무엇을 선택해야 합니까?"
    asked = record("고맙습니다.", "네.", turns=[{"role": "user", "content": item}, {"role": "assistant", "content": "설정입니다."}])
    with bare_context(exam_questions=[item]) as context:
        assert contamination([asked], context)[0].outcome == "fail"


@pytest.mark.parametrize("exam", ["text", [3], [{"answer": "x"}]])
def test_what_is_no_exam_is_refused(exam: object) -> None:
    with bare_context() as context, pytest.raises(InputError):
        contamination([record("질문", truth={"exam": exam})], context)
