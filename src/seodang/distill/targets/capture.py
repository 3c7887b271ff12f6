"""The teacher's distributions at the answers' tokens, with the passage in view; the student will see the question alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.distill.targets.cache import TargetCache, TopK, sequence_key
from seodang.models.chat_model import ChatModel, Message, Scores, require

_SEQUENCES_A_SHARD = 128


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the teacher reads before the answer, and the answer's tokens, the same ones that the student is taught."""

    record: str
    teacher_prompt: tuple[int, ...]
    answer: tuple[int, ...]
    key: str


def open_book(record: Record, passages: Mapping[str, Passage], template: Mapping[str, str]) -> list[Message]:
    """The conversation in which the teacher answers: the passages, then the question."""
    views = "\n".join(passages[passage].view for passage in record.passages[:3])
    return [Message("user", template[record.kind].format(passages=views, question=record.question, action=record.action))]


def lessons(
    teacher: ChatModel, records: Sequence[Record], passages: Mapping[str, Passage], template: Mapping[str, str], top_k: int
) -> list[Lesson]:
    """One lesson for each record, in order, with the key under which its targets are kept."""
    scorer = require(teacher, Scores, "capturing targets")
    identity = teacher.identity
    found: list[Lesson] = []
    for record in records:
        prompt = tuple(scorer.encode_chat(open_book(record, passages, template)))
        answer = tuple(scorer.encode_answer(record.answer))
        found.append(Lesson(record.id, prompt, answer, sequence_key(identity, prompt, answer, top_k)))
    return found


def capture(teacher: ChatModel, plan: Sequence[Lesson], top_k: int, cache: TargetCache, progress: Progress) -> dict[str, Any]:
    """Fills the cache with what is missing of the plan, a shard at a time, and says how much was there already."""
    scorer = require(teacher, Scores, "capturing targets")
    missing = list({lesson.key: lesson for lesson in plan if lesson.key not in cache}.values())
    progress.total = len(missing)
    for first in range(0, len(missing), _SEQUENCES_A_SHARD):
        group = missing[first : first + _SEQUENCES_A_SHARD]
        scored = scorer.score([lesson.teacher_prompt for lesson in group], [lesson.answer for lesson in group], top_k)
        cache.add(
            (lesson.key, TopK(np.asarray(t.top_ids, np.int32), np.asarray(t.top_logprobs, np.float32)))
            for lesson, t in zip(group, scored, strict=True)
        )
        progress.advance(len(group))
    tails = np.concatenate([cache[lesson.key].tail_mass for lesson in plan]) if plan else np.zeros(1)
    return {
        "num_sequences": len(plan),
        "num_reused": len(plan) - len(missing),
        "num_tokens": int(sum(len(lesson.answer) for lesson in plan)),
        "top_k": top_k,
        "mean_tail_mass": round(float(tails.mean()), 6),
        "bytes": cache.num_bytes(),
    }
