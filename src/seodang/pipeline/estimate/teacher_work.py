"""What the teacher does: it writes records, is asked to check them, and gives its distributions."""

import math
from typing import Any

from seodang.data.build.prompt_text import load_prompts
from seodang.pipeline.estimate.counts import GENERAL_ANSWER_TOKENS, OPENER_TOKENS, Counts
from seodang.pipeline.estimate.model_size import ModelSize
from seodang.pipeline.estimate.work import (
    CACHE_ROOM,
    DECODE_BATCH,
    PREFIX_TOKENS,
    Memory,
    StepWork,
    batch_memory,
    decoding,
    opening_memory,
    reading,
)
from seodang.pipeline.recipe import Recipe

# As `data/build` works: what one unit of work holds, and how many tokens may be written.
PASSAGES_A_UNIT, ACTIONS_A_UNIT, RULES_A_UNIT, GENERAL_A_UNIT = 12, 3, 4, 48
LINE_TOKENS, GENERAL_ANSWER_LIMIT = 28, 40
_OPEN_ANSWER = 0.68  # length of the teacher's open-book answer, in statements
_SIBLINGS_SHARE = 3  # rows that share a passage read it once: so many times fewer tokens than were given
# How often memory is passed over for each number of a distribution over the vocabulary: to score a token, and to encode its target.
_SCORING_PASSES = 30.0
_CODEC_PASSES = {"nucleus": 30.0, "top_k": 8.0, "sampled": 21.0, "head_and_sampled": 36.0, "hidden": 0.0, "full": 3.0, "likelihoods": 8.0}
_CERTIFIED_POSITIONS, _CERTIFIED_BYTES = 256, 56  # that are compared in full, and what each token of the vocabulary takes for that
_PROBABLE_BYTES = 40.0  # of the exact head of `head_and_sampled`
_BUILT_BYTES, _CHECKED_BYTES, _PLANNED_BYTES, _INDEX_BYTES = 360, 860, 110, 700  # of a record in the folders of the steps and the cache


def target_bytes(recipe: Recipe, size: ModelSize) -> float:
    """Bytes that a token's target takes in the cache."""
    section = recipe.targets
    # `nucleus` takes 88 bytes a token at 3e-4 nats a byte and 101 at 1e-3 on own samples, which are less certain (benchmarks/targets.py).
    by_codec = {
        "nucleus": 88 * (3e-4 / section.nats_per_byte) ** 0.52,
        "top_k": 5.2 * section.top_k,
        "sampled": 0.96 * section.draws,
        "head_and_sampled": _PROBABLE_BYTES + 1.7 * section.draws,
        "hidden": (2 if section.precision == "bfloat16" else 4) * size.hidden,
        "full": 4 * size.vocabulary,
        "likelihoods": 8.0,
    }
    return by_codec[section.codec]


def _calls(num_prompts: float, unit: float) -> float:
    """Batches in which prompts are decoded that come in units."""
    return math.ceil(num_prompts / unit) * math.ceil(unit / DECODE_BATCH) if num_prompts and unit else 0


def build_work(recipe: Recipe, counts: Counts, teacher: ModelSize | None) -> StepWork:
    """The teacher writes questions, messages and open-book answers, in the units in which `data/build` works."""
    build, texts = recipe.build, load_prompts(recipe.build.prompts)
    question, view = counts.question_tokens, counts.view_tokens
    written_answer = min(LINE_TOKENS, _OPEN_ANSWER * counts.statement_tokens)
    openers = counts.questions / max(1, counts.passages * build.question_samples)
    by_rules = counts.rules * build.messages_per_rule
    answers = counts.questions * build.answer_samples
    general = counts.general_questions
    line, others = max(1.0, question - OPENER_TOKENS + 1), written_answer + 1
    written = (counts.questions + counts.messages + general) * line + answers * others + general * GENERAL_ANSWER_TOKENS
    batches = {
        "question": _calls(counts.questions, PASSAGES_A_UNIT * openers * build.question_samples),
        "answer": _calls(answers, PASSAGES_A_UNIT * openers * build.question_samples) * (1 if build.answer_samples == 1 else 2),
        "utterance": _calls(counts.messages - by_rules, ACTIONS_A_UNIT * build.utterances_per_action),
        "next_step": _calls(by_rules, RULES_A_UNIT * build.messages_per_rule),
        "general": _calls(general, GENERAL_A_UNIT),
    }
    prompts = {
        "question": counts.questions / max(1, build.question_samples),
        "answer": counts.questions * min(2, build.answer_samples),
        "utterance": counts.messages - by_rules,
        "next_step": by_rules,
        "general": general,
    }
    examples = {name: _examples_tokens(texts, name, counts) for name in batches}
    own = {
        "question": view + OPENER_TOKENS,
        "answer": view + question + 6,
        "utterance": view + OPENER_TOKENS,
        "next_step": view + OPENER_TOKENS,
        "general": OPENER_TOKENS + question + 1,
    }
    read = sum(prompts[name] * own[name] for name in prompts)
    disk = _BUILT_BYTES * (counts.questions + counts.messages + general + counts.keywords)
    if teacher is None:
        read += sum(prompts[name] * examples[name] for name in prompts)
        asked = counts.questions + answers + counts.messages + 2 * general
        return StepWork("build", "teacher", tokens_read=read, tokens_written=written, disk_bytes=disk, requests=asked)
    # Rows of one passage or situation are siblings: a local teacher reads what they share once.
    computed = read / _SIBLINGS_SHARE + sum(batches[name] * examples[name] for name in batches)
    longest = max(examples.values())
    steps = sum(batches.values()) * LINE_TOKENS + batches["general"] * GENERAL_ANSWER_LIMIT
    passes = (
        reading(teacher, computed, sum(batches.values()) * DECODE_BATCH, longest / 2, 3 * sum(batches.values())),
        decoding(teacher, written, longest, steps),
    )
    read += sum(batches[name] * examples[name] for name in batches)
    rows = min(DECODE_BATCH, PASSAGES_A_UNIT * openers)
    held = [opening_memory(teacher), batch_memory(teacher, rows, view + question + LINE_TOKENS, longest)]
    if counts.messages > by_rules:
        held.append(_mixed_memory(teacher, min(DECODE_BATCH, ACTIONS_A_UNIT * build.utterances_per_action), examples["utterance"] + view))
    return StepWork("build", "teacher", passes, tuple(held), read, written, disk_bytes=disk)


