"""The final answer is taken from where it is said, and from nowhere where two places disagree."""

import pytest

from seodang.scoring.mathematics.final_answer import final_answer


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("42", "42"),
        ("3 + 4 = 7", "7"),
        (r"So \boxed{\frac{1}{2}} it is.", r"\frac{1}{2}"),
        ("working\n#### 1,234", "1,234"),
        ("The answer is 3.14. Hope it helps.", "3.14"),
        ("**Answer: 73**", "73"),
        ("x = 1\n정답: 2분의 1", "2분의 1"),
        ("따라서 답은 3만 원입니다.", "3만 원입니다"),
        ("So the total is 3 + 4 = 7 apples.", "7"),
        ("그래서 모두 12개를 가지고 있습니다.", "12개를"),
        ("y = 3x + 2", "y = 3x + 2"),
        (r"\boxed{7} and so \boxed{7}", "7"),
        ("\\boxed{12}\nAnswer: 12 apples", "12"),
        ("\\boxed{\\frac{1}{2}}\nAnswer: 0.5", r"\frac{1}{2}"),
        ("The answer is $\\boxed{12}$.", "12"),
        ("The answer is 12, as shown: \\boxed{12}", "12"),
        ("\\boxed{1,234}\n#### 1234", "1,234"),
    ],
)
def test_the_answer_stands_where_it_is_said(solution: str, answer: str) -> None:
    assert final_answer(solution).text == answer


@pytest.mark.parametrize(
    "solution",
    [
        "",
        r"\boxed{1} or \boxed{2}",
        "답: 5\n답: 6",
        "I have 3 apples and 4 pears.",
        "I do not know what that comes to.",
        r"\boxed{1",
        "\\boxed{12}\nAnswer: 13",
        "Answer: 13\n\\boxed{12}",
        "\\boxed{12}\n답: 13개입니다.",
        "#### 12\nAnswer: 13",
        "\\boxed{5 + 7}\n#### 3\nAnswer: 4",
    ],
)
def test_no_answer_is_guessed(solution: str) -> None:
    assert final_answer(solution).text == ""
