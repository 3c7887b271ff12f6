"""A group of commands that are the files of a package: each holds a `command`."""

import importlib
from collections.abc import Sequence
from typing import Any

import click

from seodang.core.registry import names_in


class CommandFolder(click.Group):
    """Commands in `order`, then the others by name. A file `audit_checks.py` is the command `audit-checks`."""

    def __init__(self, *args: Any, package: str, order: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.package, self.order = package, order

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = [name.replace("_", "-") for name in names_in(self.package)]
        return sorted(names, key=lambda name: (self.order.index(name) if name in self.order else len(self.order), name))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        return importlib.import_module(f"{self.package}.{cmd_name.replace('-', '_')}").command
