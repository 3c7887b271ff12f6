"""A content-addressed cache of teacher targets, one entry a sequence: any order, packing, split, seed and student reuses it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file, save

from seodang.core.errors import ModelError
from seodang.core.files import Journal, write_atomically, write_json
from seodang.core.hashing import canonical_json, digest
from seodang.distill.align.target import Likelihoods
from seodang.distill.losses.target import Target
from seodang.distill.targets.codecs.codec import Codec, Columns, join, open_codec
from seodang.distill.targets.folder import INDEX, TEACHER, read_teacher

FORMAT_VERSION = 2
_SLICE = "slice."  # before the names of a shard's arrays that are its certified slice


def sequence_key(teacher: Mapping[str, Any], prompt_ids: Sequence[int], answer_ids: Sequence[int], codec: Mapping[str, Any]) -> str:
    """The key of a sequence's targets: the format, the teacher (weights, quantisation, dtype, engine with version, tokenizer's whole map,
    template, think mode), the token ids on both sides, and the codec with its settings."""
    return digest([FORMAT_VERSION, teacher, list(prompt_ids), list(answer_ids), codec])


def cache_name(teacher: Mapping[str, Any]) -> str:
    """The name of a teacher's folder among the caches."""
    return digest([FORMAT_VERSION, teacher])[:16]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Some positions (n,) of a sequence with the hidden states (n, H) that give their whole distributions: uint16 for bfloat16."""

    key: str
    positions: np.ndarray
    states: np.ndarray


def held_states(held: HeldOut) -> torch.Tensor:
    """The hidden states (n, H) of a slice, in the precision in which they were kept."""
    if held.states.dtype == np.float32:
        return torch.from_numpy(held.states)
    return torch.from_numpy(held.states.view(np.int16)).view(torch.bfloat16)


@dataclass(frozen=True, slots=True)
class Entry:
    """A sequence's columns, as its codec encoded them, and its number of tokens."""

    key: str
    columns: Columns
    num_tokens: int


class TargetCache:
    """Entries in safetensors shards, and a journal that says which shard holds a key. A shard is written before it is journaled,
    so that a kill leaves at most a shard nobody refers to."""

    def __init__(self, folder: Path, teacher: Mapping[str, Any] | None = None) -> None:
        """Opens a folder, or makes it for `teacher`. ModelError where it is another teacher's."""
        self.folder = folder
        if teacher is not None:
            self._belong(teacher)
        self._journal = Journal(folder / INDEX)
        self._where: dict[str, tuple[str, int]] = {}
        self._decoded: dict[str, Target | Likelihoods] = {}
        for shard in self._journal.units():
            self._place(shard)

    def _belong(self, teacher: Mapping[str, Any]) -> None:
        path = self.folder / TEACHER
        if not path.exists():
            write_json(path, dict(teacher))
            return
        known = read_teacher(self.folder)
        if canonical_json(known) != canonical_json(teacher):
            fields = sorted(name for name in {*known, *teacher} if known.get(name) != teacher.get(name))
            raise ModelError(
                f"this cache holds the targets of another teacher (other: {', '.join(fields)})",
                where=str(self.folder),
                hint="use the cache of this teacher, or capture anew in an empty folder",
            )

    def _place(self, shard: str) -> None:
        for row, key in enumerate(self._journal[shard]["keys"]):
            self._where[key] = (shard, row)

    def __contains__(self, key: str) -> bool:
        return key in self._where

    def __len__(self) -> int:
        return len(self._where)

    def shards(self) -> list[dict[str, Any]]:
        """What the journal tells of each shard, in the order of capture."""
        return [self._journal[shard] for shard in self._journal.units()]

    def get(self, key: str, head: Callable[[], torch.Tensor] | None = None) -> Target | Likelihoods:
        """The target of a sequence; `head` gives the teacher's head (V, H), which only hidden states need.

        ModelError where the cache does not hold it: it is another teacher's, or another codec's, or was removed.
        """
        if key not in self._where:
            raise ModelError(
                f"no targets under the key {key[:16]}: they were removed, or this is the cache of another teacher",
                where=str(self.folder),
                hint="remove the step `targets` from the store (`seodang runs prune --all-caches`), and run the recipe again",
            )
        shard, row = self._where[key]
        told = self._journal[shard]
        codec = open_codec(told["codec"]["codec"])
        if shard not in self._decoded:
            needed = head() if head is not None and codec.reads == "states" else None
            columns = {name: value for name, value in self._load(shard).items() if not name.startswith(_SLICE)}
            self._decoded[shard] = codec.decode(columns, told["codec"], needed)
        start = sum(told["lengths"][:row])
        return self._decoded[shard].take(torch.arange(start, start + told["lengths"][row]))

    def held_out(self, codec: Mapping[str, Any]) -> list[HeldOut]:
        """The slices of a codec's shards."""
        found: list[HeldOut] = []
        for shard in self._journal.units():
            told = self._journal[shard]
            if told["codec"] != codec or not told["held_out"]:
                continue
            arrays, place = self._load(shard), 0
            for key, positions in told["held_out"]:
                found.append(HeldOut(key, np.asarray(positions), arrays[f"{_SLICE}states"][place : place + len(positions)]))
                place += len(positions)
        return found

    def add(self, entries: Iterable[Entry], codec: Codec, described: Mapping[str, Any], held_out: Sequence[HeldOut] = ()) -> None:
        """Stores the entries of one codec as one shard with its slice, on disk before it returns."""
        rows = list(entries)
        if not rows:
            return
        packed = {name: np.ascontiguousarray(part) for name, part in codec.pack(join([entry.columns for entry in rows])).items()}
        shard = digest([entry.key for entry in rows])[:20]
        slices = {f"{_SLICE}states": np.concatenate([held.states for held in held_out])} if held_out else {}
        write_atomically(self._path(shard), save({**packed, **slices}))
        self._journal.append(
            shard,
            {
                "keys": [entry.key for entry in rows],
                "lengths": [entry.num_tokens for entry in rows],
                "codec": dict(described),
                "bytes": sum(part.nbytes for part in packed.values()),
                "held_out": [[held.key, held.positions.tolist()] for held in held_out],
            },
        )
        self._place(shard)

    def _path(self, shard: str) -> Path:
        return self.folder / f"{shard}.safetensors"

    def _load(self, shard: str) -> dict[str, np.ndarray]:
        return load_file(self._path(shard))

    def num_bytes(self) -> int:
        """Of the shards on disk, slices included."""
        return sum(path.stat().st_size for path in self.folder.glob("*.safetensors"))

    def close(self) -> None:
        self._journal.close()
