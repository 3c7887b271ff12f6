"""The teacher, asked again with the passage in view, agrees with the answer that would be taught."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, failed, passed, unasked
from seodang.data.verify.words import content_words

VERSION = 2
PER_RECORD = True
READS = ("passages",)


def second_answer(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Passes when the open-book answers' content words stand, by majority of the samples, in the passage or in `truth.evidence`.

    An action's second answer is the choice among all actions, which `points_back` makes: in a recipe's run it passes unseen.
    """
    return [_check(record, context) for record in records]


def _check(record: Record, context: CheckContext) -> Verdict:
    texts = _texts(record, context)
    if not record.samples or (not texts if context.standalone else record.kind != "know"):
        lacking = {"`samples`": record.samples, "`truth.evidence`": texts}
        missing = " and ".join(name for name, given in lacking.items() if not given)
        hint = "give `samples`, further answers of a teacher with a text in view, and that text as `truth.evidence`"
        return unasked(record, "second_answer", context, "not asked", missing, hint)
    taught = content_words(" ".join(texts))
    shares = [len(words & taught) / len(words) if (words := content_words(sample)) else 0.0 for sample in record.samples]
    agreeing = sum(share >= context.section.min_agreement for share in shares)
    evidence = {"shares": [round(share, 3) for share in shares], "samples": list(record.samples)}
    return (passed if 2 * agreeing >= len(shares) else failed)(record, "second_answer", **evidence)


def _texts(record: Record, context: CheckContext) -> list[str]:
    given = record.truth.get("evidence", [])
    told = [given] if isinstance(given, str) else [text for text in given if isinstance(text, str)] if isinstance(given, list) else []
    return [*(context.passages[name].view for name in record.passages if name in context.passages), *told]
