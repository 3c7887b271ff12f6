"""Made problems: right answers score in every form asked for, wrong ones and several at once do not, equal seeds make equal items."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from evaluation.played import say
from seodang.evaluation.problems.english import GENERATORS
from seodang.evaluation.problems.korean import TEMPLATES
from seodang.evaluation.task import Item
from seodang.evaluation.tasks.mathematics import MathematicsOptions, judged, load, task
from seodang.scoring.puzzles import score

OPTIONS = MathematicsOptions(per_generator=2)
ITEMS = load(OPTIONS, Path())


def wrong(item: Item) -> str:
    return str(Fraction(item.content["answer"]) + 1)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_the_right_answer_scores_and_no_other(item: Item) -> None:
    right, unit = item.content["answer"], item.content["unit"]
    lead = "First, 2 + 3 = 5.\n" if item.language == "en" else "먼저 2 + 3 = 5입니다.\n"
    marker = "Answer:" if item.language == "en" else "답:"
    accepted = (f"{lead}{marker} {right}", f"{lead}{marker} {right} {unit}", rf"{lead}\boxed{{{right}}}")
    assert [say(task, item, OPTIONS, text).score for text in accepted] == [1.0] * 3
    other = wrong(item)
    rejected = (
        f"{lead}{marker} {other}",
        f"{marker} {right}\n{marker} {other}",
        f"{marker} {right}, {other}",
        rf"\boxed{{{right}}} \boxed{{{other}}}",
        "",
        item.question,
    )
    assert [say(task, item, OPTIONS, text).score for text in rejected] == [0.0] * len(rejected)


EXPRESSION = re.compile(r"[-(\d０-９](?:[\d０-９\s.+\-*/()×－＋÷−]|\*)*[\d０-９)]")
EQUATION = re.compile(r"(\d+)\*(\w) = (\d+)$")


def copied(item: Item) -> str | None:
    """The calculation that an item's question states, as its right answer left to the reader."""
    if equation := EQUATION.search(item.question):
        return f"{equation[3]}/{equation[1]}"
    if not re.search(r"/(?:chain_sum|decimal_chain_sum|products|basic_arithmetic|wide_digits)$", item.group):
        return None
    return max(EXPRESSION.findall(item.question), key=len).strip()


def test_a_calculation_copied_from_the_question_is_no_answer() -> None:
    asked = [(item, text) for item in load(MathematicsOptions(per_generator=4), Path()) if (text := copied(item))]
    assert len(asked) >= 40
    for marker in ("Answer: ", "답: ", "x = ", r"\boxed{"):
        told = [(item.id, text) for item, text in asked if judged(item, f"{marker}{text}{'}' if '{' in marker else ''}").score]
        assert not told


@pytest.mark.parametrize("text", ["5 + 7", "3 * 4", "24/2", "1/2 + 23/2", "2 + 10", "3!+6", r"\sqrt{144}", "2^3 + 4", "4 × 3", "+5+7"])
def test_a_calculation_that_comes_to_the_right_number_is_not_evaluated(text: str) -> None:
    said = judged(Item("x", "p", "q", {"answer": "12", "unit": ""}), f"Answer: {text}")
    assert said.score == 0
    assert said.evidence["outcome"] in ("not evaluated", "undecided")


@pytest.mark.parametrize(
    ("gold", "unit", "text"),
    [
        ("12", "", "12.0"),
        ("12", "", "5 + 7 = 12"),
        ("12", "", "x = 12"),
        ("12", "", "**12**"),
        ("-12", "", "−12"),
        ("59/40", "리터", "40분의 59리터"),
        ("59/40", "리터", "1과 40분의 19리터"),
        ("59/40", "리터", r"1\frac{19}{40} L"),
        ("59/40", "", "1.475"),
        ("1/2", "", "2분의 1"),
        ("90", "분", "1시간 30분"),
        ("19360000", "원", "1.936 × 10^7"),
        ("10000000", "원", "천만 원입니다"),
    ],
)
def test_a_number_that_is_written_out_is_an_answer(gold: str, unit: str, text: str) -> None:
    assert judged(Item("x", "p", "q", {"answer": gold, "unit": unit}), f"Answer: {text}").score == 1


