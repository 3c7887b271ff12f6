"""The answer stands in its passage, and nothing that could be invented (numbers, names, tools) is in the question from elsewhere."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, failed, passed, unasked
from seodang.data.verify.words import content_words, marked_words
from seodang.scoring.text_match import normalise

VERSION = 2
PER_RECORD = True
READS = ("passages", "actions")


def grounded(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """For a fact, the answer's words stand in order in the passage or, for an answer in the teacher's own words, every number and
    name of it does. For an action, its name stands in the passages that describe it. Undecided for records that came without passages."""
    return [_check(record, context) for record in records]


def _check(record: Record, context: CheckContext) -> Verdict:
    if context.standalone and not context.passages:
        hint = "`quoted` compares with `truth.evidence`; a recipe's run compares with the recipe's documents"
        return unasked(record, "grounded", context, "there is nothing to compare it with", "the record's passages", hint)
    if record.kind == "general":
        return passed(record, "grounded", reason="not about the documents")
    support = " ".join(context.views(record))
    if record.kind == "act":
        if not any(record.action in context.passages[passage].text for passage in context.actions[record.action].passages):
            return failed(record, "grounded", reason="no passage names the action", action=record.action)
        support += f" {record.action.replace('_', ' ')} {context.actions[record.action].description}"
    elif normalise(record.answer) not in normalise(support):
        invented = sorted(marked_words(record.answer) - _words(support))
        if invented or not content_words(record.answer) <= content_words(support):
            return failed(record, "grounded", reason="the answer is not in the passage", words=invented[:5])
    invented = sorted(marked_words(record.question) - _words(support))
    if invented:
        return failed(record, "grounded", reason="the question names what the passage does not", words=invented[:5])
    return passed(record, "grounded")


def _words(text: str) -> set[str]:
    found = normalise(text)
    return {*found.split(), *(word for word in marked_words(text)), *(part for word in found.split() for part in word.split("_"))}
