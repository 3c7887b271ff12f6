"""The house keeps its promises: light imports, short files, plain names, and one pinned version of everything."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
ALL_PYTHON = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))]
HEAVY = ["fastapi", "numpy", "peft", "scipy", "torch", "transformers", "xllamacpp"]
MAX_LINES = 400


def loaded_after(code: str) -> list[str]:
    """The heavy libraries that a fresh Python has loaded once it has run `code`."""
    check = f"import sys\n{code}\nprint('loaded:', *[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()[1:]


def test_importing_seodang_is_light() -> None:
    assert loaded_after("import seodang") == []


def test_help_is_light() -> None:
    run = """
from seodang.cli.main import main
sys.argv = ["seodang", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code
"""
    assert loaded_after(run) == []


def test_the_check_for_light_imports_can_fail() -> None:
    assert loaded_after("import numpy") == ["numpy"]


@pytest.mark.parametrize("path", ALL_PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(text)), "no docstring at the top"


def test_no_module_has_a_name_that_says_nothing() -> None:
    names = {part for path in SOURCES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert names.isdisjoint({"common", "helper", "helpers", "manager", "misc", "util", "utils"})


def test_every_requirement_is_pinned_exactly_once() -> None:
    """Each package that pyproject.toml asks for stands in constraints.txt, with one exact version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"], *(row for extra in extras for row in extra)]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [_normal(line.split("==")[0]) for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line) for line in lines if not line.startswith("#"))
    assert len(pins) == len(set(pins))
    assert {_normal(re.split(r"[\[=<>~! ]", row)[0]) for row in wanted} <= set(pins)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
