"""Exams are read strictly, checked against their documents and chosen from without chance."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from

from seodang.core.errors import InputError
from seodang.evaluation.exam import ExamItem, check_spans, load_exam, select

ITEM: dict[str, Any] = {"id": "know-1", "part": "know", "question": "How much?", "accepted": ["2 GB"], "wrong": ["5 GB"]}
PACKS = Path(__file__).parents[2] / "packs"
EXAMS = [*sorted(PACKS.glob("telecom/exam/*.jsonl")), *sorted(PACKS.glob("general/exam/*.jsonl"))]


def written(folder: Path, *rows: Any) -> Path:
    path = folder / "exam.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_an_item_is_read_with_and_without_its_support(tmp_path: Path):
    supported = {
        **ITEM,
        "id": "know-2",
        "question": "How many?",
        "document": "manual.md",
        "span": [3, 6],
        "quote": "two",
        "note": "kept out",
    }
    items = load_exam([written(tmp_path, ITEM, "", supported)])
    assert items[0] == ExamItem("know-1", "know", "How much?", ("2 GB",), ("5 GB",))
    assert items[1] == ExamItem("know-2", "know", "How many?", ("2 GB",), ("5 GB",), "manual.md", (3, 6), "two")


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ({"id": "know-1"}, "this id was there before, at .*:1"),
        ({"question": " how  MUCH?"}, "this question was there before, at .*:1"),
        ({"accepted": []}, "`accepted` is empty"),
        ({"accepted": ["the"]}, "without any word"),
        ({"accepted": "2 GB"}, "list of texts"),
        ({"wrong": [2]}, "list of texts"),
        ({"wrong": ["2GB!"]}, "both accepted and wrong"),
        ({"question": ""}, "not empty"),
        ({"part": 3}, "not empty"),
        ({"document": "manual.md"}, "fit together"),
        ({"document": "manual.md", "span": [4, 6], "quote": "two"}, "fit together"),
        ({"document": "manual.md", "span": [3, 6.0], "quote": "two"}, "fit together"),
    ],
)
def test_a_fault_is_named_with_file_and_line(tmp_path: Path, fault: dict[str, Any], what: str):
    path = written(tmp_path, ITEM, "", {**ITEM, "id": "know-2", "question": "How many?", **fault})
    with pytest.raises(InputError, match=what) as caught:
        load_exam([path])
    assert caught.value.where == f"{path}:3"


@pytest.mark.parametrize("key", list(ITEM))
def test_a_missing_key_is_named_with_a_near_match(tmp_path: Path, key: str):
    row = {(f"{name}s" if name == key else name): value for name, value in ITEM.items()}
    with pytest.raises(InputError, match=f"`{key}` is missing") as caught:
        load_exam([written(tmp_path, row)])
    assert f"`{key}s`" in str(caught.value.hint)


@pytest.mark.parametrize("row", ["{", "[]", '"text"', "1"])
def test_what_is_not_an_object_is_named_with_its_line(tmp_path: Path, row: str):
    with pytest.raises(InputError) as caught:
        load_exam([written(tmp_path, ITEM, row)])
    assert str(caught.value.where).endswith("exam.jsonl:2")


def test_no_file_no_items_a_folder_and_a_file_named_twice_are_errors(tmp_path: Path):
    for paths in ([], [tmp_path], [tmp_path / "absent.jsonl"], [written(tmp_path, ITEM)] * 2):
        with pytest.raises(InputError):
            load_exam(paths)


def test_a_quote_must_stand_at_its_span():
    item = ExamItem("know-1", "know", "q", ("a",), (), "manual.md", (4, 7), "two")
    check_spans([item, ExamItem("g-1", "general", "q", ("a",), ())], {"manual.md": "one two three"})
    with pytest.raises(InputError, match="4\\.\\.7") as caught:
        check_spans([item], {"manual.md": "one, two, three"})
    assert caught.value.hint == "it stands at [5, 8]"
    with pytest.raises(InputError, match="not among the documents"):
        check_spans([item], {"policy.md": "one two three"})


@given(lists(sampled_from(["act", "know", "policy"]), min_size=1, max_size=60), integers(1, 70))
def test_a_budget_keeps_order_proportion_and_the_choice_of_a_smaller_one(parts: list[str], max_items: int):
    items = [ExamItem(f"{part}-{number}", part, "q", ("a",), (), f"{part}.md") for number, part in enumerate(parts)]
    chosen = select(items, max_items=max_items)
    assert len(chosen) == min(max_items, len(items))
    assert chosen == [item for item in items if item in chosen]
    assert set(select(items, max_items=max(1, max_items - 1))) <= set(chosen)
    for part in set(parts):
        share = parts.count(part) / len(parts)
        assert abs(sum(item.part == part for item in chosen) - share * len(chosen)) <= 1.5


def test_items_are_chosen_by_document():
    items = [ExamItem("a", "act", "q", ("a",), (), "manual.md"), ExamItem("b", "know", "p", ("a",), (), "policy.md")]
    assert select(items, documents=["policy.md"]) == items[1:]
    with pytest.raises(InputError, match="no exam item"):
        select(items, documents=["absent.md"])


@pytest.mark.parametrize("path", EXAMS, ids=lambda path: path.name)
def test_every_exam_of_the_packs_can_be_read(path: Path):
    assert all(item.accepted for item in load_exam([path]))
