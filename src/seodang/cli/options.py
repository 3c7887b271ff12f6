"""Arguments that several commands share."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import click

from seodang.pipeline.workspace import DEFAULT_ROOT

runs_option: Callable[[Any], Any] = click.option(
    "--runs",
    "root",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_ROOT,
    show_default=True,
    help="Folder of runs and their store.",
)
run_argument: Callable[[Any], Any] = click.argument("run", type=click.Path(path_type=Path))


def find_recipe(path: Path) -> Path:
    """A recipe's path as given, or the one of that name that is installed with the package."""
    if path.exists():
        return path
    bundled = Path(str(resources.files("seodang") / "bundled" / "recipes" / path.name))
    for candidate in (bundled, bundled.with_name(f"{path.name}.yaml")):
        if candidate.is_file():
            return candidate
    return path
