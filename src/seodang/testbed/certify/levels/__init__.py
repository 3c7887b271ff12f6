"""The checks by level. Each module lists its own in `CHECKS`."""

import importlib
from collections.abc import Mapping

from seodang.testbed.certify.check import Check

MODULES: Mapping[int, tuple[str, ...]] = {
    0: ("l0", "l0_steps"),
    1: ("l1", "l1_edges"),
    2: ("l2",),
    3: ("l3", "l3_sequences"),
    4: ("l4", "l4_perturbed", "l4_memory"),
    5: ("l5",),
    6: ("l6", "l6_sustained"),
}
LEVELS = tuple(MODULES)
OWN_LEVELS = (3, 4)  # those that a user's model goes through too


def checks_of(level: int) -> tuple[Check, ...]:
    """The checks of a level, in the order in which they are made."""
    modules = [importlib.import_module(f"seodang.testbed.certify.levels.{name}") for name in MODULES[level]]
    return tuple(check for module in modules for check in module.CHECKS)
