"""What lm-eval's examples say is read strictly; what cannot be read is named. Their counts and templates are those of the pinned wheel."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from seodang.core.errors import InputError
from seodang.core.wheels import read_from_wheel
from seodang.evaluation.multiple_choice.harness import LM_EVAL, parse_harness, read_harness
from seodang.evaluation.multiple_choice.templates import plain_context


def mmlu(*samples: tuple[str, str]) -> dict[str, bytes]:
    told: dict[str, Any] = {
        "dataset_name": "field_work",
        "tag": "mmlu_flan_cot_fewshot_stem",
        "fewshot_config": {"samples": [{"question": question, "target": target} for question, target in samples]},
    }
    return {"mmlu_field_work.yaml": yaml.safe_dump(told).encode()}


GOOD = "Which is the third?\n(A) 1.0 (B) two words (C) f(A) (D) \\(x\\)"


def test_a_question_is_parted_from_its_choices():
    (question,), left_out = parse_harness("mmlu", mmlu((GOOD, "So it is. The answer is (C).\n")))
    assert not left_out
    assert (question.id, question.area, question.subject) == ("mmlu-field_work-1", "stem", "field work")
    assert (question.question, question.choices, question.answer) == ("Which is the third?", ("1.0", "two words", "f(A)", "\\(x\\)"), 2)


@pytest.mark.parametrize(
    ("question", "target"),
    [
        (GOOD, "The answer is C."),
        (GOOD, "The answer is (C). But no."),
        (GOOD, "The answer is (E)."),
        (GOOD.replace("(B)", "(C)"), "The answer is (C)."),
        (GOOD.replace("(B)", "B"), "The answer is (C)."),
        (GOOD.replace("two words", "(A) again"), "The answer is (C)."),
        (GOOD.replace("two words", "1.0"), "The answer is (C)."),
        (GOOD.replace("\n", " "), "The answer is (C)."),
    ],
)
def test_what_is_no_question_with_one_answer_is_left_out_with_a_reason(question: str, target: str):
    found, left_out = parse_harness("mmlu", mmlu((GOOD, "The answer is (A)."), (question, target)))
    assert [one.id for one in found] == ["mmlu-field_work-1"]
    assert [one.id for one in left_out] == ["mmlu-field_work-2"]
    assert left_out[0].reason


def test_scalars_stay_texts():
    sample = "{A: 0.10, B: 0.1, C: yes, D: 1_000, question: '질문: 몇 개인가?', target: '따라서, 정답은 (A) 입니다.'}"
    told = f"dataset_name: counting\ntag: kmmlu_cot_hard_stem_tasks\nfewshot_config:\n  samples:\n  - {sample}\n"
    (question,), _ = parse_harness("kmmlu", {"kmmlu_counting.yaml": told.encode()})
    assert (question.question, question.choices, question.answer) == ("몇 개인가?", ("0.10", "0.1", "yes", "1_000"), 0)


def test_a_file_of_another_release_is_refused():
    with pytest.raises(InputError, match="no examples"):
        parse_harness("mmlu", {"mmlu_x.yaml": b"dataset_name: x\n"})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.mark.network
def test_the_counts_of_the_pinned_wheel(store: Path):
    kmmlu, no_kmmlu = read_harness("kmmlu", store)
    mmlu, no_mmlu = read_harness("mmlu", store)
    assert (len(kmmlu), len(no_kmmlu), len({one.subject for one in kmmlu})) == (222, 3, 45)
    assert (len(mmlu), len(no_mmlu), len({one.subject for one in mmlu})) == (281, 1, 57)
    assert {one.reason for one in [*no_kmmlu, *no_mmlu]} == {"two of its choices are alike"}
    assert {one.area for one in kmmlu} == {"applied_science", "humss", "other", "stem"}
    assert {one.area for one in mmlu} == {"stem", "humanities", "social_sciences", "other"}
    assert sum(len(one.choices) == 5 for one in mmlu) == 1


@pytest.mark.network
@pytest.mark.parametrize(
    ("file", "language", "ranked", "about"),
    [
        ("kmmlu/default/_default_kmmlu_yaml", "ko", "letter", ""),
        ("mmlu/default/_default_template_yaml", "en", "letter", "history"),
        ("mmlu/continuation/_continuation_template_yaml", "en", "text", "history"),
    ],
)
def test_plain_contexts_are_those_of_the_harness(store: Path, file: str, language: str, ranked: Any, about: str):
    """The wheel's own template, rendered by jinja2 as lm-eval does, is the oracle."""
    from jinja2 import Environment

    template = Environment().from_string(
        yaml.load(read_from_wheel(LM_EVAL.wheel(store), f"lm_eval/tasks/{file}"), yaml.BaseLoader)["doc_to_text"]
    )
    told_twice: list[dict[str, Any]] = [{"question": f" which {n}? ", "choices": [f"{n}", "p", "q", "r"], "answer": 2} for n in (1, 2)]
    shot, told = told_twice
    first, second = (template.render(one, **dict(zip("ABCD", one["choices"], strict=True))) for one in (shot, told))
    kind = "multiple choice questions" if ranked == "letter" else "questions"
    described = f"The following are {kind} (with answers) about {about}.\n\n" if about else ""
    right = " C" if ranked == "letter" else " q"
    assert plain_context(told, [shot], about, language, ranked) == f"{described}{first}{right}\n\n{second}"
