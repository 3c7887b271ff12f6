"""An answer that a reply denies is not given, and one that is said with a Korean ending is."""

import pytest

from seodang.evaluation.denial import affirms, denied
from seodang.evaluation.scenarios.short_answer import names_only

DENIALS = [
    ("It is not Seoul.", "Seoul"),
    ("It isn't the Seoul.", "Seoul"),
    ("not 224341", "224341"),
    ("The document does not say, but 224341", "224341"),
    ("It is not 1,000.", "1000"),
    ("It is not 9.", "9"),
    ("It's not at 9:05.", "09:05"),
    ("9 is wrong.", "9"),
    ("It is definitely not Seoul.", "Seoul"),
    ("It is not really the Seoul.", "Seoul"),
    ("Not really 30 days", "30 days"),
    ("서울은 절대 아니다", "서울"),
    ("이서아는 아닙니다", "이서아"),
    ("9명이 아닙니다.", "9"),
    ("서울이 아닙니다", "서울"),
    ("문서에 나와 있지 않지만 224341입니다", "224341"),
    ("不是李强。", "李强"),
    ("鈴木ではありません。", "鈴木"),
    ("No es Carmen.", "Carmen"),
    ("Carmen no fue.", "Carmen"),
    ("Do not use check_status_bar.", "check_status_bar"),
    ("Don't use the check_status_bar.", "check_status_bar"),
    ("You should never call check_status_bar.", "check_status_bar"),
    ("Avoid check_status_bar.", "check_status_bar"),
    ("Anything but check_status_bar.", "check_status_bar"),
    ("check_status_bar is definitely not the right tool.", "check_status_bar"),
    ("check_status_bar is really not right.", "check_status_bar"),
    ("check_status_bar is not what you want.", "check_status_bar"),
    ("check_status_bar isn't the best tool.", "check_status_bar"),
    ("check_status_bar is not a suitable tool.", "check_status_bar"),
    ("check_status_bar is the wrong tool.", "check_status_bar"),
    ("Use check_network_status instead of check_status_bar.", "check_status_bar"),
    ("Instead of using check_status_bar, look at it.", "check_status_bar"),
    ("check_network_status rather than check_status_bar", "check_status_bar"),
    ("Unlike check_status_bar, check_network_status shows it.", "check_status_bar"),
    ("check_status_bar를 쓰면 안 됩니다.", "check_status_bar"),
    ("check_status_bar를 사용하지 마세요.", "check_status_bar"),
    ("check_status_bar는 사용해서는 안 됩니다.", "check_status_bar"),
    ("check_status_bar 말고 check_network_status를 쓰세요", "check_status_bar"),
    ("check_status_bar 대신 check_network_status를 쓰세요", "check_status_bar"),
    ("check_status_bar는 틀렸습니다.", "check_status_bar"),
    ("서울은 정답이 아닙니다.", "서울"),
    ("서울은 맞지 않습니다.", "서울"),
    ("서울은 오답입니다.", "서울"),
    ("不要用李强", "李强"),
    ("鈴木の代わりに佐藤です。", "鈴木"),
    ("鈴木以外です。", "鈴木"),
    ("Es Luis en lugar de Carmen.", "Carmen"),
    ("No uses check_status_bar.", "check_status_bar"),
]
GIVEN = [
    ("It is Seoul, not Busan.", "Seoul"),
    ("It is not Busan but Seoul.", "Seoul"),
    ("No, it is 9.", "9"),
    ("It is not only 9.", "9"),
    ("I'm not sure, but it is 9.", "9"),
    ("잘 모르겠지만 서울입니다.", "서울"),
    ("It is not 19. It is 9.", "9"),
    ("It is not 9.5 but 9", "9"),
    ("It is not covered.", "not covered"),
    ("You must not restart the modem.", "restart the modem"),
    ("Roaming is not included.", "roaming"),
    ("부산이 아니라 서울입니다.", "서울"),
    ("열여섯이 아니라 여섯입니다.", "여섯"),
    ("아니요, 서울입니다.", "서울"),
    ("不是王芳，是李强。", "李强"),
    ("鈴木です。佐藤ではありません。", "鈴木"),
    ("No, es Carmen.", "Carmen"),
    ("Use check_status_bar instead of check_network_status.", "check_status_bar"),
    ("Instead of check_network_status, use check_status_bar.", "check_status_bar"),
    ("check_status_bar rather than check_network_status", "check_status_bar"),
    ("check_status_bar, unlike check_network_status, shows all icons.", "check_status_bar"),
    ("Use check_status_bar instead.", "check_status_bar"),
    ("Do not use check_network_status; check_status_bar is right.", "check_status_bar"),
    ("You do not need to pay: use check_status_bar.", "check_status_bar"),
    ("check_network_status 말고 check_status_bar를 쓰세요", "check_status_bar"),
    ("check_network_status 대신 check_status_bar를 쓰세요", "check_status_bar"),
    ("check_status_bar를 대신 쓰세요", "check_status_bar"),
    ("서울 말고도 부산", "서울"),
    ("서울입니다. 틀린 답은 부산입니다.", "서울"),
    ("서울을 쓰세요. 부산은 안 됩니다.", "서울"),
    ("不要用王芳，用李强。", "李强"),
    ("佐藤の代わりに鈴木です。", "鈴木"),
    ("Es Carmen en lugar de Luis.", "Carmen"),
    ("check_status_bar is not shown in the menu.", "check_status_bar"),
    ("2G is not suitable for MMS.", "2G"),
    ("서울. 틀린 답은 부산입니다.", "서울"),
    ("서울, 대신 부산은 아닙니다.", "서울"),
]
CONTRASTED = [
    "Use {} instead of {}.",
    "Instead of {1}, use {0}.",
    "Use {} rather than {}.",
    "{}, unlike {}, shows it.",
    "Do not use {1}. Use {0}.",
    "{1} is definitely not the right one: {0}.",
    "{1} 말고 {0}를 쓰세요.",
    "{1} 대신 {0}를 쓰세요.",
    "{1}를 쓰면 안 되고 {0}를 써야 합니다.",
    "Es {} en lugar de {}.",
]


