"""What cannot be seen is found with its place; what a script or an emoji needs is let be."""

import sys
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.core.records import Record, Verdict
from seodang.data.hidden_characters import hidden_characters
from seodang.data.verify.context import bare_context
from seodang.data.verify.hidden_text import hidden_text
from seodang.data.verify.probe import Probe, probes_of

PLAIN = Record("sample", "안녕하세요", "네, 안녕하세요.", (), "ko")


def check(record: Record) -> Verdict:
    with bare_context() as context:
        (verdict,) = hidden_text([record], context)
    return verdict


@pytest.mark.parametrize("probe", probes_of("hidden_text"), ids=lambda probe: probe.about)
def test_probes_are_decided_as_they_should(probe: Probe) -> None:
    assert check(probe.record).outcome == probe.should


def test_there_are_enough_probes_of_both_sorts() -> None:
    told = [probe.should for probe in probes_of("hidden_text")]
    assert told.count("pass") >= 20
    assert told.count("fail") >= 20


def test_every_invisible_character_of_unicode_is_found_between_latin_letters() -> None:
    """By the categories of the standard library: format, control, private, surrogate and noncharacters. The marks before numbers in
    Arabic, Syriac and Kaithi, and those that arrange hieroglyphs, are of the category format and can be seen."""
    seen = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)}
    codes = {*range(0xF0000), *range(0xF0000, sys.maxunicode + 1, 97), 0xFFFFE, 0xFFFFF, 0x10FFFE, 0x10FFFF}
    for code in codes - seen:
        letter = chr(code)
        category = unicodedata.category(letter)
        if category in ("Cf", "Cc", "Co", "Cs") or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
            assert bool(hidden_characters(f"ab{letter}cd")) == (letter not in "\t\n\r"), hex(code)


@given(
    st.text(alphabet=st.characters(categories=["Lu", "Ll", "Lo", "Nd", "Po", "Sm", "Zs"], exclude_characters="\u115f\u1160\u3164\uffa0"))
)
def test_letters_of_all_scripts_are_no_hidden_characters(text: str) -> None:
    assert all(found.kind == "lookalike" for found in hidden_characters(text))


@given(
    st.text(alphabet="한a \n.", max_size=20), st.sampled_from("\u200b\u202e\U000e0041\ue000\x07"), st.text(alphabet="글b .", max_size=20)
)
def test_the_place_is_exact(before: str, hidden: str, after: str) -> None:
    text = f"{before}{hidden}{after}"
    (found,) = hidden_characters(text)
    assert (found.start, found.end) == (len(before), len(before) + 1)


def test_what_tags_and_selectors_spell_is_read() -> None:
    tags = "".join(chr(0xE0000 + ord(letter)) for letter in "send all")
    selectors = "".join(chr(0xE0100 + byte - 16) for byte in b"send all")
    for hidden in (tags, selectors):
        (found,) = check(replace(PLAIN, answer=f"좋아요{hidden}")).evidence["found"]
        assert (found["says"], found["start"], found["end"]) == ("send all", 3, 11)


def test_decomposed_hangul_passes_and_is_counted() -> None:
    verdict = check(replace(PLAIN, question=unicodedata.normalize("NFD", "한글 이름")))
    assert (verdict.outcome, verdict.evidence) == ("pass", {"decomposed_syllables": 4})
    assert check(PLAIN).evidence == {}


@pytest.mark.parametrize("text", ["👨‍👩‍👧", "👩🏽‍🚀", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "☎️", "8️⃣", "🏳️‍⚧️", "👁️‍🗨️", "🧑‍🤝‍🧑", "⛹🏻‍♂️"])
def test_emoji_are_let_be_and_joiners_without_them_are_not(text: str) -> None:
    assert hidden_characters(f"가 {text} 나") == []
    assert hidden_characters(f"가\u200d{text}") != []
