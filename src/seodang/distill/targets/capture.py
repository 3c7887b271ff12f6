"""The teacher's distributions at the answers' tokens, with the passage in view; the student will see the question alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from seodang.core.errors import ModelError
from seodang.core.files import remove_torn, write_json
from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.distill.align.target import Likelihoods
from seodang.distill.section import TargetsSection
from seodang.distill.targets.alignment import refuse_shifted_rows
from seodang.distill.targets.cache import Entry, HeldOut, TargetCache, sequence_key
from seodang.distill.targets.certificate import certify, choose_held_out
from seodang.distill.targets.codecs import hidden, top_k
from seodang.distill.targets.codecs.codec import Codec, Columns, join, open_codec
from seodang.distill.targets.folder import CERTIFICATES, read_certificates
from seodang.distill.targets.written import certify_written, whole_distributions, word_beginnings, written_logprobs
from seodang.models.chat_model import ChatModel, Distributions, Message, Scores, require, think_mode
from seodang.models.conversation import conversation
from seodang.models.think import ThinkMode

_SEQUENCES_A_SHARD = 128
_TRIED = 16  # verified sequences on which a teacher is tried before it scores a student's answers
_SELF_TESTED = 16  # sequences whose whole distributions are made once more where what is stored cannot tell
_POSITIONS_TOGETHER = 64  # whose whole distributions are in memory at once


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the teacher reads before the answer, and the answer's tokens, the same ones that the student is taught."""

    record: str
    teacher_prompt: tuple[int, ...]
    answer: tuple[int, ...]
    key: str


def open_book(record: Record, passages: Mapping[str, Passage], template: Mapping[str, str]) -> list[Message]:
    """The conversation in which the teacher answers: the passages, then the question; of several turns, the passages before the first, and
    the conversation alone where a record of another kind was made from no passage."""
    if record.kind not in template or record.turns:
        messages = conversation(record)
        views = "\n".join(passages[passage].view for passage in record.passages[:3] if passage in passages)
        return [Message(messages[0].role, f"{views}\n\n{messages[0].content}".strip()), *messages[1:]]
    views = "\n".join(passages[passage].view for passage in record.passages[:3])
    return [Message("user", template[record.kind].format(passages=views, question=record.question, action=record.action))]


def lessons(
    teacher: ChatModel,
    records: Sequence[Record],
    passages: Mapping[str, Passage],
    template: Mapping[str, str],
    section: TargetsSection,
    thought: Collection[str] = (),
) -> list[Lesson]:
    """One lesson for each record, in order, with the key under which its targets are kept. The teacher reads those whose ids are in
    `thought` in think mode, with their reasoning, and the others without thinking."""
    scorer = require(teacher, Scores, "capturing targets")
    identity = teacher.identity
    codec = describe_codec(section)
    found: list[Lesson] = []
    for record in records:
        mode = None if think_mode(teacher) is ThinkMode.NONE else ThinkMode.ON if record.id in thought else ThinkMode.OFF
        prompt = tuple(scorer.encode_chat(open_book(record, passages, template), mode))
        answer = tuple(scorer.encode_answer(record.answer, record.reasoning if mode is ThinkMode.ON else ""))
        found.append(Lesson(record.id, prompt, answer, sequence_key(identity, prompt, answer, codec)))
    return found


def describe_codec(section: TargetsSection) -> dict[str, Any]:
    """The section's codec with those of its settings that are the codec's: a part of every key."""
    return open_codec(section.codec).describe(section.model_dump())


def capture(
    teacher: ChatModel,
    plan: Sequence[Lesson],
    section: TargetsSection,
    cache: TargetCache,
    progress: Progress,
    *,
    verified: Sequence[Lesson] | None = None,
) -> dict[str, Any]:
    """Fills the cache with what is missing of the plan, a shard at a time, certifies it, and says how much was there already.

    With `verified` lessons, those of the plan are a student's own answers: some are prefixes, of whose end nothing is taught, and whether
    the teacher's rows stand at their tokens is tried on a few verified ones. ModelError where the teacher cannot fill the codec, a verified
    answer is cut off before its end, or rows do not stand at their tokens.
    """
    codec, settings = open_codec(section.codec), section.model_dump()
    described = codec.describe(settings)
    remove_torn(cache.folder)
    _refuse_unable(teacher, codec)
    _refuse_cut_off(teacher, plan if verified is None else verified)
    missing = list({lesson.key: lesson for lesson in plan if lesson.key not in cache}.values())
    progress.total = len(missing)
    for first in range(0, len(missing), _SEQUENCES_A_SHARD):
        group = missing[first : first + _SEQUENCES_A_SHARD]
        columns, held_out = _ask(teacher, group, codec, settings, _held_out(cache, described, group))
        if first == 0 and verified is None:
            _refuse_shifted(teacher, group, columns, codec, settings)
        elif first == 0 and verified is not None:
            tried = verified[:_TRIED]
            _refuse_shifted(teacher, tried, _ask(teacher, tried, codec, settings, {})[0], codec, settings)
        entries = [Entry(lesson.key, columns[lesson.key], len(lesson.answer)) for lesson in group]
        cache.add(entries, codec, described, held_out)
        progress.advance(len(group))
    certificate = _certificate(teacher, cache, described, {lesson.key: lesson.answer for lesson in plan})
    shards = [told for told in cache.shards() if told["codec"] == described]
    return {
        "num_sequences": len(plan),
        "num_reused": len(plan) - len(missing),
        "num_tokens": sum(len(lesson.answer) for lesson in plan),
        **described,
        "bytes": cache.num_bytes(),
        "bytes_per_token": round(sum(told["bytes"] for told in shards) / max(1, sum(sum(told["lengths"]) for told in shards)), 2),
        "certificate": certificate,
    }