@pytest.mark.parametrize(("text", "answer"), DENIALS)
def test_a_denied_answer_is_not_given(text: str, answer: str):
    assert denied(text, answer)
    assert not affirms(text, [answer])


@pytest.mark.parametrize(("text", "answer"), GIVEN)
def test_a_negation_of_something_else_denies_nothing(text: str, answer: str):
    assert not denied(text, answer)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [("정답은 서울입니다.", "서울"), ("서울이에요", "서울"), ("여섯입니다.", "여섯"), ("부산이 아니라 서울입니다.", "서울")],
)
def test_an_answer_with_a_korean_ending_is_given(text: str, accepted: str):
    assert affirms(text, [accepted], ["부산"])


@pytest.mark.parametrize("text", ["서울 또는 부산입니다.", "서울입니다. 부산입니다.", "서울과 부산", "부산입니다", "서울이 아닙니다", ""])
def test_a_wrong_answer_beside_the_right_one_counts_with_its_ending_too(text: str):
    assert not affirms(text, ["서울"], ["부산"])


def test_a_wrong_text_inside_of_an_accepted_one_does_not_count():
    assert affirms("결제 불가입니다.", ["결제 불가"], ["결제"])
    assert affirms("It is not covered.", ["not covered"], ["covered"])


@pytest.mark.parametrize(
    ("text", "right", "kind", "language"),
    [
        ("It is not 9.", "9", "number", "en"),
        ("It is not 9:05.", "09:05", "time", "en"),
        ("이서아는 아닙니다.", "이서아", "person", "ko"),
        ("不是李强。", "李强", "person", "zh"),
        ("鈴木ではありません。", "鈴木", "person", "ja"),
        ("No es Carmen.", "Carmen", "person", "es"),
        ("No es el cajón.", "el cajón", "thing", "es"),
    ],
)
def test_a_short_answer_that_denies_its_candidate_names_none(text: str, right: str, kind: str, language: str):
    assert not names_only(text, right, (), kind, language)  # pyright: ignore[reportArgumentType]
    assert names_only(right, right, (), kind, language)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("It is Paris, not London.", True),
        ("It is not London but Paris.", True),
        ("It is Paris or London.", False),
        ("It is Paris, not London. London is larger, though.", False),
        ("It is London, not Paris.", False),
        ("London이 아니라 Paris입니다.", True),
    ],
)
def test_a_wrong_alternative_that_is_denied_wherever_it_stands_does_no_harm(text: str, given: bool):
    assert affirms(text, ["Paris"], ["London"]) is given


@pytest.mark.parametrize("sentence", CONTRASTED)
def test_a_contrast_gives_what_it_prefers_and_not_the_other(sentence: str):
    right, other = "check_status_bar", "check_network_status"
    assert affirms(sentence.format(right, other), [right], [other])
    assert not affirms(sentence.format(other, right), [right], [other])
