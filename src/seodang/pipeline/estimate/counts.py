"""How much a recipe asks for: records, exam items and tokens, counted from its documents, its prompts and its exam files.

What is asked for is counted exactly. What comes back (how long an answer is, how many records pass) is not known before; the shares
below were counted in one run of recipes/telecom_demo.yaml with SmolLM2-135M-Instruct as teacher.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seodang.core.records import Passage
from seodang.data.actions import find_actions
from seodang.data.build.prompt_text import load_prompts
from seodang.data.documents import Document
from seodang.data.passages import split_passages
from seodang.pipeline.recipe import Recipe

# Of the questions (know) and messages (act) that a teacher wrote, the share that passes each check.
_PASS = {
    "well_formed": (0.997, 0.998),
    "grounded": (0.97, 0.965),
    "second_answer": (0.65, 1.0),
    "points_back": (0.70, 0.72),
    "near_duplicate": (0.98, 0.98),
    "decontaminated": (0.999, 0.999),
}
_PASS_GENERAL = 0.98
_WORDED = 0.98  # of the search-like messages asked for, those that can be made
_SHARPNESS = 4  # of the bend towards a limit a source: few sources reach it, others pass over it
_CHARACTERS = {"en": 4.1, "ko": 1.6}  # of a token, with a vocabulary of 49,152 tokens or more
_CHARACTERS_KO_ENGLISH = 0.5  # Korean with a vocabulary that was made for English
_QUESTION_CHARACTERS = {"en": 43, "ko": 20}
OPENER_TOKENS = 2
_DESCRIPTION = 0.5  # length of the sentence that says what an action does, in statements
_CALL_TOKENS = 8  # the tool call after it
_TEMPLATE_TOKENS = 5  # the marks of a conversation's turns, without what all conversations begin with
GENERAL_ANSWER_TOKENS = 18


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of things, and mean numbers of tokens (names that end in `_tokens`)."""

    documents: int
    passages: int
    actions: int
    rules: int
    questions: int  # asked of the teacher about passages
    messages: int  # of customers, asked for actions and rules
    general_questions: int
    keywords: int  # search-like messages, made without the teacher
    know: float  # records that pass, by kind
    act: float
    general: float
    scored: float  # records for which `points_back` compares sources
    exam_items: int
    general_items: int
    question_tokens: float
    view_tokens: float
    statement_tokens: float
    characters_per_token: float

    @property
    def accepted(self) -> float:
        """Records that are taught."""
        return self.know + self.act + self.general

    @property
    def answer_tokens(self) -> float:
        """Mean tokens of a taught answer, with its end."""
        act = _DESCRIPTION * self.statement_tokens + _CALL_TOKENS
        written = self.know * self.statement_tokens + self.act * act + self.general * GENERAL_ANSWER_TOKENS
        return 1 + written / max(1.0, self.accepted)

    @property
    def prompt_tokens(self) -> float:
        """Mean tokens of what the student reads before an answer, without the turn that all share."""
        return _TEMPLATE_TOKENS + self.question_tokens

    def row(self) -> dict[str, Any]:
        """For the estimate's JSON: whole numbers but for means."""
        values = {**asdict(self), "accepted": self.accepted, "answer_tokens": self.answer_tokens}
        return {name: round(value, 2) if name.endswith(("_token", "_tokens")) else round(value) for name, value in values.items()}


def count(recipe: Recipe, documents: Sequence[Document], *, exam_items: int, general_items: int, vocabulary: int) -> Counts:
    """The counts of a recipe. `exam_items` and `general_items` are those that each arm is asked; `vocabulary` is the teacher's number of
    tokens."""
    passages = [p for d in documents if d.taught for p in split_passages(d.name, d.text, language=d.language, license=d.license)]
    actions = find_actions(passages)
    build, verify = recipe.build, recipe.verify
    rules = sum(len(action.rules) for action in actions)
    openers = min(build.question_openers, len(load_prompts(build.prompts)["question"]["openers"]))
    questions = len(passages) * openers * build.question_samples
    messages = len(actions) * build.utterances_per_action + rules * build.messages_per_rule
    know, act = (_passing(verify.checks, kind) for kind in (0, 1))
    words = _WORDED * len(passages) * build.keywords_per_passage, _WORDED * len(actions) * build.keywords_per_action
    before_scoring = _before(verify.checks, "points_back")
    per_token = characters_per_token(build.prompts, vocabulary)
    return Counts(
        documents=len(documents),
        passages=len(passages),
        actions=len(actions),
        rules=rules,
        questions=questions,
        messages=messages,
        general_questions=build.general_questions,
        keywords=len(passages) * build.keywords_per_passage + len(actions) * build.keywords_per_action,
        know=_bent(know * questions, len(passages) * verify.max_per_passage, verify.checks) + words[0],
        act=_bent(act * messages, (len(actions) + rules) * verify.max_per_action, verify.checks) + words[1],
        general=_PASS_GENERAL * build.general_questions,
        scored=sum(n * _passing(before_scoring, kind) for kind, n in enumerate((questions, messages))) * ("points_back" in verify.checks),
        exam_items=exam_items,
        general_items=general_items,
        question_tokens=_QUESTION_CHARACTERS.get(build.prompts, _QUESTION_CHARACTERS["en"]) / per_token,
        view_tokens=_mean_characters(passages, "view") / per_token,
        statement_tokens=_mean_characters(passages, "statement") / per_token,
        characters_per_token=per_token,
    )


def characters_per_token(language: str, vocabulary: int) -> float:
    """Characters that a token stands for: fewer with a small vocabulary, down to one with bytes alone."""
    if language == "ko" and vocabulary < 64_000:
        return _CHARACTERS_KO_ENGLISH
    most = _CHARACTERS.get(language, _CHARACTERS["en"])
    share = math.log(max(vocabulary, 257) / 256) / math.log(49_152 / 256)
    return 1 + (most - 1) * min(1.0, share)


def _passing(checks: Sequence[str], kind: int) -> float:
    """The share that passes these checks; one that is not known here lets all pass."""
    return math.prod(_PASS[check][kind] for check in checks if check in _PASS)


def _before(checks: Sequence[str], name: str) -> Sequence[str]:
    return checks[: checks.index(name)] if name in checks else ()


def _bent(wanted: float, limit: int, checks: Sequence[str]) -> float:
    """`wanted` as far as a limit a source lets it: below both, and near the smaller one."""
    if "points_back" not in checks or not wanted or not limit:
        return wanted
    return (wanted**-_SHARPNESS + limit**-_SHARPNESS) ** (-1 / _SHARPNESS)


def _mean_characters(passages: Sequence[Passage], part: str) -> float:
    return sum(len(getattr(passage, part)) for passage in passages) / max(1, len(passages))
