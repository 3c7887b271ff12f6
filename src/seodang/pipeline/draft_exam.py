"""An exam drafted from passages without a model: blanks to fill in and actions to name, for a person to approve or mend."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.core.hashing import digest
from seodang.core.records import Action, Passage
from seodang.data.verify.words import content_words
from seodang.scoring.text_match import contains_answer, normalise

BLANK = "____"
_WORDS = {
    "ko": {"fill": "빈칸을 채우세요: {view}", "action": "다음과 같은 일을 하는 조치는 무엇인가요? {description}"},
    "en": {"fill": "Fill in the blank: {view}", "action": "Which action does this? {description}"},
}
_PARTICLES = ("의", "에", "에서", "도", "만", "입니다")
_PARTICLES_AFTER_VOWEL = ("가", "를", "는", "와", "로")
_PARTICLES_AFTER_CONSONANT = ("이", "을", "은", "과", "으로")
_KINDS = (  # the most telling first
    ("number", re.compile(r"(?<![\w.,])\d+(?:[.,:/-]\d+)*(?:[A-Za-z]+)?(?![A-Za-z0-9])")),
    ("quoted", re.compile(r"(?:\"[^\"]{2,40}\"|“[^”]{2,40}”|‘[^’]{2,40}’|「[^」]{2,40}」|『[^』]{2,40}』)")),
    ("identifier", re.compile(r"(?<![\w./-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![A-Za-z0-9_])")),
    ("phrase", re.compile(r"[가-힣A-Za-z0-9]{2,}(?=[을를]\s)|[A-Za-z][A-Za-z'-]*(?: [A-Za-z][A-Za-z'-]{3,})?(?=[.!]?$)")),
)
_MAX_VIEW_CHARACTERS = 400
_MAX_WRONG = 8
_ACTION_SHARE = 3  # one item in three is about an action, where there are enough


@dataclass(frozen=True, slots=True)
class _Blank:
    passage: Passage
    kind: str
    answer: str
    view: str  # with the blank
    rank: int  # of its kind


def draft_exam(passages: Sequence[Passage], actions: Sequence[Action], held_out: Sequence[Passage], max_items: int) -> list[dict[str, Any]]:
    """Rows of an exam, each with `approved: false`, in proportion to the documents and in their order.

    Part "know" has blanks from the taught passages, "act" names actions by their description, "held_out" has blanks from
    documents that are not taught. A row is kept only where the passage's own words would be marked right and the question's wrong.
    """
    blanks = {part: list(_blanks(found)) for part, found in (("know", passages), ("held_out", held_out))}
    acts = list(_act_rows(actions, {p.id: p for p in passages}))
    acts = sorted(acts, key=lambda row: digest(row["question"]))[: max_items // _ACTION_SHARE]
    pool = _pool([blank for found in blanks.values() for blank in found])
    asked = {(row["document"], row["span"][0]) for row in acts}
    blanks["know"] = [blank for blank in blanks["know"] if (blank.passage.document, blank.passage.start) not in asked]
    rows: list[dict[str, Any]] = []
    for part, found in blanks.items():
        share = max_items - len(acts) if part == "know" else max_items // _ACTION_SHARE
        chosen = _choose(found, share)
        rows += [row for blank in chosen if (row := _blank_row(blank, part, pool))]
    unique = {normalise(row["question"]): row for row in [*acts, *rows]}
    numbers: defaultdict[str, int] = defaultdict(int)
    drafted: list[dict[str, Any]] = []
    for row in unique.values():
        numbers[row["part"]] += 1
        drafted.append({"id": f"{row['part']}-{numbers[row['part']]:03}", **row, "approved": False})
    return drafted


def _blanks(passages: Sequence[Passage]) -> Iterator[_Blank]:
    """The most telling blank of each passage that has one."""
    for passage in passages:
        if len(passage.view) <= _MAX_VIEW_CHARACTERS:
            found = next(_blanks_in(passage), None)
            if found is not None:
                yield found


def _blanks_in(passage: Passage) -> Iterator[_Blank]:
    before = passage.view[: len(passage.view) - len(passage.statement)]
    for rank, (kind, pattern) in enumerate(_KINDS):
        matches = list(pattern.finditer(passage.statement))
        for match in reversed(matches) if kind == "phrase" else matches:
            answer = match[0][1:-1] if kind == "quoted" else _last_words(match[0]) if kind == "phrase" else match[0]
            start = match.start() + match[0].rfind(answer)
            unit = _unit(answer)
            ambiguous = kind == "number" and unit and [_unit(other[0]) for other in matches].count(unit) > 1
            if ambiguous or not normalise(answer) or (kind == "phrase" and not content_words(answer)):
                continue
            view = before + passage.statement[:start] + BLANK + passage.statement[start + len(answer) :]
            accepted = _accepted(answer, passage.language)
            if contains_answer(passage.view, accepted, ()) and not contains_answer(view, accepted, ()):
                yield _Blank(passage, kind, answer, view, rank)


def _last_words(phrase: str) -> str:
    """The last two words of an English phrase, or the last one if the other carries no meaning."""
    first, _, last = phrase.rpartition(" ")
    return phrase if not first or content_words(first) else last


def _unit(answer: str) -> str:
    return re.sub(r"\d", "", answer)


def _accepted(answer: str, language: str) -> tuple[str, ...]:
    """The answer, and in Korean with the particles that may stand at its end, since answers are compared as whole words."""
    if language != "ko" or not answer[-1].isalpha():
        return (answer,)
    vowel, consonant = _PARTICLES_AFTER_VOWEL, _PARTICLES_AFTER_CONSONANT
    if "가" <= answer[-1] <= "힣":  # 28 syllables in a row differ only in the consonant at the end; the first has none
        vowel, consonant = (vowel, ()) if (ord(answer[-1]) - ord("가")) % 28 == 0 else ((), consonant)
    return (answer, *(answer + particle for particle in (*vowel, *consonant, *_PARTICLES)))


def _choose(blanks: Sequence[_Blank], count: int) -> list[_Blank]:
    """At most `count` blanks, each document in proportion to what it has, the most telling first."""
    by_document: defaultdict[str, list[_Blank]] = defaultdict(list)
    for blank in sorted(blanks, key=lambda b: (b.rank, digest([b.passage.id, b.answer]))):
        by_document[blank.passage.document].append(blank)
    turns = [((2 * turn + 1) / len(found), blank) for found in by_document.values() for turn, blank in enumerate(found)]
    chosen = {blank for _, blank in sorted(turns, key=lambda turn: (turn[0], turn[1].passage.id))[:count]}
    return [blank for blank in blanks if blank in chosen]


def _pool(blanks: Sequence[_Blank]) -> dict[str, dict[str, str]]:
    """Every answer of each kind, by its normalised form: what a wrong answer could be."""
    pool: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for blank in blanks:
        pool[blank.kind].setdefault(normalise(blank.answer), blank.answer)
    return pool


def _blank_row(blank: _Blank, part: str, pool: dict[str, dict[str, str]]) -> dict[str, Any] | None:
    passage = blank.passage
    accepted = _accepted(blank.answer, passage.language)
    alike = [] if blank.kind == "phrase" else [word for word in pool[blank.kind].values() if not contains_answer(passage.view, [word], ())]
    if blank.kind == "number":
        alike = [word for word in alike if _unit(word) == _unit(blank.answer)]
    wrong = sorted(alike, key=digest)[:_MAX_WRONG]
    question = _WORDS.get(passage.language, _WORDS["en"])["fill"].format(view=blank.view)
    return _row(part, question, accepted, wrong, passage)


def _act_rows(actions: Sequence[Action], passages: dict[str, Passage]) -> Iterator[dict[str, Any]]:
    for action in actions:
        passage = passages[action.passages[0]]
        others = [other.name for other in actions if other.name != action.name]
        question = _WORDS.get(passage.language, _WORDS["en"])["action"].format(description=action.description)
        row = _row("act", question, _accepted(action.name, passage.language), others, passage)
        if row and len(question) <= _MAX_VIEW_CHARACTERS:
            yield row


def _row(part: str, question: str, accepted: Sequence[str], wrong: Sequence[str], passage: Passage) -> dict[str, Any] | None:
    """None where the exam's own marking would not tell a right answer from an echo of the question."""
    if contains_answer(question, accepted, ()) or not normalise(question):
        return None
    return {
        "part": part,
        "document": passage.document,
        "question": question,
        "accepted": list(accepted),
        "wrong": list(wrong),
        "span": [passage.start, passage.end],
        "quote": passage.text,
    }
