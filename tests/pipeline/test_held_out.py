"""What is held out of training shares no document and no near-duplicate question with what is trained on, where that is possible."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from seodang.core.errors import VerificationError
from seodang.core.records import Record
from seodang.data.splits import SplitItem, leaks
from seodang.distill.packing import Example
from seodang.distill.schedule import hold_out
from seodang.pipeline.held_out import HeldOut, held_out_groups
from similar_texts import edited, written


def made(sizes: Sequence[int], num_others: int = 0, seed: int = 0) -> tuple[list[Record], dict[str, tuple[str, ...]], list[Example]]:
    """Records of documents of these sizes, in a random order, and others of none; a tenth of the questions is another one, edited."""
    draw = random.Random(seed)
    records: list[Record] = []
    documents: dict[str, tuple[str, ...]] = {}
    for number, size in enumerate([*sizes, num_others]):
        asked: list[str] = []
        for _ in range(size):
            asked.append(edited(draw, draw.choice(asked), 0.05) if asked and draw.random() < 0.1 else written(draw, 40))
            of_document = number < len(sizes)
            records.append(Record("know" if of_document else "general", asked[-1], "Yes.", (), "en"))
            documents[records[-1].id] = (f"{number}.md",) if of_document else ()
    draw.shuffle(records)
    return records, documents, [Example(record.id, (1, 2), (3,)) for record in records]


def split(told: HeldOut, share: float, seed: int) -> tuple[set[str], set[str]]:
    trained, watched = hold_out(told.examples, share, seed)
    return {example.record for example in trained}, {example.record for example in watched}


@pytest.mark.parametrize("num_documents", [3, 4, 7, 12, 20])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.35])
def test_nothing_is_shared_and_the_share_is_near_with_any_number_of_documents(num_documents: int, share: float) -> None:
    """`leaks` does not use how the halves were made."""
    sizes = [random.Random(num_documents).randrange(5, 40) for _ in range(num_documents)]
    records, documents, examples = made(sizes, num_others=30)
    told = held_out_groups(examples, records, documents, share, "documents")
    shares: list[float] = []
    for seed in range(5):
        trained, watched = split(told, share, seed)
        assert trained | watched == {record.id for record in records}
        assert not trained & watched
        sources = documents if told.by == "documents" else {}
        items = [SplitItem(record.question, sources.get(record.id, ())) for record in records]
        assert leaks(items, ["watched" if record.id in watched else "trained" for record in records]) == []
        assert told.told(share, seed)["num_records"] == len(watched)
        shares.append(len(watched) / len(records))
    assert all(share / 2 <= found + 1 / len(records) and found <= 2 * share for found in shares)
    assert bool(told.warning) == (told.by != "documents")
    of_documents = sum(sizes)
    if told.by == "questions":
        assert min(sizes) > of_documents * share - 1
    else:
        assert told.by == "documents"


def test_one_document_is_told_and_every_document_is_taught() -> None:
    records, documents, examples = made([200], num_others=40)
    told = held_out_groups(examples, records, documents, 0.05, "documents")
    row = told.told(0.05, 0)
    assert (row["by"], row["num_records"], row["untaught_documents"]) == ("questions", 12, [])
    assert "1 document form no groups of about 5 %" in row["warning"]
    _, watched = split(told, 0.05, 0)
    assert Counter(bool(documents[record]) for record in watched) == {True: 10, False: 2}


def test_documents_that_are_not_taught_are_named() -> None:
    records, documents, examples = made([10] * 20)
    row = held_out_groups(examples, records, documents, 0.1, "documents").told(0.1, 3)
    assert (row["by"], row["num_records"], row["warning"]) == ("documents", 20, "")
    assert len(row["untaught_documents"]) == 2
    asked = held_out_groups(examples, records, documents, 0.1, "questions").told(0.1, 3)
    assert (asked["by"], asked["warning"], asked["untaught_documents"]) == ("questions", "", [])


def test_records_that_are_all_alike_are_held_out_one_by_one_with_a_warning() -> None:
    records = [Record("know", "How long may a bill be overdue before a line is suspended?", f"{day} days", (), "en") for day in range(40)]
    documents = {record.id: ("a.md",) for record in records}
    examples = [Example(record.id, (1, 2), (3,)) for record in records]
    told = held_out_groups(examples, records, documents, 0.1, "questions")
    assert (told.by, told.told(0.1, 0)["num_records"]) == ("records", 4)
    assert "nearly equal records are taught and watched" in told.warning


def test_a_leak_ends_the_training() -> None:
    records, documents, examples = made([10] * 20)
    told = held_out_groups(examples, records, documents, 0.1, "documents")
    torn = HeldOut(examples, told.by, "", told.items, documents)
    with pytest.raises(VerificationError, match="leaks between splits"):
        torn.told(0.1, 0)