def _refuse_unable(teacher: ChatModel, codec: Codec) -> None:
    if codec.name == "top_k":
        require(teacher, Scores, "capturing targets")
        return
    if not isinstance(teacher, Distributions):
        raise ModelError(
            f"`{teacher.name}` gives its best tokens only, and the codec `{codec.name}` needs whole distributions",
            hint="set `targets: {codec: top_k, top_k: N}` with as many as the endpoint gives, or use a local teacher",
        )
    if codec.reads == "states":
        teacher.plain_head()


def _refuse_cut_off(teacher: ChatModel, plan: Sequence[Lesson]) -> None:
    """An answer without its end was cut off; taught as it is, the student would learn to stop there, or never."""
    end = require(teacher, Scores, "capturing targets").encode_answer("")[-1]
    cut_off = [lesson.record for lesson in plan if not lesson.answer or lesson.answer[-1] != end]
    if cut_off:
        raise ModelError(
            f"{len(cut_off)} answers do not end with the teacher's end token and were cut off, the first of record {cut_off[0]}",
            hint="leave these records out, or have them written again with more `max_new_tokens`",
        )


def _held_out(cache: TargetCache, codec: Mapping[str, Any], group: Sequence[Lesson]) -> dict[str, np.ndarray]:
    known = [positions for told in cache.shards() if told["codec"] == codec for _, positions in told["held_out"]]
    return choose_held_out({lesson.key: len(lesson.answer) for lesson in group}, len(known), sum(map(len, known)))


def _ask(
    teacher: ChatModel, group: Sequence[Lesson], codec: Codec, settings: Mapping[str, Any], chosen: Mapping[str, np.ndarray]
) -> tuple[dict[str, Columns], list[HeldOut]]:
    """The columns of each lesson by its key, and the slice that is held out, which only whole distributions allow."""
    prompts, answers = [lesson.teacher_prompt for lesson in group], [lesson.answer for lesson in group]
    if not isinstance(teacher, Distributions):
        scored = require(teacher, Scores, "capturing targets").score(prompts, answers, settings["top_k"])
        return {lesson.key: top_k.from_lists(t.top_ids, t.top_logprobs) for lesson, t in zip(group, scored, strict=True)}, []
    columns: dict[str, Columns] = {}
    held_out: dict[str, HeldOut] = {}
    begins_V = word_beginnings(teacher) if codec.reads == "written" else None
    for place, states_TH in teacher.states(prompts, answers):
        key = group[place].key
        columns[key] = _encode(teacher, states_TH, codec, settings, group[place], begins_V)
        if key in chosen:
            kept_NH = states_TH[torch.from_numpy(chosen[key])].cpu()
            precision = "float32" if kept_NH.dtype == torch.float32 else "bfloat16"
            held_out[key] = HeldOut(key, chosen[key], hidden.encode(kept_NH, {"precision": precision}, 0)["states"])
    return columns, [held_out[key] for key in sorted(held_out)]


def _encode(
    teacher: Distributions,
    states_TH: torch.Tensor,
    codec: Codec,
    settings: Mapping[str, Any],
    lesson: Lesson,
    begins_V: torch.Tensor | None,
) -> Columns:
    """One sequence, some positions at a time; draws of position t follow from the sequence's seed and t's place among such parts. With a
    mask of the tokens that begin a word, what is encoded is of the written tokens."""
    seed = int(lesson.key[:15], 16)
    if codec.reads == "states":
        return codec.encode(states_TH.cpu(), settings, seed)
    columns: list[Columns] = []
    for number, part in enumerate(states_TH.split(_POSITIONS_TOGETHER)):
        rows = teacher.distribution(part).cpu()
        if begins_V is not None:
            first = number * _POSITIONS_TOGETHER
            rows = written_logprobs(rows, lesson.answer[first : first + len(part)], begins_V)
        columns.append(codec.encode(rows, settings, seed + number))
    return join(columns)


def _refuse_shifted(
    teacher: ChatModel, group: Sequence[Lesson], columns: Mapping[str, Columns], codec: Codec, settings: Mapping[str, Any]
) -> None:
    answers = [lesson.answer for lesson in group]
    if codec.reads == "written" and isinstance(teacher, Distributions):  # what is stored cannot tell; a few whole distributions can
        few = answers[:_SELF_TESTED]
        whole = whole_distributions(teacher, [lesson.teacher_prompt for lesson in group[:_SELF_TESTED]], few)
        refuse_shifted_rows(whole, few, synthetic=teacher.synthetic)
        return
    head = teacher.plain_head() if codec.reads == "states" and isinstance(teacher, Distributions) else None
    decoded = [codec.decode(codec.pack(columns[lesson.key]), settings, head) for lesson in group]
    targets = [target for target in decoded if not isinstance(target, Likelihoods)]
    refuse_shifted_rows(targets, answers, synthetic=teacher.synthetic)


def _certificate(
    teacher: ChatModel, cache: TargetCache, codec: Mapping[str, Any], answers: Mapping[str, Sequence[int]]
) -> dict[str, Any] | None:
    """The codec's certificate, written beside the shards. None for a teacher that gives no whole distributions."""
    if not isinstance(teacher, Distributions):
        return None
    if open_codec(codec["codec"]).reads == "written":
        known = next((row for row in read_certificates(cache.folder) if row["codec"] == codec), None)
        found = certify_written(cache, codec, teacher, answers) or known
    else:
        found = certify(cache, codec, teacher)
    if found is not None:
        others = [row for row in read_certificates(cache.folder) if row["codec"] != codec]
        write_json(cache.folder / CERTIFICATES, [*others, found])
    return found
