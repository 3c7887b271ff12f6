"""A closed-book exam credits what is said, with or without an ending, and no denial."""

import re
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from evaluation.played import say
from seodang.evaluation.exam import ExamItem
from seodang.evaluation.task import Item
from seodang.evaluation.tasks.exam import ExamOptions, load, task, to_item

PACKS = Path(__file__).parents[3] / "packs"


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("서울", 1),
        ("정답은 서울입니다.", 1),
        ("서울이에요", 1),
        ("서울이 아닙니다", 0),
        ("It is not 서울.", 0),
        ("서울 또는 부산입니다", 0),
    ],
)
def test_an_answer_is_credited_with_its_ending_and_not_its_denial(text: str, score: float):
    item = Item("a", "know", "수도는?", {"accepted": ("서울",), "wrong": ("부산",)}, language="ko")
    assert say(task, item, ExamOptions(), text).score == score


@pytest.mark.parametrize("pack", ["telecom", "general"])
def test_every_accepted_text_of_the_packs_is_right_and_every_wrong_one_is_not(pack: str):
    options = ExamOptions(files=(str(PACKS / pack),))
    for item in load(options, Path()):
        told = [say(task, item, options, text).score for text in item.content["accepted"]]
        assert told == [1] * len(told), item
        assert not any(say(task, item, options, text).score for text in item.content["wrong"]), item
        hedged, corrected = f"I'm not sure, but it is {item.content['accepted'][0]}.", f"It is {item.content['accepted'][0]}, not {{}}."
        assert say(task, item, options, hedged).score == 1, item
        alternatives = [text for text in item.content["wrong"] if deniable(text, [*item.content["wrong"], *item.content["accepted"]])]
        refused = [text for text in alternatives if not say(task, item, options, corrected.format(text)).score]
        assert not refused, (item, refused)


OPTIONS = ExamOptions(files=(str(PACKS / "general"),))
GENERAL = load(OPTIONS, Path())


def test_every_item_of_the_general_suite_has_alternatives():
    assert all(item.content["rivals"] for item in GENERAL)
    assert all(set(item.content["accepted"]).isdisjoint(item.content["rivals"]) for item in GENERAL)


@pytest.mark.parametrize("joint", [" or ", ", ", "\n", " / ", "; ", " ", ". ", "\n- ", " and ", ", or maybe "])
def test_a_list_of_candidates_is_no_answer(joint: str):
    """The right answer at each place among three that other items of the part accept."""
    for item in GENERAL:
        right = item.content["accepted"][0]
        others = Random(item.id).sample([*item.content["rivals"], *(("97", "1000") if right.isdecimal() else ())], 3)
        for place in (0, 1, 3):
            text = joint.join([*others[:place], right, *others[place:]])
            assert not say(task, item, OPTIONS, text).score, (item.question, text)


def test_numbers_in_a_row_are_no_answer():
    text = " ".join(map(str, range(1, 101)))
    told = [(item.question, say(task, item, OPTIONS, text).score) for item in GENERAL]
    assert not [question for question, score in told if score]


@pytest.mark.parametrize(
    "reply",
    [
        "{}.",
        "It is {}.",
        "The answer is {}.",
        "**{}**",
        "{question} {}",
        "{question}\n{}, of course.",
        'The answer to "{question}" is: {}',
        "I'm not sure, but I think it is {}.",
        "{} is the right answer, because that is how it is.",
        "It is {}, and not {other}.",
        "It is {}. Do not mix it up with {other}.",
        "{}; another question would have had the answer {other}.",
        "{} (while {other} answers another question)",
        "Unlike {other}, it is {}.",
    ],
)
def test_an_answer_in_a_sentence_with_its_question_or_with_a_reason_is_right(reply: str):
    for item in GENERAL:
        rivals = [text for text in item.content["rivals"] if text != "never" and not overlaps(text, item.content["accepted"])]
        other = Random(item.id).choice(rivals)
        for right in item.content["accepted"][:3]:
            text = reply.format(right, question=item.question, other=other)
            assert say(task, item, OPTIONS, text).score, (item.question, text)


REASONS = [
    ("What color is the sky on a clear day?", "Blue, because air scatters blue light more than red light."),
    ("What does a tadpole grow up to be?", "A frog, which is an amphibian."),
    ("What is 7 plus 5?", "7 + 5 = 12"),
    ("What is 3 times 4?", "12, since 3 x 4 = 4 + 4 + 4."),
    ("What is 6 times 7?", "6 x 7 = 42"),
    ("How many days are there in a normal year?", "365 days, which is 52 weeks and 1 day."),
    ("How many minutes are there in an hour?", "60 minutes, or 3600 seconds."),
    ("At how many degrees Celsius does water boil at sea level?", "100 degrees Celsius (212 degrees Fahrenheit)."),
    ("Which country built the Great Wall?", "China, in Asia."),
    ("Which long river flows through Egypt?", "The Nile, the longest river in Africa."),
    ("What is the largest animal in the world?", "The blue whale, which is a mammal and not a fish."),
    ("What is the opposite of loud?", "Quiet or silent."),
    ("Which word means the opposite of big?", "Small. Big and small are opposites."),
    ("Which gas do plants take in from the air to make food?", "Carbon dioxide; they give off oxygen."),
]


@pytest.mark.parametrize(("question", "reply"), REASONS)
def test_a_reason_may_name_what_other_items_accept(question: str, reply: str):
    item = next(item for item in GENERAL if item.question == question)
    assert say(task, item, OPTIONS, reply).score == 1


def test_an_answer_within_a_longer_one_of_another_item_is_not_given():
    item = next(item for item in GENERAL if item.question == "What element is a diamond made of?")
    assert [say(task, item, OPTIONS, text).score for text in ("carbon", "carbon dioxide")] == [1, 0]


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("서울 또는 도쿄입니다.", 0),
        ("서울이나 도쿄", 0),
        ("도쿄, 서울", 0),
        ("서울입니다. 도쿄는 일본의 수도입니다.", 0),
        ("서울입니다.", 1),
    ],
)
def test_korean_candidates_are_told_with_their_endings(text: str, score: float):
    item = Item("a", "know", "한국의 수도는?", {"accepted": ("서울",), "wrong": (), "rivals": ("도쿄", "파리")}, language="ko")
    assert say(task, item, ExamOptions(), text).score == score


def overlaps(text: str, accepted: Sequence[str]) -> bool:
    return any(set(text.lower().split()) & set(one.lower().split()) for one in accepted)


def deniable(text: str, others: Sequence[str]) -> bool:
    """Without a negation of its own, and without another text within it, which would not be denied by itself."""
    return not re.search(r"\b(no|not|none|never|cannot|without)\b|n't", text) and not any(one in text and one != text for one in others)


def test_items_about_one_statement_are_one_cluster_and_those_of_one_document_are_not() -> None:
    def about(name: str, span: tuple[int, int] | None) -> str:
        document, quote = ("manual", "x" * 3) if span else (None, None)
        return to_item(ExamItem(name, "know", name, ("x",), (), document, span, quote), "en").cluster

    assert about("a", (0, 3)) == about("b", (0, 3)) != about("c", (5, 8))
    assert about("d", None) != about("e", None)
