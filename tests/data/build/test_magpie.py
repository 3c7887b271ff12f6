"""Instructions from the chat template: the prefix is the template's own, and each language gets its share and no more."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from generators.cases import expected
from generators.scripted import Scoring
from seodang.core.errors import ModelError
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.magpie import MagpieSection, magpie, user_turn
from seodang.data.build.sources import BuildSources
from seodang.data.build.units import num_dropped
from seodang.data.language import guess_language
from seodang.models.chat_model import Message, Sampling
from seodang.models.local import LocalModel


def run(path: Path, say: Any = expected, **wanted: int) -> tuple[list[Record], dict[str, int], Scoring]:
    teacher = Scoring(say)
    with closing(Journal(path)) as journal:
        found = magpie(BuildSources(), MagpieSection(instructions=wanted), teacher, 2, journal, Progress("build"))
        return found, dict(num_dropped(journal, "magpie")), teacher


def test_each_language_has_what_is_wanted_and_others_are_counted(tmp_path: Path) -> None:
    found, dropped, _ = run(tmp_path / "journal.jsonl", ko=20, en=5)
    assert Counter(record.language for record in found) == {"ko": 20, "en": 5}
    assert all(guess_language(record.question) == record.language for record in found)
    assert dropped["another language"] > 0


def test_once_there_are_enough_nothing_more_is_asked(tmp_path: Path) -> None:
    _, _, teacher = run(tmp_path / "journal.jsonl", en=5)
    assert sum(messages.endswith("<user>") for messages, _ in teacher.asked) == 16


def test_the_same_instruction_is_kept_once(tmp_path: Path) -> None:
    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        return "Tell me more!" if messages[-1].role == "prompt" else "It is so."

    found, dropped, _ = run(tmp_path / "journal.jsonl", say, en=5)
    assert len(found) == 1
    assert dropped["an instruction that came before"] == 31


def test_the_prefix_ends_where_the_users_words_begin_in_a_real_template(tiny_model_dir: Path) -> None:
    model = LocalModel(tiny_model_dir, dtype="float32")
    ids = user_turn(model, "Be kind.")
    assert model.tokenizer.decode(ids) == "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n"
    assert model.tokenizer.decode(user_turn(model, "")) == "<|im_start|>user\n"


def test_a_template_whose_tokens_reach_over_the_place_is_refused() -> None:
    class Merging(Scoring):
        def encode_chat(self, messages: Sequence[Message], thinking: Any = None) -> list[int]:
            words = messages[-1].content
            return [*self.encode_text("<user"), 9000 + ord(words[0]), *self.encode_text(words[1:])]

    with pytest.raises(ModelError, match="cannot be cut where a user's words begin"):
        user_turn(Merging(expected), "")
