"""Sequences that begin alike as one tree of tokens, without padding: what any of them share is read once.

Every token sees those on the way from the root to itself, at the positions that they have in its sequence (tree attention: Miao et al.
2023, SpecInfer, arXiv 2305.09781). So each sequence's hidden states are those that it would have alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

_TOKENS = 512  # of a tree: more make its products hardly faster, and each token meets all others in attention


@dataclass(frozen=True, slots=True)
class TokenTree:
    """`ids` and `positions` (1, N); `visible` (1, 1, N, N), true where a token of the first axis sees one of the second, and None for a
    single sequence, in which each sees all before it; `places`, for each sequence, where its tokens stand."""

    ids: torch.Tensor
    positions: torch.Tensor
    visible: torch.Tensor | None
    places: list[list[int]]


def grow(sequences: Sequence[Sequence[int]], start: int) -> TokenTree:
    """The tree of sequences whose first tokens stand at position `start`."""
    nodes: dict[tuple[int, int], int] = {}
    places = [walk(nodes, sequence) for sequence in sequences]
    positions: list[int] = []
    for before, _ in nodes:
        positions.append(start if before < 0 else positions[before] + 1)
    ids, positions_1N = torch.tensor([[token for _, token in nodes]]), torch.tensor([positions])
    return TokenTree(ids, positions_1N, _visible([before for before, _ in nodes]) if len(sequences) > 1 else None, places)


def walk(nodes: dict[tuple[int, int], int], sequence: Sequence[int]) -> list[int]:
    """The nodes of a sequence's tokens, each known by the node before it (-1 at the root) and the token; new ones are added."""
    path: list[int] = []
    for token in sequence:
        path.append(nodes.setdefault((path[-1] if path else -1, token), len(nodes)))
    return path


def _visible(before: Sequence[int]) -> torch.Tensor:
    sees_NN = np.eye(len(before), dtype=np.bool_)
    for node, parent in enumerate(before):
        if parent >= 0:
            sees_NN[node] |= sees_NN[parent]
    return torch.from_numpy(sees_NN)[None, None]


def small_trees(ordered: Sequence[Sequence[int]]) -> Iterator[slice]:
    """Neighbours among sequences in ascending order whose tree is small, or one that is long."""
    first = total = 0
    for place, sequence in enumerate(ordered):
        new = _new_nodes(sequence, ordered[place - 1] if place > first else ())
        if place > first and total + new > _TOKENS:
            yield slice(first, place)
            first, total, new = place, 0, len(sequence)
        total += new
    yield slice(first, len(ordered))


def fit_together(ordered: Sequence[Sequence[int]]) -> bool:
    """Whether the tree of sequences in ascending order is a small one."""
    return sum(map(_new_nodes, ordered, [(), *ordered])) <= _TOKENS


def _new_nodes(sequence: Sequence[int], neighbour: Sequence[int]) -> int:
    shared = 0
    for token, other in zip(sequence, neighbour, strict=False):
        if token != other:
            break
        shared += 1
    return len(sequence) - shared
