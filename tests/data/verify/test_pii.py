"""The check `pii` looks everywhere, quarantines, and repeats no number in its evidence."""

import json
from dataclasses import replace

import pytest

from seodang.core.records import Record, Verdict
from seodang.data.verify.context import bare_context
from seodang.data.verify.pii import pii
from seodang.data.verify.probe import Probe, probes_of
from seodang.data.verify.section import VerifySection

PLAIN = Record("sample", "로밍이 안 돼요.", "설정에서 켜 보세요.", (), "ko")
NUMBER = "010-4821-9037"


def check(record: Record, section: VerifySection | None = None) -> Verdict:
    with bare_context(section) as context:
        (verdict,) = pii([record], context)
    return verdict


@pytest.mark.parametrize("probe", probes_of("pii"), ids=lambda probe: probe.about)
def test_probes_are_quarantined_or_pass_as_they_should(probe: Probe) -> None:
    assert check(probe.record).outcome == {"fail": "undecided", "pass": "pass"}[probe.should]


def test_there_are_enough_probes_of_both_sorts() -> None:
    told = [probe.should for probe in probes_of("pii")]
    assert told.count("pass") >= 20
    assert told.count("fail") >= 20
    assert any(probe.adversarial for probe in probes_of("pii") if probe.should == "pass")


CALL = [
    {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"to": [{"x": NUMBER}]})}}],
    }
]
PLACES = {
    "question": replace(PLAIN, question=f"제 번호는 {NUMBER}"),
    "answer": replace(PLAIN, answer=NUMBER),
    "reasoning": replace(PLAIN, reasoning=NUMBER),
    "samples[1]": replace(PLAIN, samples=("예", NUMBER)),
    "turns[0].content": replace(PLAIN, turns=({"role": "tool", "content": NUMBER},)),
    "turns[0].content[0].text": replace(PLAIN, turns=({"role": "user", "content": [{"type": "text", "text": NUMBER}]},)),
    "turns[0].tool_calls[0].function.arguments.to[0].x": replace(PLAIN, turns=tuple(CALL)),
    "turns[0].arguments.key[0]": replace(PLAIN, turns=({"role": "tool", "arguments": json.dumps({NUMBER: 1})},)),
    "truth.number": replace(PLAIN, truth={"number": NUMBER}),
    "truth.phone": replace(PLAIN, truth={"phone": 821048219037}),
}


@pytest.mark.parametrize("where", PLACES)
def test_every_text_of_a_record_is_looked_at_and_no_digit_is_repeated(where: str) -> None:
    verdict = check(PLACES[where])
    assert verdict.outcome == "undecided"
    assert [span["where"] for span in verdict.evidence["spans"]] == [where]
    assert "4821" not in json.dumps(verdict.evidence)
    assert "9037" not in json.dumps(verdict.evidence)


def test_places_in_the_evidence_are_those_of_the_original() -> None:
    record = replace(PLAIN, question="앞 ０１０-48\u200b21-9037 뒤")
    (span,) = check(record).evidence["spans"]
    assert record.question[span["start"] : span["end"]] == "０１０-48\u200b21-9037"
    assert span["shape"] == "###-##x##-####"


def test_bare_digits_have_a_threshold_of_their_own() -> None:
    record = replace(PLAIN, question="8802141539427 이요")
    assert check(record).evidence["counts"] == {"resident_number, bare": 1}
    assert check(record, VerifySection(pii_bare_confidence=0.8)).outcome == "pass"
    assert check(replace(PLAIN, question="880214-1539427"), VerifySection(pii_bare_confidence=0.8)).outcome == "undecided"


def test_names_pass_and_are_counted_until_the_threshold_is_lowered() -> None:
    record = replace(PLAIN, question="성함: 김민수")
    assert (check(record).outcome, check(record).evidence) == ("pass", {"weak": {"name": 1}})
    assert check(record, VerifySection(pii_confidence=0.4)).outcome == "undecided"


def test_many_spans_are_all_counted_and_some_are_shown() -> None:
    record = replace(PLAIN, question="\n".join(f"010-4821-{number:04}" for number in range(1000, 1050)))
    verdict = check(record)
    assert verdict.evidence["counts"] == {"phone, formatted": 50}
    assert len(verdict.evidence["spans"]) == 20
