"""Arguments that several commands share."""

import math
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import click

from seodang.pipeline.workspace import DEFAULT_ROOT


class FiniteRange(click.FloatRange):
    """A number within bounds; `nan` and `inf`, which click lets pass, are refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number


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
