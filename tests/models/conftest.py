"""Lets these tests import the servers they talk to, `endpoints`, as pyright does."""

import sys
from pathlib import Path

TESTS = str(Path(__file__).parents[1])
if TESTS not in sys.path:
    sys.path.append(TESTS)
