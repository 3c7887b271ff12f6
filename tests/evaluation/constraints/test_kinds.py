"""Every kind of constraint accepts an answer that keeps to it and refuses those that nearly do."""

from typing import Any

import pytest

from seodang.evaluation.constraints.instructions import Constraint, describe, keeps
from seodang.evaluation.constraints.kinds import KINDS, go_together

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("words_at_least", {"n": 4}, ["Well, we don't mind.", "우리는 그 일을 좋아합니다"], ["One two three.", "a - b - c"]),
    ("words_at_most", {"n": 3}, ["One two three.", "a - b - c"], ["one two three four"]),
    ("sentences_exactly", {"n": 2}, ["Dr. Ha came. He left!", "- 왔다.\n- 갔다.", "왔습니다. “가자.”"],
     ["One.", "One. Two. Three.", "3.5 is one"]),
    ("characters_at_least", {"n": 5}, ["가나 다라마"], ["가나 다라   ", "가 나 다"]),
    ("characters_at_most", {"n": 5}, ["가나 다라마"], ["가나다라마바"]),
    ("syllables_between", {"low": 2, "high": 3}, ["가나", "a가, 나 1다!"], ["가", "가나다라", "abc"]),
    ("paragraphs", {"n": 2}, ["One.\n\nTwo.", "One.\n\n\n Two."], ["One.\nTwo.", "1\n\n2\n\n3"]),
    ("bullets", {"n": 2}, ["* a\n* b", "Here:\n* a\n* b\nDone."],
     ["* a", "* a\n* b\n* c", "*a*\n*b*", "- a\n- b", "• a\n• b", "* a\n* b\n- c", "* a\n- b"]),
    ("numbered", {"n": 3}, ["1. a\n2. b\n3. c"], ["1. a\n2. b", "1. a\n3. b\n2. c", "1. a\n2. b\n3. c\n4. d", "1) a\n2) b\n3) c"]),
    ("json_only", {}, ['{"a": 1}', '```json\n{"a": [1]}\n```'],
     ['Here: {"a": 1}', "{'a': 1}", "3", '"a"', "{", "[1]", "[]", '[{"a": 1}]', '{"a": NaN}']),
    ("title", {}, ["<<Books>>\nText."], ["Text. <<Books>>", "<<>>\nText.", "<Books>\nText.", "<<Books>> Text."]),
    ("two_answers", {}, ["One.\n******\nTwo."],
     ["One.\n******\nOne.", "One.\n******\n", "One. ****** Two.", "1\n******\n2\n******\n3", "a\n***\nb"]),
    ("quoted", {}, ['"Yes, we do."', "“그렇습니다.”"], ['"Yes', 'Yes"', '"a" he said.', '""', "'Yes'"]),
    ("postscript", {"mark": "P.S."}, ["Text.\nP.S. More."], ["P.S. More.\nText.", "Text.\nP.S.", "Text. P.S. More."]),
    ("repeated", {"request": "Say it."}, ["Say it.\nIt."], ["It.", "Say it.", "It. Say it.", "say it.\nIt."]),
    ("highlighted", {"n": 2}, ["*a* and *b c*"], ["*a*", "**a** and **b**", "* a\n* b", "2*3*4*5"]),
    ("placeholders", {"n": 2}, ["[name] and [day]", "[이름]과 [날짜]"], ["[name]", "[] and []", "(a) (b)"]),
    ("acrostic", {"word": "art"}, ["All.\nRight.\nThen.", "a b\nr c\n\nt d"],
     ["All.\nRight.", "All.\nRight.\nThen.\nGo.", "Right.\nAll.\nThen.", "a\nr\nt"]),
    ("acrostic", {"word": "시장"}, ["시원한 날\n장을 봅니다"], ["장을 봅니다\n시원한 날", "시장을 봅니다"]),
    ("keyword_at_least", {"word": "cup", "n": 2}, ["A cup, a Cup, a cup"], ["a cup", "cups and cups", "cupcup"]),
    ("keyword_at_least", {"word": "책", "n": 2}, ["책을 책상에 둡니다"], ["책을 둡니다"]),
    ("keyword_exactly", {"word": "cup", "n": 2}, ["cup, cup"], ["cup", "cup cup cup"]),
    ("forbidden", {"words": ["hot", "cold"]}, ["It is warm.", "shot"], ["Hot!", "so COLD"]),
    ("forbidden", {"words": ["커피"]}, ["차를 마십니다."], ["커피를 마십니다."]),
    ("no_commas", {}, ["a; b"], ["a, b", "가、 나", "a，b"]),
    ("no_digits", {}, ["three"], ["3", "３", "²"]),
    ("starts_with", {"phrase": "무엇보다도"}, ["무엇보다도 좋습니다."], ["좋습니다. 무엇보다도", "무엇보다도"]),
    ("ends_with", {"phrase": "The end."}, ["So it was. The end."], ["The end. So it was.", "The end.", "So it was. The end"]),
    ("letter_at_least", {"letter": "w", "n": 3}, ["We know how"], ["We know"]),
    ("lowercase", {}, ["all small, 3 of them"], ["All small", "123"]),
    ("uppercase", {}, ["ALL LARGE!"], ["ALL LARGe", "123"]),
    ("capital_words", {"n": 2}, ["READ and WRITE"], ["READ", "I am A", "1 2 3", "Read Write"]),
    ("in_language", {"language": "ko"}, ["집에서 조용히 책을 오래 읽었습니다 x."], ["We read.", "123", "책 book"]),
    ("in_language", {"language": "en"}, ["We read the books 책."], ["책을 읽습니다"]),
    ("formal", {}, ["좋습니다. 어떻습니까? 해 보십시오! 갑시다.", "- 좋습니다\n- 갑니다"],
     ["좋아요.", "좋습니다. 좋다.", "좋습니다. 좋음."]),
    ("polite", {}, ["좋아요. 그렇죠?", "“좋아요.”"], ["좋습니다.", "좋아요. 좋다.", "좋아."]),
    ("plain", {}, ["좋다. 간다!", "책이다"], ["좋습니다.", "좋다. 좋아요.", "좋음."]),
    ("nominal", {}, ["필요함. 좋음.", "책 읽기\n꿈을 꿈"], ["좋다.", "좋음. 좋습니다.", "책"]),
    ("hangul_only", {}, ["좋습니다. 123 ㅎㅎ"], ["TV를 봅니다", "漢字입니다", "123"]),
    ("initial", {"consonant": "ㄱ"}, ["가자", "“그래.”", "- 갑니다"], ["까치", "나무", "a가", "123"]),
    ("native_numerals", {"n": 2}, ["하나에 둘을 더합니다", "첫째는 둘이고 셋째는 넷이다"],
     ["하나", "1 하나 둘", "다섯손 여덟살", "하나 하나"]),
    ("no_loanwords", {"words": ["메시지", "팁"]}, ["쪽지를 씁니다"], ["메시지를 씁니다", "꿀팁"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "params", "kept", "broken"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_kind_accepts_what_keeps_to_it_and_refuses_what_nearly_does(
    kind: str, params: dict[str, Any], kept: list[str], broken: list[str]
) -> None:
    constraint = Constraint(kind, params)
    assert [text for text in kept if not keeps(constraint, text)] == []
    assert [text for text in (*broken, "", " \n") if keeps(constraint, text)] == []


def test_every_kind_has_cases_and_there_are_many() -> None:
    assert {kind for kind, *_ in CASES} == set(KINDS)
    assert len(KINDS) >= 25


def test_excluding_is_mutual_and_names_what_there_is() -> None:
    known = set(KINDS) | {kind.aspect for kind in KINDS.values()}
    assert all(kind.excludes <= known for kind in KINDS.values())
    assert all(go_together(one, other) == go_together(other, one) for one in KINDS for other in KINDS)
    assert not go_together("lowercase", "uppercase")
    assert not go_together("json_only", "quoted")
    assert not go_together("no_digits", "numbered")
    assert not go_together("formal", "in_language")


def test_descriptions_name_their_parameters_with_particles_that_fit() -> None:
    assert describe("keyword_exactly", {"word": "책", "n": 2}, "ko") == "“책”이라는 말을 정확히 2번 쓰십시오."
    assert describe("keyword_exactly", {"word": "배추", "n": 2}, "ko") == "“배추”라는 말을 정확히 2번 쓰십시오."
    assert describe("starts_with", {"phrase": "Now then"}, "en") == "Start the answer with exactly “Now then”."
    assert describe("postscript", {"mark": "추신:"}, "ko") == "마지막 줄에 “추신:”으로 시작하는 덧붙이는 말을 쓰십시오."
