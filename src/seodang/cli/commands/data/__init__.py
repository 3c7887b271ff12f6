"""`seodang data`: records, what was found about them, and what became of them."""

import click

from seodang.cli.command_folder import CommandFolder

_ORDER = ("audit", "show", "replay", "check", "audit-checks", "calibrate-judge", "dedup", "scan", "split", "review")


@click.group("data", cls=CommandFolder, package=__name__, order=_ORDER, short_help="Audit, show and re-decide records; run one check.")
def command() -> None:
    """Records with their lineage and every verdict on them, and the checks that gave these verdicts."""
