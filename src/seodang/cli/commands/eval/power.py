"""`seodang eval power`: what a number of items can show, before they are asked."""

import json

import click

from seodang.cli.options import FiniteRange


@click.command("power", short_help="What a number of items can show, and how many are needed.")
@click.option("--n", "num_items", type=click.IntRange(1, 1_000_000), required=True, help="Items.")
@click.option(
    "--discordant",
    type=FiniteRange(0, min_open=True),
    required=True,
    help="Items that only one of the two gets right: below 1 their share, from 1 on their whole number among --n.",
)
@click.option("--power", type=FiniteRange(0.5, 0.99), default=0.8, show_default=True, help="Probability of finding it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(num_items: int, discordant: float, power: float, as_json: bool) -> None:
    """Say which difference a paired comparison of N items finds, and how many items 1, 2, 3 and 5 points need: for the rule `superior`
    (McNemar's exact test) and for `non_inferior` with that margin and two equal models (Tango's score test), both at 2.5 % one-sided.

    The discordant share is that of a similar comparison, which `seodang eval compare` tells; with clusters, N is their effective number.
    """
    from seodang.core.errors import InputError
    from seodang.evaluation.planning import plan

    if discordant > 1 and not discordant.is_integer():
        hint = f"a share is below 1; a number of items is whole, such as {round(discordant)}"
        raise InputError("a share or a number of items?", where=f"--discordant {discordant:g}", hint=hint)
    told = plan(num_items, discordant, power=power)
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    superior, margin = told["superior"]["detectable_points"], told["non_inferior"]["smallest_margin_points"]
    click.echo(f"{num_items} items, {100 * told['discordant_share']:.1f} % of them right in one arm only, power {100 * power:.0f} %")
    click.echo(f"superior      finds {'no difference' if superior is None else f'{superior:.1f} points or more'}")
    click.echo(
        f"non_inferior  rules out {'no loss' if margin is None else f'a loss of {margin:.1f} points or more'}, where the models are equal"
    )
    for points in told["superior"]["needed_items"]:
        items = [told[rule]["needed_items"][points] for rule in ("superior", "non_inferior")]
        click.echo(f"{points} points: {' and '.join('impossible' if item is None else str(item) for item in items)} items")
