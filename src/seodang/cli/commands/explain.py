"""`seodang explain`: every key of a recipe."""

import click


@click.command("explain", short_help="Say what each key of a recipe means.")
@click.argument("section", required=False)
def command(section: str | None) -> None:
    """Say what each key of a recipe means, with its range and default; SECTION (such as `distill`) keeps one part."""
    from seodang.pipeline.explain import explain_recipe

    click.echo(explain_recipe(section))
