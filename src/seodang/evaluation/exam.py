"""Exam items: reading them, checking them against their documents, choosing among them."""

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import read_numbered_json_lines
from seodang.evaluation.choose import spread
from seodang.evaluation.hedging import rivals
from seodang.scoring.text_match import normalise


@dataclass(frozen=True, slots=True)
class ExamItem:
    """One question with its accepted answers and the wrong alternatives that must not stand in an answer.

    `document`, `span` and `quote` say where the answer is supported: `document_text[span[0]:span[1]] == quote`, in characters.
    All three are there or none is.
    """

    id: str
    part: str  # such as "act", "know" or a subject of the general suite
    question: str
    accepted: tuple[str, ...]
    wrong: tuple[str, ...]
    document: str | None = None
    span: tuple[int, int] | None = None
    quote: str | None = None
    rivals: tuple[str, ...] = ()  # what other items of its part accept, where nobody wrote down wrong alternatives: see `hedging`


def load_exam(paths: Iterable[Path]) -> list[ExamItem]:
    """The items of JSON-lines files, in order. InputError names file and line of the first fault.

    Faults: not JSON, a key that is missing or of the wrong type, an answer without any word, an answer that is both accepted
    and wrong, an id or a question that was there before.
    """
    items: list[ExamItem] = []
    places: dict[tuple[str, str], str] = {}
    for path in paths:
        for number, row in _numbered_rows(path):
            where = f"{path}:{number}"
            item = _to_item(row, where)
            for kind, value in (("id", item.id), ("question", " ".join(item.question.lower().split()))):
                if (kind, value) in places:
                    raise InputError(
                        f"this {kind} was there before, at {places[kind, value]}", where=where, hint=f"every item needs a {kind} of its own"
                    )
                places[kind, value] = where
            items.append(item)
    if not items:
        raise InputError("an exam without items", hint="name at least one file with one JSON object a line")
    return _with_rivals(items)


def _with_rivals(items: Sequence[ExamItem]) -> list[ExamItem]:
    """Items without `wrong` get the answers of their part as rivals, and so do items beside them that are about no document."""
    accepted: defaultdict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for item in items:
        accepted[item.part][item.id] = item.accepted
    bare = {item.part for item in items if not item.wrong and item.document is None}

    def completed(item: ExamItem) -> ExamItem:
        if item.wrong and (item.document is not None or item.part not in bare):
            return item
        others = (texts for name, texts in accepted[item.part].items() if name != item.id)
        return replace(item, rivals=rivals(item.question, item.accepted, others))

    return [completed(item) for item in items]


def _numbered_rows(path: Path) -> list[tuple[int, Any]]:
    """Each row with its line's number, from 1; blank lines are passed over."""
    if path.is_dir():
        raise InputError("a folder, not an exam", where=str(path), hint="name the .jsonl files in it")
    return list(read_numbered_json_lines(path))


def _to_item(row: Any, where: str) -> ExamItem:
    if not isinstance(row, dict):
        raise InputError("not a JSON object", where=where, hint="one item a line: id, part, question, accepted, wrong")
    fields: dict[str, Any] = row
    for key in ("id", "part", "question", "accepted", "wrong"):
        if key not in fields:
            near = difflib.get_close_matches(key, list(fields), n=1)
            raise InputError(f"`{key}` is missing", where=where, hint=f"is `{near[0]}` meant to be it?" if near else None)
    for key in ("id", "part", "question"):
        if not isinstance(fields[key], str) or not fields[key].strip():
            raise InputError(f"`{key}` must be a text that is not empty", where=where)
    accepted, wrong = _answers(fields["accepted"], "accepted", where), _answers(fields["wrong"], "wrong", where)
    if not accepted:
        raise InputError(
            "`accepted` is empty, so no answer could be right", where=where, hint="list every way in which a right answer may be written"
        )
    both = {normalise(text) for text in accepted} & {normalise(text) for text in wrong}
    if both:
        raise InputError(
            f"`{min(both)}` is both accepted and wrong", where=where, hint="answers are compared without case, punctuation and articles"
        )
    return ExamItem(fields["id"], fields["part"], fields["question"], accepted, wrong, *_support(fields, where))


def _answers(value: Any, key: str, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise InputError(f"`{key}` must be a list of texts", where=where)
    texts: list[str] = value
    for text in texts:
        if not normalise(text):
            raise InputError(
                f"`{key}` has an answer without any word: {text!r}", where=where, hint="punctuation, symbols and articles are not compared"
            )
    return tuple(texts)


def _support(fields: dict[str, Any], where: str) -> tuple[str | None, tuple[int, int] | None, str | None]:
    """The document, span and quote; all None where the item has none of them."""
    document, span, quote = (fields.get(key) for key in ("document", "span", "quote"))
    if document is None and span is None and quote is None:
        return None, None, None
    match document, span, quote:
        case str(), [int(start), int(end)], str() if 0 <= start < end and len(quote) == end - start:
            return document, (start, end), quote
        case _:
            raise InputError(
                "`document`, `span` and `quote` do not fit together",
                where=where,
                hint="a name, [start, end] in characters, and the text between them",
            )


def check_spans(items: Iterable[ExamItem], documents: Mapping[str, str]) -> None:
    """InputError unless every quote stands in its document at its span. `documents` has each document's text by its name."""
    for item in items:
        if item.document is None or item.span is None or item.quote is None:
            continue
        text = documents.get(item.document)
        if text is None:
            raise InputError(
                f"item {item.id} is about `{item.document}`, which is not among the documents",
                hint=f"there are: {', '.join(sorted(documents)) or 'none'}",
            )
        start, end = item.span
        if text[start:end] != item.quote:
            elsewhere = text.find(item.quote)
            hint = (
                f"it stands at [{elsewhere}, {elsewhere + len(item.quote)}]"
                if elsewhere >= 0
                else "it stands nowhere in this version of the document"
            )
            raise InputError(f"the quote of item {item.id} does not stand at {start}..{end}", where=item.document, hint=hint)


def select(items: Sequence[ExamItem], *, documents: Collection[str] | None = None, max_items: int | None = None) -> list[ExamItem]:
    """The items about `documents` (None: all items), at most `max_items` of them, in the order of `items`.

    A budget keeps the parts in proportion and chooses in each part by the hash of the id; a smaller budget's items are
    among those of a larger one. InputError where no item is left.
    """
    kept = [item for item in items if documents is None or item.document in documents]
    if not kept:
        raise InputError(
            "no exam item is about these documents",
            hint=f"there are items about: {', '.join(sorted({item.document or 'no document' for item in items}))}",
        )
    return spread(kept, max_items)


def count_unapproved(paths: Iterable[Path]) -> int:
    """Items that a draft wrote and no person has approved (`"approved": false`)."""
    return sum(isinstance(row, dict) and row.get("approved") is False for path in paths for _, row in _numbered_rows(path))
