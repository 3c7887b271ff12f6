"""What a training step reads, and at which learning rate: both follow from the seed and the settings alone."""

import math
from collections.abc import Sequence

from seodang.distill.packing import Example, plan_packs
from seodang.distill.section import TrainSection

_LOWEST = 0.1  # share of the peak at which the learning rate ends


def plan_steps(examples: Sequence[Example], prefix_length: int, section: TrainSection, seed: int) -> list[list[list[int]]]:
    """The packs of each step, as places in `examples`; only the last step may have fewer than `packs_per_step`."""
    packs: list[list[int]] = []
    for epoch in range(math.ceil(section.epochs)):
        found = plan_packs(examples, prefix_length, section.pack_tokens, seed * 1000 + epoch)
        packs += found[: max(1, round(len(found) * min(1.0, section.epochs - epoch)))]
    return _in_steps(packs, section)


def plan_equal_steps(
    examples: Sequence[Example], prefix_length: int, section: TrainSection, seed: int, num_tokens: int
) -> list[list[list[int]]]:
    """As `plan_steps`, but for as many passes over the examples, whole or not, as bring `num_tokens`, up to half a pack."""
    packs: list[list[int]] = []
    left, epoch = float(num_tokens), 0
    while True:
        for pack in plan_packs(examples, prefix_length, section.pack_tokens, seed * 1000 + epoch):
            size = _num_pack_tokens(pack, examples, prefix_length)
            if packs and left < size / 2:
                return _in_steps(packs, section)
            packs.append(pack)
            left -= size
        epoch += 1


def num_planned_tokens(steps: Sequence[Sequence[Sequence[int]]], examples: Sequence[Example], prefix_length: int) -> int:
    """How many tokens a plan's packs have."""
    return sum(_num_pack_tokens(pack, examples, prefix_length) for packs in steps for pack in packs)


def _num_pack_tokens(pack: Sequence[int], examples: Sequence[Example], prefix_length: int) -> int:
    """What `build_pack` counts: the prefix once, and each example's rest but for its last token, which predicts nothing."""
    rest = [len(examples[index].prompt_ids) - prefix_length + len(examples[index].answer_ids) - 1 for index in pack]
    return prefix_length + sum(rest)


def _in_steps(packs: list[list[int]], section: TrainSection) -> list[list[list[int]]]:
    return [packs[first : first + section.packs_per_step] for first in range(0, len(packs), section.packs_per_step)]


def rate(step: int, num_steps: int, warmup: float) -> float:
    """The share of the peak learning rate at a step, counted from 0: a line upwards over `warmup` of the steps, then half a cosine
    down to a tenth (Loshchilov and Hutter 2016, arXiv 1608.03983)."""
    warm = warmup * num_steps
    if step < warm:
        return (step + 1) / (warm + 1)
    share = (step - warm) / max(1.0, num_steps - warm)
    return _LOWEST + (1 - _LOWEST) * 0.5 * (1 + math.cos(math.pi * share))
