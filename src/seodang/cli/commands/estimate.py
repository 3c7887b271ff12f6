"""`seodang estimate`: what a recipe will cost, before it is run."""

import json
from pathlib import Path

import click

from seodang.cli.options import find_recipe, runs_option


@click.command("estimate", short_help="Say what a recipe will cost, before it is run.")
@click.argument("recipe", type=click.Path(path_type=Path))
@runs_option
@click.option("--device", metavar="NAME|FILE", help="A described device: h100, cpu-2-cores or a YAML file.  [default: this machine]")
@click.option("--measure", is_flag=True, help="Measure this machine with the recipe's model first: about a minute; the result is kept.")
@click.option("--offline", is_flag=True, help="Fetch nothing: documents of a package must be in the store already.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(recipe: Path, root: Path, device: str | None, measure: bool, offline: bool, as_json: bool) -> None:
    """Say what RECIPE will cost: hours of teacher and students, bytes of cache and disk, and peak memory, each with a range.

    Counted from its documents, exams and models; nothing is computed or sent. A run's report shows the estimate against the actual cost.
    """
    if device is not None and measure:
        raise click.UsageError("give --device or --measure, not both: what is measured is this machine")
    from seodang.pipeline.context import RunContext
    from seodang.pipeline.estimate.estimate import estimate_run
    from seodang.pipeline.estimate.lines import estimate_lines
    from seodang.pipeline.recipe import load_recipe
    from seodang.pipeline.workspace import Workspace

    path = find_recipe(recipe)
    context = RunContext(load_recipe(path), path.resolve().parent, Workspace(root))
    if measure:
        from seodang.pipeline.estimate.measure import measure_machine

        click.echo(f"measured: {measure_machine(context)}", err=True)
    told = estimate_run(context, device=device, offline=offline)
    click.echo(json.dumps(told, indent=2, ensure_ascii=False) if as_json else "\n".join(estimate_lines(told)))
