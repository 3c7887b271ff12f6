"""A gate in a folder, with an exam and three models that know as many answers as a test says."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from seodang.models.chat_model import Completion, Message, Sampling
from seodang.models.think import ThinkMode
from seodang.pipeline import gate as gates
from seodang.pipeline.gate import run_gate

NUM_ITEMS = 60
GATE = """name: support
student: student
base: base
teacher: teacher
tasks:
  - task: exam
    options: {files: [EXAM]}
    role: primary
    rules:
      - {rule: superior}
regression:
  - {family: domain, margin: 0.05}
"""


class Knows:
    """Answers the first `right` questions of the exam, and counts what it was asked."""

    synthetic = True
    asked = 0
    thinking = ThinkMode.NONE

    def __init__(self, name: str, right: int) -> None:
        self.name, self._right = name, right

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "knows", "name": self.name, "right": self._right}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        Knows.asked += len(conversations)
        numbers = [int(conversation[-1].content.split()[2]) for conversation in conversations]
        return [[Completion(f"answer{number}" if number < self._right else "no", "stop", 5, 3)] for number in numbers]


class Place:
    """A gate's file, its exam and its models, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.path, self.runs = folder / "gate.yaml", folder / "runs"
        self.right = {"student": 40, "base": 20, "teacher": 55}
        self.exam = folder / "exam.jsonl"
        self.write_exam(range(NUM_ITEMS))
        self.text = GATE.replace("EXAM", str(self.exam))
        self.write()

    def write_exam(self, numbers: Sequence[int]) -> None:
        rows = [
            {"id": f"q{n}", "part": "know", "document": None, "question": f"What is {n} here?", "accepted": [f"answer{n}"], "wrong": []}
            for n in numbers
        ]
        self.exam.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def write(self, *changes: tuple[str, str]) -> None:
        text = self.text
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.path.write_text(text, encoding="utf-8")

    def run(self, **told: Any) -> dict[str, Any]:
        return run_gate(self.path, self.runs, **told)

    def declare_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A run that is broken off before the first item is asked."""

        def stop(*_: Any) -> Any:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(gates, "answer", stop)
            with pytest.raises(KeyboardInterrupt):
                self.run()

    @property
    def declared(self) -> dict[str, Any]:
        return json.loads((self.runs / "eval/gates/support/declared.json").read_text(encoding="utf-8"))
