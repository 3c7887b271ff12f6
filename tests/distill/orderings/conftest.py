"""Lets these tests import `oracles`, what the losses are compared with, as pyright does."""

import sys
from pathlib import Path

TESTS = str(Path(__file__).parents[2])
if TESTS not in sys.path:
    sys.path.append(TESTS)
