"""`seodang data dedup`: a file without its exact and near duplicates."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from seodang.cli.options import FiniteRange


@click.command("dedup", short_help="Write a file without its exact and near duplicates.")
@click.argument("source", metavar="IN.jsonl", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT.jsonl", type=click.Path(path_type=Path))
@click.option(
    "--threshold",
    type=FiniteRange(0.0, 1.0, min_open=True),
    default=0.8,
    show_default=True,
    help="Jaccard similarity of the sets of 5-character shingles from which two rows are one. It does not transfer to other shingles.",
)
@click.option("--field", help="The field whose text is compared (default: all that is asked and answered).")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes. The result does not depend on it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object with the counts.")
def command(source: Path, out: Path, threshold: float, field: str | None, workers: int, as_json: bool) -> None:
    """Write the rows of IN.jsonl that are no duplicates to OUT.jsonl, unchanged and in order, and the others to OUT.removed.jsonl with the
    reason, the line of the row that is kept for each, and their exact similarity.

    Of near duplicates the one with the most shingles is kept. A row is removed only for a row that it is as similar to as the threshold.
    """
    from seodang.data.dedup.rows_file import removed_path, write_without_duplicates

    counts = write_without_duplicates(source, out, threshold, field, workers)
    if as_json:
        told = {**asdict(counts), "threshold": threshold, "out": str(out), "removed": str(removed_path(out))}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    click.echo(
        f"{counts.input} rows: {counts.kept} kept, {counts.removed_exact} exact and {counts.removed_near} near duplicates of "
        f"{counts.clusters} kept rows removed (Jaccard {threshold:g}); what was removed: {removed_path(out)}"
    )
