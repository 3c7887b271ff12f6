"""Only a reply that names one choice names one."""

import pytest

from seodang.evaluation.multiple_choice.letter import named_letter


@pytest.mark.parametrize(
    "reply",
    [
        "B",
        " B.\n",
        "(B)",
        "**B**",
        "B) 2 GB",
        "B. 2 GB",
        "**B.** 2 GB",
        "The answer is B.",
        "The correct answer is (B), since it is larger.",
        "Answer: B",
        "answer: **B**",
        "정답: B",
        "정답은 (B) 입니다.",
        "정답은 B입니다.",
        "답은 B 입니다",
        "B번입니다.",
        "A. 1 GB\nB. 2 GB\nThe answer is B.",
        "정답은 A가 아니라 다릅니다. 정답은 B입니다.",
        "The answer is A is wrong; the answer is B.",
        "the ANSWER IS B",
        "정답은 ② 번",
        "정답은 2번입니다",
        "정답: ②",
        "The answer is B, since A is wrong.",
        "The answer is B, and A is wrong.",
        "The answer is B, I think.",
    ],
)
def test_one_choice_is_named(reply: str):
    assert named_letter(reply, 4) == 1


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   ",
        "A dog is larger.",
        "Because of that, none.",
        "A, B, C, D",
        "A or B",
        "A. x\nB. y\nC. z\nD. w",
        "The answer is A. The answer is B.",
        "정답은 A입니다. 정답은 B입니다.",
        "정답은 B가 아닙니다.",
        "E",
        "The answer is E.",
        "The answer is Berlin.",
        "B is not right.",
        "ABCD",
        "The answer is B or C",
        "Answer: B, C",
        "정답은 B 또는 C입니다",
        "정답은 2번 또는 3번입니다",
        "정답은 2번 국도입니다",
        "정답은 0번입니다",
        "정답은 12번입니다",
        "The best choice is B, but C is also right",
        "Answer: A/B/C/D",
        "The correct answer is a combination of these",
        "The answer is A. No wait, B.",
    ],
)
def test_no_choice_of_four_or_several_are_named(reply: str):
    assert named_letter(reply, 4) is None


def test_a_fifth_choice_is_named_where_there_is_one():
    assert named_letter("E", 5) == 4
