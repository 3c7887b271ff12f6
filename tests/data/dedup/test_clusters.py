"""Removed texts are like what displaced them, none of the truth's pairs is left, and nothing depends on order or workers."""

import random
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.data.batches import in_batches, map_batches
from seodang.data.dedup.candidates import least_agreement, rows_of_a_band
from seodang.data.dedup.clusters import Duplicate, find_duplicates
from seodang.data.dedup.jaccard import ShingleCache
from seodang.data.dedup.pairs import similar_pairs
from similar_texts import corpus, edited, similarity, written


def clusters_of(texts: Sequence[str], found: Sequence[Duplicate]) -> dict[str, list[str]]:
    clusters: dict[str, list[str]] = {}
    for one in found:
        clusters.setdefault(texts[one.kept], []).append(texts[one.index])
    return {kept: sorted(others) for kept, others in clusters.items()}


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9])
def test_every_removal_is_right_and_no_two_alike_are_kept(threshold: float) -> None:
    """The truth is the similarity of all pairs, by sets of strings."""
    texts = corpus(int(100 * threshold), 150)
    found = find_duplicates(texts, threshold)
    removed = {one.index for one in found}
    assert len(found) == len(removed)
    assert not removed & {one.kept for one in found}
    for one in found:
        assert one.similarity == similarity(texts[one.index], texts[one.kept]) >= threshold
        assert one.exact == (texts[one.index] == texts[one.kept])
    kept = [place for place in range(len(texts)) if place not in removed]
    assert [pair for pair in combinations(kept, 2) if similarity(texts[pair[0]], texts[pair[1]]) >= threshold] == []


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.3, 1.0))
def test_no_removed_text_is_less_similar_than_the_threshold_to_what_displaced_it(seed: int, threshold: float) -> None:
    texts = corpus(seed, 20, least=1, most=25)
    for one in find_duplicates(texts, threshold):
        assert similarity(texts[one.index], texts[one.kept]) >= threshold


def test_a_chain_of_edits_does_not_join_its_unlike_ends() -> None:
    """Each text is like the next one, the first is unlike the last: by transitive closure one of twelve would be left."""
    draw = random.Random(8)
    chain = [written(draw, 80)]
    while len(chain) < 12:
        chain.append(edited(draw, chain[-1], 0.04))
    assert min(similarity(*pair) for pair in pairwise(chain)) >= 0.75 > 2 * similarity(chain[0], chain[-1])
    found = find_duplicates(chain, 0.75)
    assert 1 < len(chain) - len(found) < 12
    assert all(similarity(chain[one.index], chain[one.kept]) >= 0.75 for one in found)


@pytest.mark.parametrize("seed", range(3))
def test_clusters_do_not_depend_on_the_order_of_the_input(seed: int) -> None:
    texts = list(dict.fromkeys(corpus(21, 80)))
    expected = clusters_of(texts, find_duplicates(texts))
    random.Random(seed).shuffle(texts)
    assert clusters_of(texts, find_duplicates(texts)) == expected != {}


def test_two_workers_find_what_one_finds() -> None:
    texts = corpus(4, 60)
    assert find_duplicates(texts, workers=2) == find_duplicates(texts)


def test_the_text_with_more_shingles_is_kept_and_of_equal_ones_the_earliest() -> None:
    short = "고객이 해외에서 데이터 로밍을 켜려면 설정 메뉴에서 데이터 로밍 항목을 선택하고 확인을 누른 뒤 전화를 다시 켭니다"
    texts = [short, f"{short}.", "another text about invoices", short, f"{short}."]
    assert [(one.index, one.kept, one.exact) for one in find_duplicates(texts)] == [(0, 1, False), (3, 1, False), (4, 1, True)]


def test_width_case_composition_and_spaces_make_no_other_text() -> None:
    import unicodedata

    text = "Data roaming: 데이터 로밍 요금은 하루 11,000원입니다. Call 114."
    others = [text.upper(), unicodedata.normalize("NFD", text), text.replace(" ", "\u3000"), text.replace("1", "１"), f"\u200b{text}\n"]
    found = find_duplicates([text, *others])
    assert len(found) == len(others)
    assert {(one.similarity, one.exact) for one in found} == {(1.0, False)}


def test_empty_texts_are_equal_to_each_other_alone() -> None:
    assert find_duplicates(["", "a", "", " ", "b"]) == [Duplicate(2, 0, 1.0, exact=True)]
    assert find_duplicates([]) == []


def test_texts_that_may_not_displace_each_other_are_both_kept() -> None:
    texts = corpus(9, 30)
    assert [one for one in find_duplicates(texts, comparable=lambda first, second: False) if not one.exact] == []


def test_a_thousand_copies_with_one_edit_each_take_a_thousand_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    from seodang.data.dedup import clusters

    draw = random.Random(2)
    text = written(draw, 100)
    counted: list[float] = []
    exact = clusters.jaccard
    monkeypatch.setattr(clusters, "jaccard", lambda one, other: counted.append(1) or exact(one, other))
    found = find_duplicates([edited(draw, text, 0.01) for _ in range(1_000)])
    assert len(found) > 900
    assert len(counted) < 5_000


def test_pairs_are_those_of_the_truth() -> None:
    texts = corpus(33, 120)
    expected = {pair for pair in combinations(range(len(texts)), 2) if similarity(texts[pair[0]], texts[pair[1]]) >= 0.6}
    found = list(similar_pairs(texts, 0.6))
    assert {(pair.first, pair.second) for pair in found} == expected
    assert len(found) == len(expected) > 50
    assert all(pair.similarity == pytest.approx(similarity(texts[pair.first], texts[pair.second])) for pair in found)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.95])
def test_bands_miss_a_pair_at_the_threshold_no_more_often_than_they_say(threshold: float) -> None:
    rows = rows_of_a_band(threshold, 1e-3)
    assert (1 - threshold**rows) ** (128 // rows) <= 1e-3 or rows == 1
    assert rows == 16 or (1 - threshold ** (rows + 1)) ** (128 // (rows + 1)) > 1e-3
    assert 1 <= least_agreement(threshold) < 128 * threshold


def test_a_cache_forgets_and_makes_anew() -> None:
    texts = corpus(1, 20)
    small, large = ShingleCache(texts, 5, most_bytes=2_000), ShingleCache(texts, 5)
    for place in [*range(len(texts)), *range(len(texts))]:
        assert small[place].tolist() == large[place].tolist()


def test_batches_hold_everything_in_order_and_no_more_than_they_may(tmp_path: Path) -> None:
    texts = ["a" * size for size in (3, 3, 9, 1, 0, 4)]
    batches = list(in_batches(texts, len, 6))
    assert [text for batch in batches for text in batch] == texts
    assert all(sum(map(len, batch)) <= 6 or len(batch) == 1 for batch in batches)
    assert list(map_batches(len, batches)) == list(map(len, batches))
