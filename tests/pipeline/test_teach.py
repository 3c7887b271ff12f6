"""What the steps refuse before a student is taught nonsense."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from seodang.core.errors import ModelError
from seodang.core.records import Record
from seodang.models.local import LocalModel
from seodang.pipeline.context import RunContext
from seodang.pipeline.teach import _refuse_other_tokens


def context(teacher: Path, student: Path, answers: list[str]) -> RunContext:
    """What the step `targets` looks at."""
    accepted = [Record("know", "What?", answer, (), "en") for answer in answers]
    recipe = SimpleNamespace(student_model=object(), distill=SimpleNamespace(think_share=0.0))
    return cast(RunContext, SimpleNamespace(recipe=recipe, teacher=LocalModel(teacher), student_folder=student, accepted=accepted))


def with_tokenizer(model: Path, folder: Path, change: Any) -> Path:
    shutil.copytree(model, folder)
    path = folder / "tokenizer.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    change(told)
    path.write_text(json.dumps(told), encoding="utf-8")
    return folder


def test_equal_tokenizers_pass(random_model: Path) -> None:
    _refuse_other_tokens(context(random_model, random_model, ["The lamp burns oil."]))


def test_ids_that_spell_something_else_are_refused_though_no_answer_uses_them(random_model: Path, tmp_path: Path) -> None:
    """The answers are cut alike; the teacher's best alternatives would still be other tokens of the student."""

    def swap(told: dict[str, Any]) -> None:
        vocabulary = told["model"]["vocab"]
        first, second = (token for token in vocabulary if token in ("%", "&"))
        vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]

    student = with_tokenizer(random_model, tmp_path / "student", swap)
    answer = "The lamp burns oil."
    assert LocalModel(random_model).encode_answer(answer) == LocalModel(student).encode_answer(answer)
    with pytest.raises(ModelError, match="2 ids of the vocabulary"):
        _refuse_other_tokens(context(random_model, student, [answer]))


def test_answers_that_are_cut_otherwise_are_refused(random_model: Path, tmp_path: Path) -> None:
    """One map of ids, other merges."""
    student = with_tokenizer(random_model, tmp_path / "student", lambda told: told["model"]["merges"].clear())
    with pytest.raises(ModelError, match="into other tokens"):
        _refuse_other_tokens(context(random_model, student, ["The lamp burns oil."]))
