"""What a step computes, reads, writes and holds, in units that no device changes: tokens, products, numbers, bytes."""

from dataclasses import dataclass
from typing import Literal

from seodang.pipeline.estimate.model_size import ModelSize

Activity = Literal["decode", "read", "train"]
Part = Literal["teacher", "student", "exam", "other"]

CACHE_ROOM = 64  # positions that a cache of keys and values has spare (models/cache.py)
DECODE_BATCH = 128  # rows that are decoded or scored together (models/local.py)
PREFIX_TOKENS = 24  # what all conversations begin with; it stands once in each batch and in each pack
_ROW_VALUES = 12  # numbers of the size of a hidden state that a block holds for a token while it is computed


@dataclass(frozen=True, slots=True)
class Pass:
    """Work of one kind on one model. `flops` counts a multiplication and an addition as two; `calls` is how often the weights are gone
    through, `call_values` how many of their numbers each time; `traffic_bytes` is memory moved besides."""

    activity: Activity
    dtype: str  # "auto": the coarsest that the device is fast in
    flops: float
    calls: float
    call_values: float
    num_blocks: int
    traffic_bytes: float = 0.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What is held at once: `values` in a type of `dtype`, and `num_bytes` whatever the type. `passing` are those of the values that come
    and go in pieces of all sizes: the process gives their memory back to itself and not to the system, and seldom can use it again."""

    dtype: str
    values: float
    num_bytes: float = 0.0
    passing: float = 0.0


@dataclass(frozen=True, slots=True)
class StepWork:
    """One step, under its name in the plan. Of what is `held`, one after the other, the largest counts, beside what stays in memory from
    earlier steps. `requests` are those of a teacher behind an endpoint, which reads and writes the tokens elsewhere."""

    name: str
    part: Part
    passes: tuple[Pass, ...] = ()
    held: tuple[Memory, ...] = ()
    tokens_read: float = 0.0
    tokens_written: float = 0.0
    tokens_trained: float = 0.0
    cache_bytes: float = 0.0
    disk_bytes: float = 0.0
    requests: float = 0.0
    beside: Memory | None = None

    @property
    def remote(self) -> bool:
        return self.requests > 0

    @property
    def flops(self) -> float:
        return sum(part.flops for part in self.passes)


def read_flops(size: ModelSize, tokens: float, heads: float, context: float) -> float:
    """Products of reading `tokens`, each with `context` others in view, and of computing the head `heads` times."""
    attention = 4 * size.num_heads * size.head_width * context
    return tokens * size.num_layers * (2 * size.block_used + attention) + 2 * heads * size.head


def reading(size: ModelSize, tokens: float, heads: float, context: float, calls: float, dtype: str = "auto", traffic: float = 0) -> Pass:
    """Many tokens at once, with the head at `heads` of them; `traffic` is bytes moved besides the weights."""
    values = size.num_layers * size.block_used + size.head * (heads > 0)
    return Pass("read", dtype, read_flops(size, tokens, heads, context), calls, values, size.num_layers, traffic)


def decoding(size: ModelSize, tokens: float, context: float, calls: float, dtype: str = "auto") -> Pass:
    """A token of each row at a time: `calls` of them, and `tokens` in all."""
    values = size.num_layers * size.block_used + size.head
    return Pass("decode", dtype, read_flops(size, tokens, tokens, context), calls, values, size.num_layers)


def batch_memory(size: ModelSize, rows: float, width: float, shared: float, dtype: str = "auto") -> Memory:
    """Weights, keys and values, and what one block holds, of a batch of `rows` that are `width` tokens long after `shared` ones."""
    keys = size.kv_values * (rows * width + shared)
    block = rows * width * (size.hidden * _ROW_VALUES + 3 * size.intermediate)
    scores = 2 * rows * size.num_heads * width * (width + shared)
    passing = keys + block + scores
    return Memory(dtype, size.num_parameters + passing, 8 * rows * size.vocabulary, passing)


def opening_memory(size: ModelSize, dtype: str = "auto") -> Memory:
    """A model while it is opened: its files, which are mapped, and its weights."""
    return Memory(dtype, size.num_parameters, size.stored_bytes)
