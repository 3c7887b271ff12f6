"""Many examples in one sequence, without padding and without seeing one another.

All examples of a chat model begin alike (the system turn). A pack holds that prefix once, and after it what is left of each
example; every example attends to the prefix and to itself only (packed_attention.py), at the positions it would have alone. The
result is that of one example a row, at fewer tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from seodang.distill.align.target import Across, join_taught
from seodang.distill.losses.target import Target
from seodang.distill.packed_attention import Rows, lay_out


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and the answer that is taught after it, with the teacher's targets at the answer's tokens, or at its own tokens of
    the same answer (None: none kept)."""

    record: str  # id of the record that it was made from
    prompt_ids: tuple[int, ...]
    answer_ids: tuple[int, ...]
    target: Target | Across | None = None
    weight: float | None = None  # share of the divergence in its loss; None: the recipe's
    group: str = ""  # examples of one group are held out together; empty: those of its record
    stratum: str = ""  # of each stratum the same share is held out


@dataclass(frozen=True, slots=True)
class Pack:
    """`ids` and `positions` (1, T); `rows`, which token belongs to which example; `predicting` (N,) places whose hidden states
    predict the N answer tokens `labels`; `target` their teacher distributions."""

    ids: torch.Tensor
    positions: torch.Tensor
    rows: Rows
    predicting: torch.Tensor
    labels: torch.Tensor
    target: Target | Across | None
    num_tokens: int


def common_prefix(examples: Sequence[Example]) -> tuple[int, ...]:
    """The ids with which every prompt begins; at least one prompt id is left to each example."""
    low, high = min(e.prompt_ids for e in examples), max(e.prompt_ids for e in examples)
    limit = min(len(e.prompt_ids) for e in examples) - 1
    length = 0
    while length < limit and low[length] == high[length]:
        length += 1
    return low[:length]


def plan_packs(examples: Sequence[Example], prefix_length: int, max_tokens: int, seed: int) -> list[list[int]]:
    """Which examples go together, in a shuffled order that depends on the seed alone."""
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed)).tolist()
    packs: list[list[int]] = [[]]
    used = prefix_length
    for index in order:
        length = len(examples[index].prompt_ids) - prefix_length + len(examples[index].answer_ids)
        if packs[-1] and used + length > max_tokens:
            packs.append([])
            used = prefix_length
        packs[-1].append(index)
        used += length
    return packs


def build_pack(examples: Sequence[Example], prefix: Sequence[int]) -> Pack:
    """One sequence of the prefix and every example's rest."""
    start = len(prefix)
    ids, positions = list(prefix), list(range(start))
    lengths: list[int] = []
    predicting: list[int] = []
    labels: list[int] = []
    for example in examples:
        rest = [*example.prompt_ids[start:], *example.answer_ids]
        first_answer = len(ids) + len(example.prompt_ids) - start
        # The last token is predicted but predicts nothing: it need not be fed.
        ids += rest[:-1]
        positions += range(start, start + len(rest) - 1)
        lengths.append(len(rest) - 1)
        predicting += range(first_answer - 1, first_answer - 1 + len(example.answer_ids))
        labels += example.answer_ids
    targets = [example.target for example in examples if example.target is not None]
    return Pack(
        ids=torch.tensor([ids]),
        positions=torch.tensor([positions]),
        rows=lay_out(start, lengths),
        predicting=torch.tensor(predicting),
        labels=torch.tensor(labels),
        target=join_taught(targets) if targets else None,
        num_tokens=len(ids),
    )
