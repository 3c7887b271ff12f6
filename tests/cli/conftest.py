"""A small project with a random model, run once for all tests; and the benchmarks' modules, importable."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")
if BENCHMARKS not in sys.path:
    sys.path.append(BENCHMARKS)


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from small_project import make_random_model

    return make_random_model(tmp_path_factory.mktemp("random_model"))
