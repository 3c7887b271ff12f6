"""The worked questions that travel in the wheel of lm-eval 0.4.13 as examples for other prompts: 5 of each subject.

KMMLU (Son et al. 2024, arXiv 2402.11548): 225 of 45 subjects. MMLU (Hendrycks et al. 2021, arXiv 2009.03300): 282 of 57. They are
development items that their authors meant to be shown, so that a model may have read them: a score on them tells two models apart and
is no substitute for the test sets.
"""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from seodang.core.errors import InputError
from seodang.evaluation.multiple_choice.question import LETTERS, Question, well_formed
from seodang.evaluation.packages import Package

LM_EVAL = Package("lm-eval", "0.4.13", "5daaa1973bf874005f64f28d3834b875f6886f0d6475878e6a6c821994a5286a")

_FILES = {"kmmlu": "lm_eval/tasks/kmmlu/cot_hard/kmmlu_*.yaml", "mmlu": "lm_eval/tasks/mmlu/flan_cot_fewshot/mmlu_*.yaml"}
_TAG = {"kmmlu": re.compile(r"kmmlu_cot_hard_(\w+)_tasks"), "mmlu": re.compile(r"mmlu_flan_cot_fewshot_(\w+)")}
_ANSWER = {"kmmlu": re.compile(r"정답은 \(([A-D])\) ?입니다\.\s*\Z"), "mmlu": re.compile(r"The answer is \(([A-J])\)\.\s*\Z")}
_MARK = re.compile(r"(?:(?<=\s)|\A)\(([A-J])\)\s")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An example that is no question with one right choice, and why."""

    id: str
    reason: str


def read_harness(benchmark: str, store: Path) -> tuple[list[Question], list[LeftOut]]:
    """The questions of `kmmlu` or `mmlu` in the user's own download of the wheel, and what had to be left out."""
    with zipfile.ZipFile(LM_EVAL.wheel(store)) as wheel:
        names = sorted(name for name in wheel.namelist() if Path(name).match(_FILES[benchmark]))
        return parse_harness(benchmark, {name: wheel.read(name) for name in names})


def parse_harness(benchmark: str, files: Mapping[str, bytes]) -> tuple[list[Question], list[LeftOut]]:
    """The same of YAML files by path. InputError for a file that has no examples where they stand."""
    found: list[Question] = []
    left_out: list[LeftOut] = []
    for name, content in files.items():
        told = yaml.load(content.decode(), yaml.BaseLoader)  # every scalar stays the text that it is
        try:
            tag, subject, samples = told["tag"], told["dataset_name"], told["fewshot_config"]["samples"]
        except (KeyError, TypeError) as error:
            raise InputError(f"no examples in it ({error})", where=name, hint="this release is not the pinned one") from error
        area = _TAG[benchmark].fullmatch(tag)
        for number, sample in enumerate(samples, start=1):
            one = _parse(benchmark, f"{benchmark}-{subject}-{number}", area[1] if area else tag, subject.replace("_", " "), sample)
            if isinstance(one, Question):
                found.append(one)
            else:
                left_out.append(one)
    return found, left_out


def _parse(benchmark: str, name: str, area: str, subject: str, sample: Mapping[str, Any]) -> Question | LeftOut:
    answer = _ANSWER[benchmark].search(sample["target"])
    split = _fields(sample) if benchmark == "kmmlu" else _marked(sample["question"])
    if answer is None:
        return LeftOut(name, "its solution does not end in one letter")
    if split is None:
        return LeftOut(name, "its choices cannot be told from its question")
    text, choices = split
    place = LETTERS.index(answer[1])
    if not well_formed(choices):
        return LeftOut(name, "two of its choices are alike")
    if place >= len(choices):
        return LeftOut(name, "its answer is none of its choices")
    return Question(name, area, subject, text, choices, place)


def _fields(sample: Mapping[str, Any]) -> tuple[str, tuple[str, ...]] | None:
    return sample["question"].removeprefix("질문:").strip(), tuple(sample[letter] for letter in "ABCD")


def _marked(text: str) -> tuple[str, tuple[str, ...]] | None:
    """The question before `(A)` and the choices after each mark; None unless the marks are A, B, C, … once each, after a line's end."""
    marks = list(_MARK.finditer(text))
    if len(marks) < 4 or [mark[1] for mark in marks] != list(LETTERS[: len(marks)]) or "\n" not in text[: marks[0].start()][-2:]:
        return None
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return text[: marks[0].start()].strip(), tuple(text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True))
