"""Sandboxes that are started once for all tests of this folder."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from seodang.scoring.sandbox.confine import CONFINEMENTS
from seodang.scoring.sandbox.host import Sandbox
from seodang.scoring.sandbox.isolation import IsolationError
from seodang.scoring.sandbox.run import kept_sandbox


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The strongest that this machine has; without any, its tests are skipped."""
    try:
        return kept_sandbox()
    except IsolationError as fault:
        pytest.skip(fault.what)


@pytest.fixture(scope="session", params=CONFINEMENTS)
def confined(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox of each confinement; those that this machine refuses are skipped."""
    with ExitStack() as stack:
        try:
            entered = stack.enter_context(Sandbox(request.param))
        except IsolationError as fault:
            pytest.skip(fault.what)
        yield entered
