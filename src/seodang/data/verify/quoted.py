"""The answer agrees with its evidence where that can be compared exactly: quoted spans, dates, numbers with units, names, and denial.

What an answer means beyond these is not looked at. A model of entailment may be asked to object; it never speaks for a record.
"""

import importlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from seodang.core.errors import RecipeError
from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, failed, passed, undecided
from seodang.scoring.similarity import trigrams
from seodang.scoring.stated_facts import Facts, find_facts, fold, missing

VERSION = 1
CERTIFIES = True
PER_RECORD = True
READS = ("passages",)
NUMBERS = ("num_quotes", "num_facts", "entailment")
_MARKED = re.compile(r'"([^"]{8,})"|「([^」]{4,})」|『([^』]{4,})』|(?<!\w)\'([^\']{12,})\'(?!\w)')
_ELLIPSIS = re.compile(r"\s*(?:\.\.\.|…|\[\.\.\.\]|\(중략\))\s*")
_DENIAL = re.compile(
    r"\b(?:not|no|never|cannot|without|unable|neither|nor|none|unless|except|prohibited|forbidden)\b|n't\b|"
    r"않|없|못|아니|불가|금지|제외|(?<![가-힣])안\s?(?=[가-힣])",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"(?<=[.!?。;])\s+|,\s*(?:but|and|however|while|although)\s+|(?<=지만)[,\s]+|(?<=으나)[,\s]+|(?<=하고)[,\s]+|\n")
_ALIKE = 0.6  # share of an answer's clause that stands in a clause of the evidence, from which the one must not deny what the other says
_CONTAINED = 0.8  # share of a denied clause of the evidence that stands in a clause of the answer, from which the answer must deny it, too


