"""One of several questions that are worded almost alike."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, failed, passed
from seodang.scoring.similarity import trigrams

VERSION = 1
READS: tuple[str, ...] = ()
NUMBERS = ("similarity",)


def near_duplicate(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Fails a question whose character trigrams overlap with an earlier one of the same answer by the threshold (exact Jaccard, so
    that unlike questions are never chained together). The same words for two answers fail both: nobody could tell them apart."""
    answers: dict[str, set[str]] = {}
    for record in records:
        answers.setdefault(record.question.lower(), set()).add(record.answer)
    kept: dict[str, list[tuple[Record, frozenset[str]]]] = {}
    verdicts: list[Verdict] = []
    for record in records:
        if len(answers[record.question.lower()]) > 1:
            verdicts.append(failed(record, "near_duplicate", reason="the same words stand for several answers"))
            continue
        found = trigrams(record.question) or frozenset({record.question.lower()})  # without letters, only an equal question is alike
        near = ((len(found & other) / len(found | other), first.id) for first, other in kept.get(record.answer, ()))
        similarity, twin = max(near, default=(0.0, ""))
        if similarity >= context.section.duplicate_similarity:
            verdicts.append(failed(record, "near_duplicate", twin=twin, similarity=round(similarity, 3)))
        else:
            kept.setdefault(record.answer, []).append((record, found))
            verdicts.append(passed(record, "near_duplicate"))
    return verdicts
