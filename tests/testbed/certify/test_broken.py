"""The kit against backends that are broken on purpose: each is caught, at its level and not before."""

import pytest

from seodang.testbed.certify.broken.fault import TOPICS, Broken, faults
from seodang.testbed.certify.self_test import put_to_the_kit

EVERY = [kind for topic in TOPICS for kind in faults(topic)]


def test_there_are_faults_of_every_level() -> None:
    assert len(EVERY) >= 50
    assert {kind.level for kind in EVERY} == set(range(7))
    assert all(kind.__doc__ and kind.__doc__ != Broken.__doc__ for kind in EVERY), "each says what its fault is"


@pytest.mark.parametrize("kind", EVERY, ids=[f"{kind.__module__.rpartition('.')[2]}-{kind.__name__}" for kind in EVERY])
def test_a_broken_backend_fails_at_its_level_and_not_before(kind: type[Broken]) -> None:
    caught = put_to_the_kit(kind, thorough=False)
    assert caught.failed[:1] == (kind.level,), caught


def test_nothing_is_wrong_with_a_broken_backend_without_its_fault() -> None:
    class Whole(Broken):
        """No fault at all."""

        level = 4

    assert put_to_the_kit(Whole, thorough=False).failed == ()
