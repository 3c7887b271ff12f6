"""When a free answer counts as right."""

import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from, text

from seodang.scoring.text_match import contains_answer, normalise

WORDS = lists(sampled_from(["sim", "card", "check_apn_settings", "2", "gb", "not", "covered", "line"]), min_size=1, max_size=6).map(
    " ".join
)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("The SIM-card, please!", "sim card please"),
        ("`check_apn_settings()`", "check_apn_settings"),
        ("_yes_ and __no__", "yes and no"),
        ("2GB", "2 gb"),
        ("2 GB.", "2 gb"),
        ("2.0GB", "2 gb"),
        ("2.50 GB", "2.5 gb"),
        ("$1,000.00", "1000"),
        ("2G/3G", "2 g 3 g"),
        ("1, 2, 3 and 10,20", "1 2 3 and 10 20"),
        ("4g_5g_preferred", "4g_5g_preferred"),
        ("mp3", "mp3"),
        ("📶¹ Poor ✈️ Airplane", "1 poor airplane"),
        ("ＷｉＦｉ ﬁle", "wifi file"),
        ("soft\u00adware", "software"),
        ("don’t", "don t"),
        ("데이터 2기가", "데이터 2 기가"),
        ("नमस्ते", "नमस्ते"),
        ("the a an", ""),
    ],
)
def test_normalise(written: str, words: str):
    assert normalise(written) == words


@given(text(max_size=60))
def test_normalising_twice_changes_nothing(written: str):
    once = normalise(written)
    assert normalise(once) == once
    assert once == " ".join(once.split())


@pytest.mark.parametrize(
    ("answer", "accepted", "wrong", "right"),
    [
        ("You get 2 GB a month.", ["2GB"], [], True),
        ("You get 12 GB.", ["2 GB"], [], False),
        ("You get 2.5 GB.", ["5 GB"], [], False),
        ("The airplanes", ["airplane"], [], False),
        ("[check_apn_settings()]", ["check_apn_settings"], ["apn"], True),
        ("[check_apn_settings()]", ["apn"], [], False),
        ("[check_apn_settings(), reboot_device()]", ["check_apn_settings"], ["reboot_device"], False),
        ("It is not covered.", ["not covered"], ["covered"], True),
        ("It is covered, or not covered.", ["not covered"], ["covered"], False),
        ("It is not covered.", ["covered"], ["not covered"], False),
        ("It is covered.", ["covered"], ["not covered"], True),
        ("yes", ["yes"], ["yes"], False),
        ("anything", ["the"], [], False),
        ("", ["x"], [], False),
    ],
)
def test_contains_answer(answer: str, accepted: list[str], wrong: list[str], right: bool):
    assert contains_answer(answer, accepted, wrong) is right


@given(WORDS, WORDS, WORDS)
def test_an_accepted_answer_is_right_in_any_surroundings_but_with_a_wrong_one_beside_it(before: str, answer: str, after: str):
    assert contains_answer(f"{before}, {answer.upper()}! {after}", [answer], [])
    assert not contains_answer(f"{before} {answer} unheard_of {after}", [answer], ["unheard_of"])


@given(text(max_size=80), WORDS, WORDS)
def test_more_wrong_alternatives_never_make_an_answer_right(answer: str, accepted: str, wrong: str):
    assert contains_answer(answer, [accepted], []) or not contains_answer(answer, [accepted], [wrong])
