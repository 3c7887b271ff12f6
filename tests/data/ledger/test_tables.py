"""Shards: equal rows give equal bytes, what is written is read, and a changed byte is found."""

import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.core.errors import VerificationError
from seodang.core.hashing import digest_bytes
from seodang.data.ledger.facts import Activity, Entity, Finding, activity_id, entity_id
from seodang.data.ledger.tables import read_shard, shard_bytes, shard_path, write_shard


def rows(number: int) -> list[dict[str, Any]]:
    return [Finding(f"{n:064x}", "grounded", 1, "c" * 64, "pass", {"shares": [n / 3], "note": "한"}, "a" * 64).row() for n in range(number)]


@settings(max_examples=20)
@given(st.integers(0, 40), st.randoms(use_true_random=False))
def test_the_order_in_which_rows_were_found_does_not_matter(number: int, draw: random.Random) -> None:
    shuffled = rows(number)
    draw.shuffle(shuffled)
    assert shard_bytes("verdict", shuffled) == shard_bytes("verdict", rows(number))


def test_a_shard_is_named_after_its_bytes_and_reads_back(tmp_path: Path) -> None:
    name, num_bytes = write_shard(tmp_path, "verdict", rows(5)[::-1])
    content = shard_path(tmp_path, "verdict", name).read_bytes()
    assert (name, num_bytes) == (digest_bytes(content), len(content))
    assert read_shard(tmp_path, "verdict", name) == rows(5)


def test_another_reader_of_parquet_finds_the_same(tmp_path: Path) -> None:
    """Parquet is for other tools too: the file is read with the library's own defaults."""
    entity = Entity("sample", "r1", {"question": "왜?"}, "ko", derived_from=("b" * 64,), permissions={"license": "MIT"})
    name, _ = write_shard(tmp_path, "record", [entity.row()])
    (row,) = pq.read_table(shard_path(tmp_path, "record", name)).to_pylist()
    assert row == {**entity.row(), "derived_from": ["b" * 64]}


def test_a_changed_or_missing_shard_is_an_error(tmp_path: Path) -> None:
    name, _ = write_shard(tmp_path, "verdict", rows(3))
    path = shard_path(tmp_path, "verdict", name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(VerificationError, match="other bytes"):
        read_shard(tmp_path, "verdict", name)
    path.unlink()
    with pytest.raises(VerificationError, match="missing"):
        read_shard(tmp_path, "verdict", name)


@pytest.mark.parametrize("field", ["kind", "content", "language", "domain", "capability", "derived_from"])
def test_an_entitys_id_is_of_its_content(field: str) -> None:
    told: dict[str, Any] = {"kind": "sample", "content": {"q": "a"}, "language": "en", "domain": "d", "capability": "c"}
    entity = Entity(**told, name="n", derived_from=("x",))
    changed: dict[str, Any] = {"content": {"q": "b"}, "derived_from": ("x", "y")}
    other: dict[str, Any] = {**told, "name": "n", "derived_from": ("x",), field: changed.get(field, "other")}
    assert Entity(**other).id != entity.id
    assert Entity(**told, name="m", derived_from=("x",), permissions={"license": "MIT"}, activity="a").id == entity.id
    assert entity_id(entity.row()) == entity.row()["id"] == entity.id


def test_an_activitys_id_is_of_all_that_it_tells() -> None:
    activity = Activity("verify.grounded", "1", "c", settings={"min": 0.5}, used=("a", "b"))
    assert activity_id(activity.row()) == activity.id
    others = [
        Activity("verify.grounded", "2", "c", settings={"min": 0.5}, used=("a", "b")),
        Activity("verify.grounded", "1", "c", settings={"min": 0.6}, used=("a", "b")),
        Activity("verify.grounded", "1", "c", settings={"min": 0.5}, used=("b", "a")),
        Activity("verify.grounded", "1", "c", teacher="t", settings={"min": 0.5}, used=("a", "b")),
    ]
    assert len({activity.id, *(other.id for other in others)}) == 5
