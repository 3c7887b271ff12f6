"""`seodang report`: what a run found."""

from pathlib import Path

import click

from seodang.cli.options import run_argument


@click.command("report", short_help="Print the report of RUN.")
@run_argument
@click.option("--json", "as_json", is_flag=True, help="Print report.json instead of Markdown.")
def command(run: Path, as_json: bool) -> None:
    """Print the report of RUN (a folder such as runs/telecom_demo)."""
    from seodang.core.errors import InputError
    from seodang.pipeline.workspace import open_run

    folder = open_run(run).folder
    path = folder / ("report.json" if as_json else "report.md")
    if not path.is_file():
        raise InputError(
            "the run is not finished, so it has no report yet", where=str(folder), hint="run its recipe again: it goes on where it was"
        )
    click.echo(path.read_text(encoding="utf-8"), nl=False)
