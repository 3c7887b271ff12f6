"""Examples that begin alike, as a chat template makes them, with a random teacher's targets."""

import pytest
import torch

from seodang.distill.losses.target import Sparse
from seodang.distill.packing import Example

PREFIX = tuple(range(10, 22))


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    """24 examples with prompts of 2 to 9 ids after a prefix of 12, answers of 1 to 6 ids, and 5 targets at each."""
    draw = torch.Generator().manual_seed(0)

    def ids(low: int, high: int) -> tuple[int, ...]:
        return tuple(torch.randint(3, 390, (int(torch.randint(low, high, (1,), generator=draw)),), generator=draw).tolist())

    found: list[Example] = []
    for number in range(24):
        answer = ids(1, 7)
        best = torch.log_softmax(torch.randn(len(answer), 390, generator=draw), -1).topk(5, -1)
        target = Sparse(best.indices.flatten(), best.values.flatten(), torch.arange(0, 5 * len(answer) + 1, 5))
        found.append(Example(f"r{number}", (*PREFIX, *ids(2, 10)), answer, target))
    return found
