"""One of several questions, or texts without a question, that are worded almost alike."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.record_texts import parts_of_record
from seodang.data.verify.context import CheckContext, failed, passed
from seodang.scoring.similarity import trigrams

VERSION = 2
READS: tuple[str, ...] = ()
NUMBERS = ("similarity",)


def near_duplicate(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Fails what is asked (all turns before the answer), or a text that is nothing else, whose character trigrams overlap with an earlier
    one of the same answer by the threshold (exact Jaccard, so that unlike questions are never chained together). The same words for two
    answers fail both: nobody could tell them apart."""
    compared = [_compared(record) for record in records]
    answers: dict[str, set[str]] = {}
    for words, answer in compared:
        answers.setdefault(words.lower(), set()).add(answer)
    limit = context.section.duplicate_similarity
    kept: dict[str, list[tuple[Record, frozenset[str]]]] = {}
    verdicts: list[Verdict] = []
    for record, (words, answer) in zip(records, compared, strict=True):
        if len(answers[words.lower()]) > 1:
            verdicts.append(failed(record, "near_duplicate", reason="the same words stand for several answers"))
            continue
        found = trigrams(words) or frozenset({words.lower()})  # without letters, only an equal question is alike
        near = (
            (len(found & other) / len(found | other), first.id)
            for first, other in kept.get(answer, ())
            if min(len(found), len(other)) >= limit * max(len(found), len(other)) - 1  # sets of unlike sizes cannot reach it
        )
        similarity, twin = max(near, default=(0.0, ""))
        if similarity >= limit:
            verdicts.append(failed(record, "near_duplicate", twin=twin, similarity=round(similarity, 3)))
        else:
            kept.setdefault(answer, []).append((record, found))
            verdicts.append(passed(record, "near_duplicate"))
    return verdicts


def _compared(record: Record) -> tuple[str, str]:
    """What is asked and the answer to it; a text that nothing asks for stands for itself."""
    asked, answer = parts_of_record(record)
    return (asked, answer) if asked else (answer, "")
