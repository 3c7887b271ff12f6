"""`seodang eval`: put tasks to models, compare the answers, and decide."""

import click

from seodang.cli.command_folder import CommandFolder

_ORDER = ("tasks", "run", "compare", "gate", "report", "power", "similarity")


@click.group("eval", cls=CommandFolder, package=__name__, order=_ORDER, short_help="Put tasks to models, compare the answers, and decide.")
def command() -> None:
    """Proof of what a model can do: tasks, paired comparisons with intervals, a gate that can say no."""
