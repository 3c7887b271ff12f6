"""`seodang eval similarity`: how like a task's items are to what a run taught."""

import json
from pathlib import Path

import click

from seodang.cli.options import FiniteRange, runs_option


@click.command("similarity", short_help="How like a task's items are to what a run taught.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--task", "name", required=True, help="The task, as `seodang eval tasks` lists it, or package.module:value.")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of the task; may be given several times.")
@click.option("--limit", type=click.IntRange(min=1), help="Items that are compared, spread over the parts.  [default: all]")
@click.option("--threshold", type=FiniteRange(0, 1, min_open=True), default=0.5, show_default=True, help="Similarity of a dirty item.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="JSON lines: item, similarity, record, method.")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    run: Path, name: str, options: tuple[str, ...], limit: int | None, threshold: float, out: Path, root: Path, as_json: bool
) -> None:
    """Find the most similar accepted record of RUN (its folder, or a file of records) for each item of a task.

    The similarity is the largest of: the Jaccard index of character trigrams of the questions, and the shares of n-grams of the item in the
    record and of the record in the item. `--similarity` of run, compare and gate reads the file.
    """
    from seodang.evaluation.run import task_items
    from seodang.evaluation.task import find_task
    from seodang.pipeline.asked_tasks import parse_options
    from seodang.pipeline.similarity import similarities, taught_records, write_similarities
    from seodang.pipeline.workspace import Workspace

    task = find_task(name)
    items = task_items(task, parse_options(task, options, limit=limit), Workspace(root).store)
    records = taught_records(run)
    found = similarities(items, records)
    write_similarities(out, found)
    told = {
        "task": task.name,
        "items": len(items),
        "records": len(records),
        "threshold": threshold,
        "dirty": sum(one.similarity >= threshold for one in found),
        "file": str(out),
    }
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        click.echo(
            f"{told['dirty']} of {len(items)} items are at least {threshold} like one of {len(records)} records\nsimilarities  {out}"
        )
