"""Kept targets come back as stored, under keys that change with all that determines them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.distill.targets.cache import TargetCache, TopK, read_teacher, sequence_key
from seodang.distill.targets.capture import capture, lessons, open_book
from seodang.models.chat_model import TokenTargets
from seodang.models.local import LocalModel

PASSAGES = {"p": Passage("policy.md", 0, 5, "- x", "Lines", "Rules:", "a line can be suspended", "en", "MIT")}
TEMPLATE = {"know": "{passages}\n{question}", "act": "{action}: {question}"}
RECORDS = [Record("know", f"Question {n}?", "a line can be suspended", ("p",), "en") for n in range(5)]


def entry(seed: int, length: int) -> TopK:
    draw = np.random.default_rng(seed)
    return TopK(draw.integers(0, 400, (length, 3)).astype(np.int32), np.log(draw.dirichlet(np.ones(5), length)[:, :3]).astype(np.float32))


def same(one: TopK, other: TopK) -> bool:
    return np.array_equal(one.ids, other.ids) and np.array_equal(one.logprobs, other.logprobs)


def test_entries_come_back_as_stored_also_from_disk(tmp_path: Path) -> None:
    entries = {f"k{n}": entry(n, n + 1) for n in range(5)}
    cache = TargetCache(tmp_path)
    cache.add(list(entries.items())[:3])
    cache.add(list(entries.items())[3:])
    cache.add([])
    cache.close()
    again = TargetCache(tmp_path)
    for store in (cache, again):
        assert all(same(store[key], value) for key, value in entries.items())
    assert "other" not in again
    assert again.num_bytes() > 0
    again.close()


def test_the_tail_is_what_the_kept_entries_leave() -> None:
    kept = entry(1, 4)
    np.testing.assert_allclose(kept.tail_mass, 1 - np.exp(kept.logprobs.astype(float)).sum(-1))


BASE: dict[str, Any] = {"teacher": {"weights": "a", "dtype": "float32"}, "prompt_ids": [1, 2], "answer_ids": [3, 4], "top_k": 8}


@pytest.mark.parametrize(
    "change",
    [
        {"teacher": {"weights": "b", "dtype": "float32"}},
        {"teacher": {"weights": "a", "dtype": "bfloat16"}},
        {"prompt_ids": [1, 5]},
        {"answer_ids": [3, 5]},
        {"prompt_ids": [1], "answer_ids": [2, 3, 4]},
        {"top_k": 9},
    ],
)
def test_a_key_changes_with_each_of_its_parts(change: dict[str, Any]) -> None:
    changed: dict[str, Any] = {**BASE, **change}
    assert sequence_key(**changed) != sequence_key(**BASE)
    turned: dict[str, Any] = {**BASE, "teacher": {"dtype": "float32", "weights": "a"}}
    assert sequence_key(**turned) == sequence_key(**BASE)


def test_a_shard_that_was_not_journaled_is_not_adopted(tmp_path: Path) -> None:
    """A kill between writing a shard and journaling it, and one in the middle of the journal's line."""
    cache = TargetCache(tmp_path)
    cache.add([("a", entry(1, 2))])
    cache.add([("b", entry(2, 2))])
    cache.close()
    journal = tmp_path / "index.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-5])
    torn = TargetCache(tmp_path)
    assert "a" in torn
    assert "b" not in torn
    torn.add([("b", entry(3, 2))])
    assert same(torn["b"], entry(3, 2))
    torn.close()
    reopened = TargetCache(tmp_path)
    assert same(reopened["b"], entry(3, 2))
    reopened.close()


def test_the_teacher_is_named_beside_its_shards(tmp_path: Path) -> None:
    cache = TargetCache(tmp_path)
    cache.describe({"weights": "a"})
    cache.describe({"weights": "b"})
    cache.close()
    assert read_teacher(tmp_path) == {"weights": "a"}


class Counting(LocalModel):
    """Counts the sequences that it scores."""

    num_scored = 0

    def score(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], top_k: int) -> list[TokenTargets]:
        self.num_scored += len(prompts)
        return super().score(prompts, continuations, top_k)


def test_what_was_captured_is_not_scored_again(tiny_model_dir: Path, tmp_path: Path) -> None:
    teacher = Counting(tiny_model_dir, dtype="float32")
    plan = lessons(teacher, RECORDS, PASSAGES, TEMPLATE, 6)
    assert [lesson.record for lesson in plan] == [record.id for record in RECORDS]
    first = TargetCache(tmp_path)
    summary = capture(teacher, plan[:3], 6, first, Progress("targets"))
    first.close()
    assert (summary["num_reused"], summary["num_sequences"], teacher.num_scored) == (0, 3, 3)
    again = TargetCache(tmp_path)
    summary = capture(teacher, [*reversed(plan), plan[0]], 6, again, Progress("targets"))
    assert (summary["num_sequences"], teacher.num_scored) == (6, 5)
    assert summary["num_tokens"] == sum(len(lesson.answer) for lesson in [*plan, plan[0]])
    for lesson in plan:
        ids = torch.tensor([[*lesson.teacher_prompt, *lesson.answer]])
        with torch.no_grad():
            logits_TV = teacher.model(ids).logits[0, len(lesson.teacher_prompt) - 1 : -1]
        best = torch.log_softmax(logits_TV, -1).topk(6, -1).values.numpy()
        np.testing.assert_allclose(again[lesson.key].logprobs, best, rtol=0, atol=1e-4)
    again.close()


def test_the_teacher_reads_the_passage_and_the_question() -> None:
    (message,) = open_book(RECORDS[0], PASSAGES, TEMPLATE)
    assert message.content == "Lines: Rules: a line can be suspended\nQuestion 0?"
