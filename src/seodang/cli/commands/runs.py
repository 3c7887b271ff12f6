"""`seodang runs`: what there is below the runs' folder, and how to remove it."""

from pathlib import Path

import click

from seodang.cli.options import runs_option


@click.group("runs", short_help="List runs and what they keep; `runs prune` removes it.", invoke_without_command=True)
@runs_option
@click.pass_context
def command(context: click.Context, root: Path) -> None:
    """List the runs, and the store that they share; `seodang runs prune` removes what is not needed."""
    context.obj = root
    if context.invoked_subcommand is not None:
        return
    from seodang.pipeline.stored import list_runs, list_store
    from seodang.pipeline.workspace import Workspace

    workspace = Workspace(root)
    runs, entries = list_runs(workspace), list_store(workspace)
    if not runs:
        click.echo(f"no runs in {root}; `seodang run recipes/telecom_demo.yaml` makes one")
    for run in runs:
        score = "" if run.score is None else f", distilled {100 * run.score:.1f} % right"
        click.echo(f"{run.name:<24} {'finished' if run.finished else 'not finished'}{score}, {_size(run.num_bytes)}")
    if not entries:
        return
    click.echo(f"\nstore: {_size(sum(entry.num_bytes for entry in entries))}")
    for entry in entries:
        users = f"{len(entry.runs)} run{'s' * (len(entry.runs) != 1)}" if entry.runs else "no run"
        click.echo(f"  {entry.kind + '/' + entry.folder.name:<48} {_size(entry.num_bytes):>10}  {users}")


@command.command("prune")
@click.option("--unused", is_flag=True, help="Remove what no run refers to.")
@click.option("--run", "name", metavar="NAME", help="Remove this run, and what only it refers to.")
@click.option("--all-caches", is_flag=True, help="Remove packages, converted models and teacher targets, also those in use.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def prune(root: Path, unused: bool, name: str | None, all_caches: bool, dry_run: bool, yes: bool) -> None:
    """Remove runs and entries of the store. What is needed again is computed or fetched again."""
    if not (unused or name is not None or all_caches):
        raise click.UsageError("say what to remove: --unused, --run NAME or --all-caches")
    from seodang.pipeline.stored import choose, remove
    from seodang.pipeline.workspace import Workspace

    runs, entries = choose(Workspace(root), run=name, unused=unused, caches=all_caches)
    for run in runs:
        click.echo(f"run {run.name}: {_size(run.num_bytes)}")
    for entry in entries:
        click.echo(f"{entry.kind}/{entry.folder.name}: {_size(entry.num_bytes)}" + f" (used by {', '.join(entry.runs)})" * bool(entry.runs))
    total = sum(part.num_bytes for part in (*runs, *entries))
    if not runs and not entries:
        click.echo("nothing to remove")
        return
    if dry_run:
        click.echo(f"would free {_size(total)}; nothing was removed")
        return
    if not yes:
        click.confirm(f"remove these, {_size(total)} in all?", abort=True)
    kept = remove(runs, entries)
    for entry in kept:
        click.echo(f"kept {entry.kind}/{entry.folder.name}: another process is working on it", err=True)
    click.echo(f"freed {_size(total - sum(entry.num_bytes for entry in kept))}")


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"
