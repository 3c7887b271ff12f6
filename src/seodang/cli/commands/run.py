"""`seodang run`: from a recipe to a report."""

from pathlib import Path

import click

from seodang.cli.options import find_recipe, runs_option


@click.command("run")
@click.argument("recipe", type=click.Path(path_type=Path))
@runs_option
@click.option("--until", metavar="STEP", help="Stop after this step, such as verify, and write no report.  [default: all steps]")
def command(recipe: Path, root: Path, until: str | None) -> None:
    """Carry out RECIPE, or what is left of it, and write a report.

    Finished steps are reused, also by other recipes; a run that was killed goes on where it was.
    """
    from seodang.core.files import read_json
    from seodang.pipeline.context import RunContext
    from seodang.pipeline.recipe import load_recipe
    from seodang.pipeline.run import run_recipe
    from seodang.pipeline.workspace import Workspace

    path = find_recipe(recipe)
    context = RunContext(load_recipe(path), path.resolve().parent, Workspace(root), file=path)
    folder = run_recipe(context, until)
    if until is not None or not context.team.first:
        return
    text = (folder / "report.md").read_text(encoding="utf-8")
    click.echo("\n" + text.split("\n## ", 1)[0].strip())
    report = read_json(folder / "report.json")
    for sentence in [*(report["winner"] or {}).get("sentences", [])[:1], *([report["guard"]["sentence"]] if report["guard"] else [])]:
        click.echo(sentence)
    click.echo(f"\nreport  {folder}/report.html\nchat    seodang chat {folder}\nserve   seodang serve {folder}")
