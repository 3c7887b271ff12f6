"""Likeness of wording, against the definition."""

import time

import pytest
from hypothesis import given
from hypothesis.strategies import lists, text

from seodang.scoring.similarity import nearest, trigrams

TEXTS = text("abc AB?", max_size=12)


@given(lists(TEXTS, min_size=1, max_size=4), lists(TEXTS, min_size=1, max_size=8))
def test_nearest_is_the_first_with_the_largest_jaccard_index(texts: list[str], others: list[str]):
    for found, one in zip(nearest(texts, others), texts, strict=True):
        similarities = [len(trigrams(one) & trigrams(other)) / max(1, len(trigrams(one) | trigrams(other))) for other in others]
        assert found == (similarities.index(max(similarities)), pytest.approx(max(similarities)))


def test_case_punctuation_and_articles_do_not_count():
    assert nearest(["How do I reset the APN?"], ["unrelated words", "how do i reset APN"]) == [(1, 1.0)]


def test_nothing_to_compare_with_is_an_error():
    with pytest.raises(ValueError, match="nothing"):
        nearest(["a"], [])


def test_400_questions_against_3000_take_a_few_seconds():
    texts = [f"how can i {number} reset the settings of phone {number % 7} after a reboot" for number in range(3000)]
    start = time.process_time()
    found = nearest(texts[:400], texts)
    assert time.process_time() - start < 8
    assert all(similarity == 1.0 for _, similarity in found)
