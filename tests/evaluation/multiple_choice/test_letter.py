"""Only a reply that names one choice names one."""

import time

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
        "\\boxed{B}",
        "Answer: \\boxed{B}",
        "Two are larger, so $\\boxed{B}$.",
        "The final answer is: \\(\\boxed{\\text{B}}\\)",
        "\\boxed{(B)}",
        "\\boxed{B. 2 GB}",
        "The answer is $B$.",
        "B입니다.",
        "B입니다",
        "B이에요",
        "B예요",
        "B이다",
        "**B**입니다.",
        "B번이에요.",
        "2번입니다.",
        "②입니다.",
        "B입니다. 2 GB가 더 크기 때문입니다.",
        "A입니까? B입니다.",
        "A는 아닙니다. B입니다.",
        "Answer: B\nA is not right because no A has it",
        "Answer: B. C is not right because no C has it.",
        "The answer is B. Actually, A bit more may be said.",
        "B. 아니다",
        "I think A dog is smaller. Answer: B",
        "The answer is: B",
        "The correct answer is: **B. Paris**",
        "The correct answer is: B.",
        "The correct option is: (B)",
        "The answer should be B.",
        "B is the correct answer.",
        "B is the correct answer, since it is larger.",
        "**B** is the right choice.",
        "(B) is the best answer.",
        "Option B is correct.",
        "So B is the answer.",
        "I think B is the correct answer.",
        "B is correct because A is smaller.",
        "A is not right. B is the correct answer.",
        "A. 1 GB\nB. 2 GB\n\nB is the correct answer.",
        "정답은: B",
        "정답은: B입니다.",
        "정답은 'B'입니다.",
        "정답은 “B”입니다.",
        "정답은 'B. 2 GB'입니다.",
        "'B'",
        "B가 정답입니다.",
        "B번이 정답입니다.",
        "B가 맞습니다.",
        "B가 옳은 답입니다.",
        "2번이 정답입니다.",
        "따라서 B가 정답입니다.",
        "A는 아닙니다. B가 정답입니다.",
        "B. E. coli",
        "If A is correct, so is C. The answer is B.",
        "Statement A is correct. The answer is B.",
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
        "The answer is A. No, B.",
        "The answer is A. No B.",
        "The answer is A. No, it is B.",
        "The answer is A, no it's B",
        "The answer is A bit unclear, but B fits",
        "Answer: A dog is larger.",
        "Answer: I think it is larger.",
        "\\boxed{A} or \\boxed{B}",
        "\\boxed{A, B}",
        "\\boxed{A or B}",
        "\\boxed{AB}",
        "\\boxed{A dog}",
        "\\boxed{B} is not right.",
        "The answer is A. \\boxed{B}",
        "Answer: \\boxed{A, B}",
        "\\boxed{E}",
        "A입니다. B입니다.",
        "A입니다 B입니다",
        "A입니다. 아니, B입니다.",
        "A입니다. 다시 보면 B입니다.",
        "A, B입니다",
        "A와 B입니다.",
        "A 또는 B입니다.",
        "A예요, B예요",
        "오답은 B입니다.",
        "The wrong answer is B.",
        "An incorrect choice: B",
        "B입니까?",
        "B입니다만 확실하지 않습니다",
        "B번이 아닙니다.",
        "B가 아닙니다.",
        "B이 아니에요",
        "정답: B (또는 C)",
        "Answer: B (or C)",
        "A. B. C. D.",
        "A) B) C)",
        "(A) (B) (C) (D)",
        "A, B. C. D.",
        "B is the correct answer, and C is the correct answer.",
        "B is the correct answer. C is the correct answer.",
        "B is correct, but C is right.",
        "The answer is A. B is the correct answer.",
        "B is the wrong answer.",
        "B is not the correct answer.",
        "Is B the correct answer?",
        "B is correct only in part",
        "B's answer is the correct answer.",
        "B가 정답이 아닙니다.",
        "B가 정답입니까?",
        "B가 정답입니다. C가 정답입니다.",
        "B가 정답이고 C가 정답입니다.",
        "B가 맞습니다만 C가 정답입니다.",
        "B가 맞지 않습니다.",
        "B가 답답합니다.",
        "B가 오답입니다.",
    ],
)
def test_no_choice_of_four_or_several_are_named(reply: str):
    assert named_letter(reply, 4) is None


@pytest.mark.parametrize(
    "word", ["because it is larger", "since B is smaller", "and no other", "is right", "could be right", "(large)", "- large"]
)
def test_the_first_choice_is_told_from_an_article_by_what_follows(word: str):
    assert named_letter(f"The answer is A {word}", 4) == 0


@pytest.mark.parametrize(
    "text", ["\\boxed{ ", "B ", "B) ", "No, ", "A입니다 ", "(", "it is ", "Answer: ", "\n", "번 ", "B가 ", "A. ", "so B "]
)
def test_a_reply_that_repeats_itself_takes_no_time(text: str):
    begun = time.process_time()
    named_letter(f"B{text * 2000}x", 4)
    named_letter(f"Answer: B {text * 2000}x", 4)
    assert time.process_time() - begun < 5


def test_a_fifth_choice_is_named_where_there_is_one():
    assert named_letter("E", 5) == 4
