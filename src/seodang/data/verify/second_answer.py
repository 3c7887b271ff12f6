"""The teacher, asked again with the passage in view, agrees with the answer that would be taught."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, failed, passed
from seodang.data.verify.words import content_words

VERSION = 1
PER_RECORD = True
READS = ("passages",)


def second_answer(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Passes when the open-book answers' content words stand, by majority of the samples, in the passage.

    An action's second answer is the choice among all actions, which `points_back` makes: here it passes unseen.
    """
    return [_check(record, context) for record in records]


def _check(record: Record, context: CheckContext) -> Verdict:
    if record.kind != "know" or not record.samples:
        return passed(record, "second_answer", reason="not asked")
    taught = content_words(" ".join(context.views(record)))
    shares = [len(words & taught) / len(words) if (words := content_words(sample)) else 0.0 for sample in record.samples]
    agreeing = sum(share >= context.section.min_agreement for share in shares)
    evidence = {"shares": [round(share, 3) for share in shares], "samples": list(record.samples)}
    return (passed if 2 * agreeing >= len(shares) else failed)(record, "second_answer", **evidence)
