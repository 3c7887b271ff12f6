"""Several processes that train one student, as `torchrun` starts them: data parallel over packs, weights split by FSDP2.

PyTorch's FullyShardedDataParallel 2 (Zhao et al. 2023, arXiv 2304.11277) keeps a part of every weight, gradient and optimizer state in each
process and gathers a block's weights where it is computed. The processes talk by gloo; they share one disk.
"""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from seodang.core.errors import InputError
from seodang.core.processors import num_threads

_PATIENCE = timedelta(days=14)  # how long a process waits for the others: the first one may write with a teacher meanwhile


@dataclass(frozen=True, slots=True)
class Team:
    """The processes that work together: this one is number `rank` of `size`. One process alone is a team, too."""

    rank: int = 0
    size: int = 1
    num_local: int = 1  # of them on this machine

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files and talks."""
        return self.rank == 0

    @property
    def num_threads(self) -> int:
        """This process's share of the processors it may use."""
        if self.size == 1:
            return num_threads()
        return max(1, len(os.sched_getaffinity(0)) // self.num_local)  # whatever OMP_NUM_THREADS says: torchrun sets it to 1

    def require_work(self, packs_per_step: int) -> None:
        """InputError where a step has fewer packs than the team has processes."""
        if packs_per_step < self.size:
            raise InputError(
                f"{self.size} processes cannot share a step of {packs_per_step} pack{'s' * (packs_per_step > 1)}",
                where="distill.packs_per_step",
                hint=f"set it to {self.size} or a multiple of it, or start fewer processes",
            )

    def require_alone(self, mode: str) -> None:
        """InputError where several processes would share a mode in which a student writes while it is trained."""
        if self.size > 1:
            raise InputError(
                f"{self.size} processes cannot train in the mode `{mode}`: a student whose weights are split does not write answers",
                where="distill.mode",
                hint="start one process, or use `offline_on_policy`, where the answers are written before the training",
            )

    def wait(self) -> None:
        """Returns when every process has come here."""
        if self.size > 1:
            import torch.distributed as dist

            dist.barrier()

    def begin_turn(self) -> None:
        """Returns when those before this one have ended their turns: for what only one process may open at a time."""
        for _ in range(self.rank):
            self.wait()

    def end_turn(self) -> None:
        """Lets the next one begin, and returns when all have had their turn."""
        for _ in range(self.size - self.rank):
            self.wait()

    def sum(self, values: Sequence[float]) -> list[float]:
        """Each value's sum over the team, equal in every process."""
        if self.size == 1:
            return list(values)
        import torch
        import torch.distributed as dist

        total = torch.tensor(list(values), dtype=torch.float64)
        dist.all_reduce(total)
        return total.tolist()

    def dealt(self, count: int) -> list[tuple[int, bool]]:
        """Which of `count` pieces of work this process does, and whether each counts. Every process does equally many, because they gather
        weights together; where there are too few, one does the first piece for nothing."""
        places = range(self.rank, -(-count // self.size) * self.size, self.size)
        return [(place, True) if place < count else (0, False) for place in places]


@contextmanager
def joined() -> Generator[Team]:
    """The team that `torchrun` started this process for, or a team of one. Within it, no process may end before the others.

    After an error the process stays in the team until it ends, so that it can tell the error before the others find it gone.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Team()
        return
    import torch.distributed as dist

    dist.init_process_group("gloo", timeout=_PATIENCE)
    yield Team(dist.get_rank(), dist.get_world_size(), int(os.environ.get("LOCAL_WORLD_SIZE", dist.get_world_size())))
    dist.destroy_process_group()


def shard(module: Any, blocks: Sequence[Any], whole: set[Any], size: int) -> None:
    """Splits the weights of `blocks`, and of the rest of `module` together, among `size` processes; parameters in `whole` stay in each.

    Gradients are summed, not averaged: a loss is divided by what the whole team's step has.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh("cpu", (size,))
    for part in [*blocks, module]:
        sharded: Any = fully_shard(part, mesh=mesh, ignored_params=whole)
        sharded.set_force_sum_reduction_for_comms(True)
        sharded.set_gradient_divide_factor(1.0)


def gathered(tensor: Any) -> Any:
    """The whole of a tensor, in every process; all have to ask for it together."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def own_part(whole: Any, like: Any) -> Any:
    """A copy of this process's part of a whole tensor, split as `like` is."""
    if not hasattr(like, "full_tensor"):
        return whole.clone()
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(whole.clone(), like.device_mesh, like.placements, src_data_rank=None)