def quoted(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """The evidence is the record's passages and `truth.evidence` (a list of texts); `truth.quotes` are spans that must stand in it.

    Fails where a span in `truth.quotes` or in the answer's quotation marks does not stand there (NFC, one width, any white space), or a
    date, time, number or name of the answer does not. Undecided where nothing could be compared, where the answer denies what the
    evidence says or the other way round, and where names are in a script that the evidence does not use.
    """
    model = _entailment(context.section.entailment)
    return [_check(record, context, model) for record in records]


def _check(record: Record, context: CheckContext, model: Callable[[str, str], float] | None) -> Verdict:
    texts = [context.passages[name].view for name in record.passages if name in context.passages]
    given = record.truth.get("evidence", [])
    texts += [given] if isinstance(given, str) else [text for text in given if isinstance(text, str)]
    if not texts:
        return undecided(record, "quoted", reason="the record brings no evidence")
    evidence = fold(" \n ".join(texts))
    spans = [*_quotes(record.truth.get("quotes", ())), *_marked(record.answer)]
    absent = [span for span in spans if not _stands(span, [fold(text) for text in texts])]
    if absent:
        return failed(record, "quoted", reason="a quotation does not stand in the evidence", spans=[span[:80] for span in absent[:3]])
    stated, known = find_facts(record.answer), find_facts(evidence)
    if lost := missing(stated, known):
        return failed(record, "quoted", reason="not in the evidence", facts=lost[:5])
    if unknown := sorted(name for name in stated.names if not _named(name, evidence)):
        latin = len(re.findall(r"[A-Za-z]{2,}", evidence)) >= len(re.findall(r"[A-Za-z]{2,}", record.answer))
        told = {"reason": "names that are not in the evidence", "names": unknown[:5]}
        return (failed if latin or any(not name.isascii() for name in unknown) else undecided)(record, "quoted", **told)
    return _by_meaning(record, texts, len(spans), stated, model, context)


def _by_meaning(
    record: Record, texts: Sequence[str], num_spans: int, stated: Facts, model: Callable[[str, str], float] | None, context: CheckContext
) -> Verdict:
    """The verdict on an answer of which everything that is exact agrees."""
    told: dict[str, Any] = {"num_quotes": num_spans, "num_facts": len(stated), "entailment": "not asked"}
    if model is not None:
        share = float(model("\n".join(texts), record.answer))
        told["entailment"] = round(share, 4)
        if share < context.section.min_entailment:
            return failed(record, "quoted", reason="the model of entailment objects", **told)
    if denial := _denial(record.answer, texts):
        return undecided(record, "quoted", reason="one denies what the other says", clauses=denial, **told)
    verbatim = any(fold(record.answer).rstrip(".") in fold(text) for text in texts) if record.answer.strip() else False
    if not num_spans and not stated and not verbatim:
        return undecided(record, "quoted", reason="nothing that can be compared exactly", **told)
    return passed(record, "quoted", verbatim=verbatim, **told)


def _quotes(given: Any) -> list[str]:
    rows = [given] if isinstance(given, str) else given
    return [row["text"] if isinstance(row, dict) else str(row) for row in rows]


def _marked(answer: str) -> list[str]:
    """What stands in quotation marks and is long enough to be more than a word that is talked about."""
    return [next(filter(None, found.groups())) for found in _MARKED.finditer(fold(answer))]


def _stands(span: str, texts: Sequence[str]) -> bool:
    """Whether a span stands in one of the texts; one with dots of omission, whether its parts do, in order."""
    parts = [part for part in _ELLIPSIS.split(fold(span).strip("\"'").rstrip(".,!? ")) if part]
    return any(_in_order(parts, text) for text in texts) and bool(parts)


def _in_order(parts: Sequence[str], text: str) -> bool:
    place = 0
    for part in parts:
        found = _find_whole(part, text, place)
        if found < 0:
            return False
        place = found + len(part)
    return True


def _find_whole(part: str, text: str, start: int) -> int:
    """Where a part begins in the text without cutting a word or number at its beginning, nor a Latin word or number at its end."""
    while (found := text.find(part, start)) >= 0:
        before, after = text[found - 1 : found], text[found + len(part) : found + len(part) + 1]
        cut_end = (part[-1].isdigit() and after.isdigit()) or (
            part[-1].isascii() and part[-1].isalpha() and after.isascii() and after.isalpha()
        )
        cut_start = before.isalnum() and part[0].isalnum() and found > 0
        if not cut_end and not cut_start:
            return found
        start = found + 1
    return -1


def _named(name: str, evidence: str) -> bool:
    return re.search(rf"(?<![a-z0-9가-힣]){re.escape(name)}(?![a-z0-9])", evidence.casefold()) is not None


def _denial(answer: str, texts: Sequence[str]) -> list[str]:
    """A clause of the answer and one of the evidence that says the same but for a denial; empty where there are none.

    The one most like it, or one that is denied and whose words all but stand in the answer's clause.
    """
    clauses = [clause for text in texts for clause in _CLAUSES.split(fold(text)) if clause and clause.strip()]
    known = [(clause, _said(clause), _DENIAL.search(clause) is not None) for clause in clauses]
    for clause in _CLAUSES.split(fold(answer)):
        if not clause or len(clause) < 6 or not known:
            continue
        own, denied = _said(clause), _DENIAL.search(clause) is not None
        nearest = max(known, key=lambda other: (len(own & other[1]) / max(len(own), 1), -len(other[0])))
        if len(own & nearest[1]) >= _ALIKE * len(own) and denied != nearest[2]:
            return [clause[:80], nearest[0][:80]]
        for other, words, other_denied in known:
            if other_denied and not denied and len(words) >= 8 and len(own & words) >= _CONTAINED * len(words):
                return [clause[:80], other[:80]]
    return []


def _said(clause: str) -> frozenset[str]:
    """The runs of three characters of a clause without its words of denial."""
    return trigrams(_DENIAL.sub(" ", clause))


def _entailment(name: str) -> Callable[[str, str], float] | None:
    """The plug-in `package.module:function`, called with the evidence and the answer; None where none is named."""
    if not name:
        return None
    module_name, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise RecipeError(f"cannot import `{name}` ({error})", hint="verify.entailment is written as `package.module:function`") from error
