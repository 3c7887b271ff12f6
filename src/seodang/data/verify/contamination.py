"""No record holds an exam item, lies inside of one, or is one in other words."""

from collections.abc import Mapping, Sequence
from typing import Any

from seodang.core.errors import InputError
from seodang.core.hashing import canonical_json
from seodang.core.records import Record, Verdict
from seodang.data.contamination.index import ExamItem, build_index
from seodang.data.contamination.scan import ANSWER_KEY, Finding, Row, scan
from seodang.data.record_texts import parts_of_record
from seodang.data.verify.context import CheckContext, failed, passed, unasked, undecided

VERSION = 2
PER_RECORD = True
READS = ("exam_questions",)
NUMBERS = ("coverage", "num_items")


def contamination(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Fails a record that holds half of an exam item's n-grams, or of whose n-grams half stand in an item; the same numbers and answer
    alone are `undecided` unless there are eight. The exam is that of the context (questions without answers) and the items in
    `truth["exam"]`: texts, or objects with `question` and `answer`."""
    exams: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        exams.setdefault(canonical_json(record.truth.get("exam", [])), []).append(place)
    verdicts: dict[int, Verdict] = {}
    for places in exams.values():
        items = [ExamItem(question) for question in context.exam_questions] + _items(records[places[0]])
        index = build_index(items)
        rows = [Row(*parts_of_record(records[place])) for place in places]
        for place, found in zip(places, scan(rows, index, context.section.exam_coverage), strict=True):
            verdicts[place] = _verdict(records[place], found, items, context)
    return [verdicts[place] for place in range(len(records))]


def _verdict(record: Record, found: Sequence[Finding], items: Sequence[ExamItem], context: CheckContext) -> Verdict:
    if not items:
        return unasked(record, "contamination", context, "no exam", "exam items", "give --against EXAM.jsonl, or `truth.exam`")
    if not found:
        return passed(record, "contamination")
    first = found[0]
    told = {
        "direction": first.direction,
        "item": items[first.item].question[:200],
        "coverage": round(first.coverage, 4),
        "run": f"{first.longest_run} {first.unit}",
        "num_items": len(found),
    }
    if first.direction != ANSWER_KEY:
        told["matched"] = first.matched
    return (failed if first.certain else undecided)(record, "contamination", **told)


def _items(record: Record) -> list[ExamItem]:
    given: Any = record.truth.get("exam", [])
    if not isinstance(given, list):
        raise InputError('truth["exam"] is not a list', where=f"record {record.id}", hint="write a list of exam items")
    return [_item(item, record) for item in given]


def _item(item: Any, record: Record) -> ExamItem:
    if isinstance(item, str):
        return ExamItem(item)
    if isinstance(item, Mapping) and isinstance(item.get("question"), str):
        return ExamItem(item["question"], str(item.get("answer", "")))
    raise InputError("an exam item is neither a text nor an object with `question`", where=f"record {record.id}", hint="name its question")