def _mixed_memory(teacher: ModelSize, rows: float, width: float) -> Memory:
    """A unit of actions that show something and others that change something: its prompts begin with one of two texts, so that every row
    has keys and values of its own for the whole of it."""
    keys = teacher.kv_values * rows * (width + LINE_TOKENS + CACHE_ROOM)
    return Memory("auto", teacher.num_parameters + keys, 8 * rows * teacher.vocabulary, keys)


def _examples_tokens(texts: dict[str, Any], name: str, counts: Counts) -> float:
    """Tokens of the worked examples before a prompt of one kind."""
    section = texts["utterance"]["changing"] if name == "utterance" else texts[name]
    return len(section["preamble"]) / counts.characters_per_token


def verify_work(recipe: Recipe, counts: Counts, teacher: ModelSize | None) -> StepWork:
    """For `points_back` the teacher scores each record after its own source and after rivals, and some after every source."""
    disk = _CHECKED_BYTES * (counts.questions + counts.messages + counts.general_questions + counts.keywords)
    if not counts.scored:
        return StepWork("verify", "teacher", disk_bytes=disk)
    sources = counts.passages + counts.actions + counts.rules
    rows = counts.scored * (1 + recipe.verify.rivals) + sources * recipe.verify.calibration
    scored = rows * counts.question_tokens
    if teacher is None:
        read = rows * (counts.view_tokens + counts.question_tokens)
        return StepWork("verify", "teacher", tokens_read=read, tokens_written=rows, disk_bytes=disk, requests=rows)
    tokens = scored + sources * counts.view_tokens
    calls = 2 * math.ceil(rows / min(DECODE_BATCH, max(1.0, rows / sources)))
    traffic = _SCORING_PASSES * 4 * teacher.vocabulary * scored
    work = reading(teacher, tokens, scored, counts.view_tokens, calls, traffic=traffic)
    held = opening_memory(teacher), batch_memory(teacher, DECODE_BATCH, counts.question_tokens + counts.view_tokens, 0)
    return StepWork("verify", "teacher", (work,), held, tokens, disk_bytes=disk)


def targets_work(recipe: Recipe, counts: Counts, teacher: ModelSize | None, start: ModelSize) -> StepWork:
    """Each accepted answer is read once with its passages in view, and its distributions are encoded."""
    own = counts.prompt_tokens + counts.view_tokens * 1.3 + counts.answer_tokens
    answers = counts.accepted * counts.answer_tokens
    cache = answers * target_bytes(recipe, teacher or start) + _INDEX_BYTES * counts.accepted
    disk = _PLANNED_BYTES * counts.accepted
    if teacher is None:
        read = counts.accepted * (own + PREFIX_TOKENS)
        return StepWork("targets", "teacher", tokens_read=read, cache_bytes=cache, disk_bytes=disk, requests=counts.accepted)
    tokens = counts.accepted * own
    codec = recipe.targets.codec
    heads = 0 if codec == "hidden" else answers
    traffic = 4 * teacher.vocabulary * answers * _CODEC_PASSES[codec]
    work = reading(teacher, tokens, heads, own + PREFIX_TOKENS, math.ceil(counts.accepted / DECODE_BATCH), traffic=traffic)
    compared = Memory("auto", teacher.num_parameters, min(_CERTIFIED_POSITIONS, answers) * teacher.vocabulary * _CERTIFIED_BYTES)
    held = opening_memory(teacher), batch_memory(teacher, DECODE_BATCH, own, PREFIX_TOKENS), compared
    return StepWork("targets", "teacher", (work,), held, tokens, cache_bytes=cache, disk_bytes=disk)
