"""A content-addressed cache of teacher targets, one entry a sequence: any order, split, seed and student reuses it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from seodang.core.files import Journal, storage_errors
from seodang.core.hashing import canonical_json, digest

FORMAT_VERSION = 1


def sequence_key(teacher: dict[str, Any], prompt_ids: Sequence[int], answer_ids: Sequence[int], top_k: int) -> str:
    """The key of a sequence's targets: teacher (weights, tokenizer, template, dtype, engine), token ids on both sides, codec."""
    return digest([FORMAT_VERSION, teacher, list(prompt_ids), list(answer_ids), {"codec": "top_k", "k": top_k}])


@dataclass(frozen=True, slots=True)
class TopK:
    """The `k` best ids (T, k) int32 and natural-log probabilities (T, k) float32 at each of T answer tokens, best first."""

    ids: np.ndarray
    logprobs: np.ndarray

    @property
    def tail_mass(self) -> np.ndarray:
        """What the kept entries leave over at each position, shape (T,)."""
        return 1.0 - np.exp(self.logprobs.astype(np.float64)).sum(-1)


class TargetCache:
    """Entries in safetensors shards, and a journal that says which shard holds a key. A shard is written before it is journaled,
    so that a kill leaves at most a shard nobody refers to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._journal = Journal(folder / "index.jsonl")
        self._where: dict[str, tuple[str, int]] = {}
        self._loaded: dict[str, dict[str, np.ndarray]] = {}
        self._index()

    def _index(self) -> None:
        for shard in self._journal.units():
            for row, key in enumerate(self._journal[shard]["keys"]):
                self._where[key] = (shard, row)

    def __contains__(self, key: str) -> bool:
        return key in self._where

    def __getitem__(self, key: str) -> TopK:
        shard, row = self._where[key]
        if shard not in self._loaded:
            self._loaded[shard] = load_file(self.folder / f"{shard}.safetensors")
        tensors = self._loaded[shard]
        start, end = tensors["offsets"][row], tensors["offsets"][row + 1]
        return TopK(tensors["ids"][start:end], tensors["logprobs"][start:end])

    def add(self, entries: Iterable[tuple[str, TopK]]) -> None:
        """Stores entries as one shard, on disk before it returns."""
        rows = list(entries)
        if not rows:
            return
        shard = digest([key for key, _ in rows])[:20]
        offsets = np.cumsum([0, *(len(entry.ids) for _, entry in rows)])
        tensors = {
            "ids": np.concatenate([entry.ids for _, entry in rows]).astype(np.int32),
            "logprobs": np.concatenate([entry.logprobs for _, entry in rows]).astype(np.float32),
            "offsets": offsets.astype(np.int64),
        }
        with storage_errors(self.folder):
            temporary = self.folder / f".{shard}.tmp"
            save_file(tensors, temporary)
            temporary.replace(self.folder / f"{shard}.safetensors")
        self._journal.append(shard, {"keys": [key for key, _ in rows], "num_tokens": int(offsets[-1])})
        self._loaded[shard] = tensors
        for row, (key, _) in enumerate(rows):
            self._where[key] = (shard, row)

    def num_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.folder.glob("*.safetensors"))

    def describe(self, teacher: dict[str, Any]) -> None:
        """Writes beside the shards whose distributions they are, for people; keys hold it too."""
        path = self.folder / "teacher.json"
        if not path.exists():
            path.write_text(canonical_json(teacher) + "\n", encoding="utf-8")

    def close(self) -> None:
        self._journal.close()


def read_teacher(folder: Path) -> dict[str, Any]:
    """The identity that `TargetCache.describe` wrote into a folder."""
    return json.loads((folder / "teacher.json").read_text(encoding="utf-8"))
