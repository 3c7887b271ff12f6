"""What a teacher writes is counted once, whoever asks, and the teacher is afterwards as it was."""

from contextlib import closing
from pathlib import Path
from typing import Any

from seodang.core.files import Journal
from seodang.models.chat_model import Completion
from seodang.pipeline.spent import SPENT, counted, spent


class Teacher:
    """Answers a chat by completing a text, as a remote one may."""

    def complete(self, prompts: Any, sampling: Any, num_samples: int = 1) -> list[list[Completion]]:
        return [[Completion("x", "stop", 5, 3)] * num_samples for _ in prompts]

    def chat(self, conversations: Any, sampling: Any, num_samples: int = 1) -> list[list[Completion]]:
        return self.complete(conversations, sampling, num_samples)


def test_tokens_are_counted_by_stage_and_once(tmp_path: Path) -> None:
    teacher: Any = Teacher()
    with closing(Journal(tmp_path / SPENT)) as journal:
        with counted(teacher, journal, "know"):
            teacher.complete(["a", "b"], None, num_samples=2)
            teacher.chat(["a"], None)
        with counted(teacher, journal, "act"):
            teacher.chat(["a"], None)
        teacher.chat(["not counted"], None)
    assert "chat" not in vars(teacher)
    known = spent(tmp_path, "know")
    assert {name: known[name] for name in ("num_texts", "num_prompt_tokens", "num_new_tokens")} == {
        "num_texts": 5,
        "num_prompt_tokens": 25,
        "num_new_tokens": 15,
    }
    assert known["seconds_asked"] >= 0
    assert spent(tmp_path, "act")["num_texts"] == 1
    assert spent(tmp_path, "general") == spent(tmp_path / "elsewhere", "know") == {}


def test_a_call_that_fails_is_not_counted_and_leaves_the_teacher_as_it_was(tmp_path: Path) -> None:
    teacher: Any = Teacher()
    with closing(Journal(tmp_path / SPENT)) as journal:
        try:
            with counted(teacher, journal, "know"):
                teacher.complete(None, None)
        except TypeError:
            pass
        with counted(teacher, journal, "know"):
            teacher.chat(["a"], None)
    assert vars(teacher) == {}
    assert spent(tmp_path, "know")["num_texts"] == 1