NATURAL = {
    "ages": ("{}년 뒤", "{}년 뒤입니다.", "{}년 후", "{}년 후입니다", "앞으로 {}년 뒤"),
    "catching_up": ("{}분 뒤", "{}분 뒤입니다.", "{}분 후에"),
    "cranes_and_turtles": ("거북 {}마리", "거북은 {}마리입니다.", "{}마리"),
    "days": ("{}일 동안", "{}일간", "{}일간입니다."),
    "together": ("{}시간", "{}시간 동안"),
    "legs": ("다리 {}개", "다리는 모두 {}개", "모두 {}개입니다", "총 {}개"),
    "stock": ("남은 석유 {}리터", "석유 {}리터"),
    "trees": ("나무 {}그루", "나무는 모두 {}그루입니다."),
    "change": ("거스름돈은 {}원", "거스름돈: {}원"),
}


def test_natural_korean_answers_are_right_and_wrong_numbers_in_them_are_not() -> None:
    asked = [
        (item, form)
        for item in load(MathematicsOptions(per_generator=4, languages=("ko",)), Path())
        for form in NATURAL.get(item.group.split("/")[-1], ())
    ]
    assert len(asked) >= 60
    named = [
        (item, form)
        for item, form in asked
        if all(word.rstrip("은는:") in item.question.split(". ")[-1] or word in ("총", "앞으로") for word in form.split("{}")[0].split())
    ]
    assert len(named) >= 60
    right = [(item.question, form) for item, form in named if not judged(item, f"답: {form.format(item.content['answer'])}").score]
    assert not right
    assert not [form for item, form in asked if judged(item, f"답: {form.format(wrong(item))}").score]


def test_a_counted_noun_that_is_not_asked_for_stays() -> None:
    item = next(item for item in ITEMS if item.group == "ko/hard/cranes_and_turtles")
    assert "거북은 몇 마리" in item.question
    assert [judged(item, f"답: {noun} {item.content['answer']}마리").score for noun in ("거북", "학")] == [1, 0]


@pytest.mark.parametrize(
    ("gold", "unit", "text", "score"),
    [
        ("59/40", "리터", "1 19/40 L", 1),
        ("59/40", "리터", "1 19/40리터", 1),
        ("-59/40", "", "-1 19/40", 1),
        ("59/40", "", "1 59/40", 0),
        ("28080", "", "£28,080", 1),
        ("8", "년", "8년 전", 0),
        ("8", "년", "8개월 뒤", 0),
    ],
)
def test_mixed_numbers_pounds_and_spans(gold: str, unit: str, text: str, score: float) -> None:
    assert judged(Item("x", "p", "q", {"answer": gold, "unit": unit}), f"Answer: {text}").score == score


def test_evidence_tells_apart_wrong_undecided_and_unanswered() -> None:
    item = next(item for item in ITEMS if item.language == "ko" and item.content["unit"] == "원")
    outcomes = [say(task, item, OPTIONS, f"답: {text}").evidence["outcome"] for text in (wrong(item), "모르겠습니다")]
    assert outcomes == ["different", "undecided"]
    assert say(task, item, OPTIONS, "").evidence["outcome"] == "no answer"


def test_every_generator_of_a_level_is_asked_alike_and_is_one_cluster() -> None:
    names = {item.group for item in ITEMS}
    assert len(names) == sum(map(len, GENERATORS.values())) + sum(map(len, TEMPLATES.values()))
    assert all(sum(item.group == name for item in ITEMS) == 2 for name in names)
    assert {item.part for item in ITEMS} == {f"{language}-{level}" for language in ("en", "ko") for level in ("easy", "medium", "hard")}


def test_equal_options_make_equal_items_and_another_seed_makes_others() -> None:
    korean = MathematicsOptions(per_generator=3, languages=("ko",))
    once, again = load(korean, Path()), load(korean, Path())
    other = load(korean.model_copy(update={"seed": 1}), Path())
    assert once == again
    assert len({item.id for item in once}) == len(once) == len({item.question for item in once})
    shared = {item.question for item in once} & {item.question for item in other}
    assert len(shared) < len(once) / 10


def test_korean_questions_are_whole_sentences_with_particles_that_fit() -> None:
    for item in load(MathematicsOptions(per_generator=25, languages=("ko",)), Path()):
        assert re.search(r"(?:까\?|시오\.|[０-９])|없습니다\.$", item.question), item.question
        assert not re.search(r"[을은이과]/|\{|None", item.question)
        assert Fraction(item.content["answer"]) >= 0 or "계산하십시오" in item.question


def test_the_generators_own_oracle_agrees_with_the_reference_answers() -> None:
    for level, generators in GENERATORS.items():
        for generator in generators:
            item = next(item for item in ITEMS if item.group == f"en/{level}/{generator.name}")
            assert score(generator.name, generator.settings, OPTIONS.seed, 0, item.content["answer"]) == 1.0
