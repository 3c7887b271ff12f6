"""`seodang run`: from a recipe to a report."""

from pathlib import Path

import click

from seodang.cli.options import find_recipe, runs_option


@click.command("run")
@click.argument("recipe", type=click.Path(path_type=Path))
@runs_option
def command(recipe: Path, root: Path) -> None:
    """Carry out RECIPE, or what is left of it, and write a report.

    Finished steps are reused, also by other recipes; a run that was killed goes on where it was.
    """
    from seodang.pipeline.context import RunContext
    from seodang.pipeline.recipe import load_recipe
    from seodang.pipeline.run import run_recipe
    from seodang.pipeline.workspace import Workspace

    path = find_recipe(recipe)
    context = RunContext(load_recipe(path), path.resolve().parent, Workspace(root))
    folder = run_recipe(context)
    if not context.team.first:
        return
    report = (folder / "report.md").read_text(encoding="utf-8")
    click.echo("\n" + report.split("\n## ", 1)[0].strip())
    click.echo(f"\nreport  {folder}/report.html\nchat    seodang chat {folder}\nserve   seodang serve {folder}")
