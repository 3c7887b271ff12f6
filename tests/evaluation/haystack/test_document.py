"""Documents are cut between sentences, and nothing of them is lost."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, text

from seodang.core.errors import InputError
from seodang.evaluation.haystack.document import cut, hide, read_document, sentences


@given(text("ab.!? \n", max_size=80))
def test_sentences_joined_are_the_document(document: str):
    assert "".join(sentences(document)) in (document, document.lstrip())


def test_sentences_end_where_sentences_end():
    assert sentences("One is 2.5 GB. Two!\nThree") == ["One is 2.5 GB. ", "Two!\n", "Three"]


@given(lists(text("ab ", min_size=1, max_size=9), min_size=1, max_size=20), integers(0, 60), integers(0, 19))
def test_a_cut_is_neighbours_and_not_longer_than_asked(parts: list[str], size: int, start: int):
    if sum(map(len, parts)) < size:
        with pytest.raises(InputError, match="fewer than"):
            cut(parts, size, start)
        return
    taken = cut(parts, size, start % len(parts))
    assert sum(map(len, taken)) <= size
    assert taken == [parts[(start % len(parts) + place) % len(parts)] for place in range(len(taken))]
    if len(taken) < len(parts):
        assert sum(map(len, taken)) + len(parts[(start % len(parts) + len(taken)) % len(parts)]) > size


@pytest.mark.parametrize("depth", [0, 25, 50, 75, 100])
def test_the_first_needle_stands_at_its_depth_between_sentences(depth: int):
    parts = [f"Sentence {number:03}. " for number in range(100)]
    told = hide(parts, ["Needle one.", "Needle two."], depth)
    assert abs(100 * told.index("Needle one.") / len(told) - depth) < 4
    assert told.count("Needle two.") == 1
    kept = told.replace("Needle one.", "").replace("Needle two.", "")
    assert kept.split() == "".join(parts).split()


def test_own_files_and_folders_are_read_in_order(tmp_path: Path):
    for name in ("b.txt", "a.md", "c.bin"):
        (tmp_path / name).write_text(name)
    assert read_document("en", [str(tmp_path)], tmp_path) == "a.md\n\nb.txt"
    for wrong in ("absent.txt", "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(InputError):
            read_document("en", [str(tmp_path / wrong)], tmp_path)
