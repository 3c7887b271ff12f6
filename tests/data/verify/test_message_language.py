"""Each message is held against its own expected language; what has no language is left out."""

from dataclasses import replace

import pytest

from seodang.core.records import Record, Verdict
from seodang.data.message_language import written_in
from seodang.data.verify.context import bare_context
from seodang.data.verify.message_language import message_language
from seodang.data.verify.probe import Probe, probes_of
from seodang.data.verify.section import VerifySection

KOREAN = Record("sample", "한국의 수도는 어디인가요?", "서울입니다.", (), "ko")


def check(record: Record, section: VerifySection | None = None) -> Verdict:
    with bare_context(section) as context:
        (verdict,) = message_language([record], context)
    return verdict


@pytest.mark.parametrize("probe", probes_of("message_language"), ids=lambda probe: probe.about)
def test_probes_are_decided_as_they_should(probe: Probe) -> None:
    assert check(probe.record).outcome == probe.should


def test_there_are_enough_probes_of_both_sorts() -> None:
    told = [probe.should for probe in probes_of("message_language")]
    assert told.count("pass") >= 20
    assert told.count("fail") >= 20


@pytest.mark.parametrize("locale", ["en_US", "ja_JP", "zh_CN", "ru_RU", "th_TH"])
def test_faker_texts_are_told_apart_by_script(locale: str) -> None:
    from faker import Faker

    faker = Faker(locale)
    faker.seed_instance(3)
    expected = {"en_US": ("en", "latin"), "ja_JP": ("ja",), "zh_CN": ("zh",)}.get(locale, ("other",))
    assert all(written_in(faker.paragraph(5)).most in expected for _ in range(20))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("When in the Course of human events, it becomes necessary for one people to dissolve the political bands", "en"),
        ("En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo que vivía un hidalgo", "es"),
        ("Longtemps, je me suis couché de bonne heure. Parfois, à peine ma bougie éteinte, mes yeux se fermaient", "fr"),
        ("Jemand musste Josef K. verleumdet haben, denn ohne dass er etwas Böses getan hätte, wurde er verhaftet", "de"),
        ("Nel mezzo del cammin di nostra vita mi ritrovai per una selva oscura, ché la diritta via era smarrita", "it"),
        ("대한민국은 민주공화국이다. 대한민국의 주권은 국민에게 있고, 모든 권력은 국민으로부터 나온다.", "ko"),
        ("日本国民は、正当に選挙された国会における代表者を通じて行動し", "ja"),
        ("中华人民共和国是工人阶级领导的、以工农联盟为基础的人民民主专政的社会主义国家", "zh"),
        ("Все люди рождаются свободными", "other"),
    ],
)
def test_well_known_texts_are_in_their_languages(text: str, language: str) -> None:
    assert written_in(text).most == language


def test_shares_add_up_and_code_addresses_and_formulas_have_none() -> None:
    assert written_in("```\nprint('hello world of the')\n``` $x+y$ https://a.b/c the_name some/path.txt").shares == {}
    shares = written_in("설정에서 Mobile Data를 켜고 再起動 하세요").shares
    assert sum(shares.values()) == pytest.approx(1)
    assert max(shares, key=lambda name: shares[name]) == "ko"


def test_a_mixed_message_is_undecided_below_the_share_and_passes_above_it() -> None:
    record = replace(KOREAN, answer="The answer that you are looking for is 서울입니다 in the north of the country.")
    assert check(record).outcome == "undecided"
    assert check(record, VerifySection(language_share=0.1)).outcome == "pass"


def test_too_little_to_say_is_undecided() -> None:
    assert check(Record("sample", "3 + 4 = ?", "7", (), "ko")).outcome == "undecided"
    assert check(Record("sample", "Madrid", "Roma", (), "ko")).outcome == "undecided"
    assert check(replace(KOREAN, answer="Madrid")).outcome == "pass"
    assert check(Record("sample", "What is the capital of Korea in its own letters?", "서울", (), "en")).outcome == "pass"
    assert check(replace(KOREAN, language="xx")).outcome == "undecided"


def test_the_evidence_names_the_message_and_what_it_is_written_in() -> None:
    verdict = check(replace(KOREAN, answer="It is the city of Seoul, which is in the north."))
    assert verdict.evidence["messages"] == {"answer": {"expected": "ko", "found": {"en": 1.0}, "says": "other"}}


def test_reasoning_is_not_judged() -> None:
    assert check(replace(KOREAN, reasoning="The user asks for the capital of Korea, and that is Seoul.")).outcome == "pass"
