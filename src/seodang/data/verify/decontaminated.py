"""No training question is one of the exam's. Facts are shared by design; the wording is not."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.record_texts import asked_texts
from seodang.data.verify.context import CheckContext, failed, passed, unasked
from seodang.scoring.similarity import nearest

VERSION = 2
PER_RECORD = True
READS = ("exam_questions",)
NUMBERS = ("similarity",)


def decontaminated(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Fails a record of which a question's (or its only text's) character trigrams overlap with an exam question's by the threshold
    (Jaccard)."""
    if not context.exam_questions or not records:
        return [
            unasked(record, "decontaminated", context, "no exam", "the exam's questions", "give --against EXAM.jsonl") for record in records
        ]
    texts = [asked_texts(record) for record in records]
    found = iter(nearest([text for asked in texts for text in asked], context.exam_questions))
    limit = context.section.exam_similarity
    verdicts: list[Verdict] = []
    for record, asked in zip(records, texts, strict=True):
        similarity = max(next(found)[1] for _ in asked)
        verdicts.append((failed if similarity >= limit else passed)(record, "decontaminated", similarity=round(similarity, 3)))
    return verdicts
