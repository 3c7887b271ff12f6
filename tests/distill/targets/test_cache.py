"""Kept targets come back as stored, under keys that change with all that determines them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seodang.core.errors import ModelError
from seodang.distill.losses.target import Sparse
from seodang.distill.section import TargetsSection
from seodang.distill.targets.cache import Entry, TargetCache, cache_name, sequence_key
from seodang.distill.targets.codecs.codec import open_codec
from seodang.distill.targets.folder import read_teacher

CODEC = open_codec("top_k")
SETTINGS = TargetsSection(codec="top_k", top_k=3).model_dump()
DESCRIBED = CODEC.describe(SETTINGS)


def rows(seed: int, length: int) -> torch.Tensor:
    return torch.log_softmax(torch.randn(length, 400, generator=torch.Generator().manual_seed(seed)), -1)


def entry(key: str, seed: int, length: int) -> Entry:
    return Entry(key, CODEC.encode(rows(seed, length), SETTINGS, 0), length)


def kept(cache: TargetCache, key: str) -> list[list[float]]:
    """The values of each position, highest first."""
    target = cache.get(key)
    assert isinstance(target, Sparse)
    return [sorted(row.tolist(), reverse=True) for row in target.logprobs.split(target.offsets.diff().tolist())]


def best(seed: int, length: int) -> list[list[float]]:
    return rows(seed, length).topk(3, -1).values.tolist()


def test_entries_come_back_as_stored_also_from_disk(tmp_path: Path) -> None:
    cache = TargetCache(tmp_path)
    cache.add([entry(f"k{n}", n, n + 1) for n in range(3)], CODEC, DESCRIBED)
    cache.add([entry(f"k{n}", n, n + 1) for n in range(3, 5)], CODEC, DESCRIBED)
    cache.add([], CODEC, DESCRIBED)
    cache.close()
    again = TargetCache(tmp_path)
    for store in (cache, again):
        for n in (4, 0, 2, 1, 3):
            assert kept(store, f"k{n}") == best(n, n + 1)
    assert "other" not in again
    assert len(again) == 5
    assert again.num_bytes() > 0
    again.close()


BASE: dict[str, Any] = {
    "teacher": {"weights": "a", "dtype": "float32"},
    "prompt_ids": [1, 2],
    "answer_ids": [3, 4],
    "codec": {"codec": "top_k", "top_k": 8},
}


@pytest.mark.parametrize(
    "change",
    [
        {"teacher": {"weights": "b", "dtype": "float32"}},
        {"teacher": {"weights": "a", "dtype": "bfloat16"}},
        {"teacher": {"weights": "a", "dtype": "float32", "vocabulary": "c"}},
        {"prompt_ids": [1, 5]},
        {"answer_ids": [3, 5]},
        {"prompt_ids": [1], "answer_ids": [2, 3, 4]},
        {"codec": {"codec": "top_k", "top_k": 9}},
        {"codec": {"codec": "nucleus", "nats_per_byte": 1e-4}},
    ],
)
def test_a_key_changes_with_each_of_its_parts(change: dict[str, Any]) -> None:
    changed: dict[str, Any] = {**BASE, **change}
    assert sequence_key(**changed) != sequence_key(**BASE)
    turned: dict[str, Any] = {**BASE, "teacher": {"dtype": "float32", "weights": "a"}}
    assert sequence_key(**turned) == sequence_key(**BASE)


def test_only_a_codecs_own_settings_are_in_its_description() -> None:
    assert open_codec("nucleus").describe(SETTINGS) == {"codec": "nucleus", "nats_per_byte": SETTINGS["nats_per_byte"]}
    with pytest.raises(ValueError, match="no codec `zip`; there are: full"):
        open_codec("zip")


def test_a_shard_that_was_not_journaled_is_not_adopted(tmp_path: Path) -> None:
    """A kill between writing a shard and journaling it, and one in the middle of the journal's line."""
    cache = TargetCache(tmp_path)
    cache.add([entry("a", 1, 2)], CODEC, DESCRIBED)
    cache.add([entry("b", 2, 2)], CODEC, DESCRIBED)
    cache.close()
    journal = tmp_path / "index.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-5])
    torn = TargetCache(tmp_path)
    assert "a" in torn
    assert "b" not in torn
    torn.add([entry("b", 3, 2)], CODEC, DESCRIBED)
    assert kept(torn, "b") == best(3, 2)
    torn.close()
    reopened = TargetCache(tmp_path)
    assert kept(reopened, "b") == best(3, 2)
    reopened.close()


def test_the_cache_of_another_teacher_is_refused(tmp_path: Path) -> None:
    TargetCache(tmp_path, {"weights": "a", "dtype": "x"}).close()
    TargetCache(tmp_path, {"dtype": "x", "weights": "a"}).close()
    assert read_teacher(tmp_path) == {"weights": "a", "dtype": "x"}
    with pytest.raises(ModelError, match=r"another teacher \(other: weights\)"):
        TargetCache(tmp_path, {"weights": "b", "dtype": "x"})
    assert cache_name({"weights": "a"}) != cache_name({"weights": "b"})


def test_a_key_that_is_not_there_is_told_with_the_next_step(tmp_path: Path) -> None:
    cache = TargetCache(tmp_path)
    with pytest.raises(ModelError, match="another teacher") as caught:
        cache.get("abc")
    assert "prune" in caught.value.render()
    cache.close()


def test_several_codecs_share_a_folder(tmp_path: Path) -> None:
    nucleus = open_codec("nucleus")
    cache = TargetCache(tmp_path)
    cache.add([entry("a", 1, 2)], CODEC, DESCRIBED)
    columns = nucleus.encode(rows(1, 2), SETTINGS, 0)
    cache.add([Entry("b", columns, 2)], nucleus, nucleus.describe(SETTINGS))
    assert kept(cache, "a") == best(1, 2)
    target = cache.get("b")
    assert isinstance(target, Sparse)
    assert np.array_equal(np.sort(target.ids.numpy()), np.sort(columns["ids"]))
    cache.close()
