"""Clean and dirty items apart: scores, differences, and files that do not fit."""

import json
from pathlib import Path
from typing import Any

import pytest

from answered import evaluated, make_items
from seodang.core.errors import InputError
from seodang.evaluation.clean_items import Similarities, by_similarity, difference_by_similarity, read_similarity
from seodang.evaluation.pairs import pair

ITEMS = make_items(100)
SIMILAR = Similarities({item.id: 0.5 if place < 40 else 0.49 for place, item in enumerate(ITEMS)})


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_an_item_at_the_threshold_is_dirty_and_both_kinds_have_scores(tmp_path: Path) -> None:
    told = by_similarity(evaluated(tmp_path / "a", ITEMS, [1.0] * 40 + [1.0] * 30 + [0.0] * 30), SIMILAR)
    assert (told["dirty"]["score"], told["dirty"]["n"]) == (1, 40)
    assert (told["clean"]["score"], told["clean"]["n"]) == (0.5, 60)
    low, high = told["clean_minus_dirty"]["interval"]
    assert low < -0.5 < high < 0
    assert (told["threshold"], told["evidence"]) == (0.5, "observational")


def test_a_student_that_gained_on_dirty_items_alone_is_seen(tmp_path: Path) -> None:
    base = evaluated(tmp_path / "base", ITEMS, [0.0, 1.0] * 50)
    student = evaluated(tmp_path / "student", ITEMS, [1.0] * 40 + [0.0, 1.0] * 30)
    told = difference_by_similarity(pair(student, base), SIMILAR)
    assert told["clean"] == {"difference": 0, "n": 60}
    assert told["dirty"] == {"difference": 0.5, "n": 40}
    assert told["clean_minus_dirty"]["interval"][1] < 0


def test_items_of_one_kind_have_no_difference(tmp_path: Path) -> None:
    clean = Similarities({item.id: 0.0 for item in ITEMS})
    told = by_similarity(evaluated(tmp_path / "a", ITEMS, [1.0] * 100), clean)
    assert told["dirty"] is None
    assert told["clean_minus_dirty"] is None


def test_a_file_has_one_similarity_for_each_item(tmp_path: Path) -> None:
    rows = [{"item": item.id, "similarity": 0.1, "record": "", "method": "trigrams"} for item in ITEMS]
    assert read_similarity(write(tmp_path / "whole", rows), ITEMS).of_item["i3"] == 0.1
    faults = [
        (rows[:-1], "1 of 100 items have no similarity, the first is `i99`"),
        ([*rows, rows[0]], "`i0` stands twice"),
        ([{"item": "i0"}], "no line with"),
        ([{"item": "i0", "similarity": 1.5}], "no line with"),
        ([{"item": "i0", "similarity": True}], "no line with"),
    ]
    for number, (given, told) in enumerate(faults):
        with pytest.raises(InputError, match=told):
            read_similarity(write(tmp_path / str(number), given), ITEMS)
