"""What a training step reads, and at which learning rate: both follow from the seed and the settings alone."""

import math
from collections.abc import Sequence

import torch

from seodang.distill.packing import Example, common_prefix, plan_packs
from seodang.distill.train_section import TrainSection

_LOWEST = 0.1  # share of the peak at which the learning rate ends


def hold_out(examples: Sequence[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """The examples that are trained on, and those that are only watched: of each stratum about a share of the records, in whole groups.

    Groups are drawn by the seed with chances as their sizes (Efraimidis and Spirakis 2006), so that a record of a large group is watched as
    often as another, and taken where they fit. The number of records differs from the share's by at most half of the smallest group that
    is left; groups of one record give it exactly.
    """
    draw = torch.Generator().manual_seed(seed)
    held_out: set[str] = set()
    strata = _strata(examples)
    for groups, target in zip(strata, _targets(strata, share), strict=True):
        drawn = [groups[place] for place in torch.randperm(len(groups), generator=draw).tolist()]
        chances = [math.log1p(-(place + 0.5) / len(drawn)) / len(group) for place, group in enumerate(drawn)]
        order = sorted(range(len(drawn)), key=lambda place: -chances[place])
        held_out = held_out.union(*_taken([drawn[place] for place in order], target))
    return [e for e in examples if e.record not in held_out], [e for e in examples if e.record in held_out]


def can_hold_out(examples: Sequence[Example], share: float) -> bool:
    """Whether groups allow to hold out half to twice the share of each stratum. It is the same for every seed: less comes about only where
    all groups that are no larger than the share are taken, and more never."""
    held_out = {example.record for example in hold_out(examples, share, 0)[1]}
    strata = _strata(examples)
    found = [sum(len(group & held_out) for group in groups) for groups in strata]
    return all(2 * number >= target for number, target in zip(found, _targets(strata, share), strict=True))


def _strata(examples: Sequence[Example]) -> list[list[set[str]]]:
    """The records of each group of each stratum, in the order of the examples."""
    found: dict[str, dict[tuple[str, str], set[str]]] = {}
    for example in examples:
        key = (example.group, "" if example.group else example.record)
        found.setdefault(example.stratum, {}).setdefault(key, set()).add(example.record)
    return [list(groups.values()) for groups in found.values()]


def _targets(strata: Sequence[Sequence[set[str]]], share: float) -> list[int]:
    """How many records of each stratum are held out: the share of all, rounded down, dealt by the largest remainders."""
    quotas = [sum(map(len, groups)) * share for groups in strata]
    targets = [int(quota) for quota in quotas]
    left = int(sum(sum(map(len, groups)) for groups in strata) * share) - sum(targets)
    for place in sorted(range(len(quotas)), key=lambda place: targets[place] - quotas[place])[:left]:
        targets[place] += 1
    return targets


def _taken(groups: Sequence[set[str]], target: int) -> list[set[str]]:
    """Of groups in order those that fit into `target` records, and the smallest of the others where that comes nearer."""
    taken: list[set[str]] = []
    left: list[set[str]] = []
    total = 0
    for group in groups:
        fits = total + len(group) <= target
        (taken if fits else left).append(group)
        total += len(group) * fits
    if left and 2 * (target - total) > len(smallest := min(left, key=len)):
        taken.append(smallest)
    return taken


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
