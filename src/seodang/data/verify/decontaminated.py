"""No training question is one of the exam's. Facts are shared by design; the wording is not."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, failed, passed
from seodang.scoring.similarity import nearest

VERSION = 1
PER_RECORD = True
READS = ("exam_questions",)
NUMBERS = ("similarity",)


def decontaminated(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Fails a question whose character trigrams overlap with an exam question's by the threshold (Jaccard)."""
    if not context.exam_questions or not records:
        return [passed(record, "decontaminated", reason="no exam") for record in records]
    found = nearest([record.question for record in records], context.exam_questions)
    limit = context.section.exam_similarity
    return [
        (failed if similarity >= limit else passed)(record, "decontaminated", similarity=round(similarity, 3))
        for record, (_, similarity) in zip(records, found, strict=True)
    ]
