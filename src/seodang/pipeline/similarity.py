"""How like the items of a task are to what a run taught: the most similar accepted record of each item, by wording and by n-grams."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import write_json_lines
from seodang.core.records import Record
from seodang.data.contamination.index import ExamItem, build_index
from seodang.data.contamination.scan import Row, scan
from seodang.data.record_texts import record_texts
from seodang.data.records_file import read_numbered_records
from seodang.evaluation.task import Item
from seodang.pipeline.ledger import find_place
from seodang.scoring.similarity import nearest

TRIGRAMS = "trigrams"
_ANY_COVERAGE = 0.1  # share of shared n-grams from which a pair is measured at all


@dataclass(frozen=True, slots=True)
class ItemSimilarity:
    """An item's most similar record, as a share in 0..1, and what it was measured by.

    `method`: trigrams (Jaccard index of the questions' character trigrams), item_in_row or row_in_item (share of the item's n-grams in the
    record, or of the record's in the item), answer_key (equal numbers).
    """

    item: str
    similarity: float
    record: str  # its id; empty: none has anything of it
    method: str


def taught_records(place: Path) -> list[Record]:
    """The records that were accepted in a run (its folder), or the records of a file. InputError where there are none."""
    records = [record for _, record in read_numbered_records(place if place.is_file() else _accepted(place))]
    if not records:
        raise InputError("no records", where=str(place), hint="name a run that was verified, or a file of records")
    return records


def similarities(items: Sequence[Item], records: Sequence[Record]) -> list[ItemSimilarity]:
    """For each item the largest of all measures, in both directions; the first method wins a tie. What a person has to see is left out."""
    best = [
        ItemSimilarity(item.id, similarity, records[place].id if similarity else "", TRIGRAMS)
        for item, (place, similarity) in zip(
            items, nearest([item.question for item in items], [record.question or record.answer for record in records]), strict=True
        )
    ]
    index = build_index([ExamItem(item.question) for item in items])
    for record, findings in zip(records, scan([_row(record) for record in records], index, _ANY_COVERAGE), strict=True):
        for found in findings:
            if found.certain and found.coverage > best[found.item].similarity:
                best[found.item] = ItemSimilarity(items[found.item].id, min(1.0, found.coverage), record.id, found.direction)
    return best


def write_similarities(path: Path, found: Sequence[ItemSimilarity]) -> None:
    """One JSON object a line: item, similarity, record, method."""
    write_json_lines(path, (_told(one) for one in found))


def _told(one: ItemSimilarity) -> dict[str, Any]:
    return {"item": one.item, "similarity": round(one.similarity, 6), "record": one.record, "method": one.method}


def _accepted(run: Path) -> Path:
    verified = find_place(run).verified
    if verified is None:
        raise InputError("a ledger without its run", where=str(run), hint="name the run's folder, or a file of records")
    return verified / "accepted.jsonl"


def _row(record: Record) -> Row:
    """All that a record says: what a user says as question, everything else as answer."""
    said = {True: [""], False: [""]}
    for text in record_texts(record):
        if text.role != "truth":
            said[text.role == "user"].append(text.text)
    return Row("\n".join(said[True]).strip(), "\n".join(said[False]).strip())
