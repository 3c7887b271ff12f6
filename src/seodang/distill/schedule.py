"""What a training step reads, and at which learning rate: both follow from the seed and the settings alone."""

import math
from collections.abc import Sequence

import torch

from seodang.distill.packing import Example, common_prefix, plan_packs
from seodang.distill.train_section import TrainSection

_LOWEST = 0.1  # share of the peak at which the learning rate ends


def hold_out(examples: Sequence[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """The examples that are trained on, and those of a share of the records, drawn by the seed, that are only watched."""
    records = list(dict.fromkeys(example.record for example in examples))
    draw = torch.Generator().manual_seed(seed)
    held_out = {records[place] for place in torch.randperm(len(records), generator=draw)[: int(len(records) * share)].tolist()}
    return [e for e in examples if e.record not in held_out], [e for e in examples if e.record in held_out]


def plan_steps(
    examples: Sequence[Example], prefix_length: int, section: TrainSection, seed: int, num_steps: int | None = None
) -> list[list[list[int]]]:
    """The packs of each step, as places in `examples`; only the last step may have fewer than `packs_per_step`.

    They are those of the section's epochs, or of as many epochs as give `num_steps` whole steps.
    """
    packs: list[list[int]] = []
    most, epoch = None if num_steps is None else num_steps * section.packs_per_step, 0
    while epoch < section.epochs if most is None else len(packs) < most:
        found = plan_packs(examples, prefix_length, section.pack_tokens, seed * 1000 + epoch)
        packs += found[: max(1, round(len(found) * min(1.0, section.epochs - epoch)))] if most is None else found
        epoch += 1
    return _in_steps(packs[:most], section)


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


def count_steps(examples: Sequence[Example], section: TrainSection, seed: int) -> int:
    """How many steps a training on these examples has, by its section's epochs."""
    trained, _ = hold_out(examples, section.held_out, seed)
    return len(plan_steps(trained, len(common_prefix(examples)), section, seed))


def rate(step: int, num_steps: int, warmup: float) -> float:
    """The share of the peak learning rate at a step, counted from 0: a line upwards over `warmup` of the steps, then half a cosine
    down to a tenth (Loshchilov and Hutter 2016, arXiv 1608.03983)."""
    warm = warmup * num_steps
    if step < warm:
        return (step + 1) / (warm + 1)
    share = (step - warm) / max(1.0, num_steps - warm)
    return _LOWEST + (1 - _LOWEST) * 0.5 * (1 + math.cos(math.pi * share))
