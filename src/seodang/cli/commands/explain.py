"""`seodang explain`: every key of a recipe, or of a gate."""

import click


@click.command("explain", short_help="Say what each key of a recipe or a gate means.")
@click.argument("section", required=False)
def command(section: str | None) -> None:
    """Say what each key of a recipe means, with its range and default; SECTION (such as `distill`) keeps one part, and `gate` tells the
    keys of a gate's file."""
    from seodang.pipeline.explain import explain

    click.echo(explain(section))
