"""`seodang data split`: train, validation and test that share neither a source nor a near duplicate."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seodang.cli.options import FiniteRange

if TYPE_CHECKING:
    from seodang.data.split_file import Sources


@click.command("split", short_help="Write train and test files that share nothing.")
@click.argument("decisions", metavar="RUN|IN.jsonl", type=click.Path(path_type=Path))
@click.argument("out", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--ratio", "ratios", multiple=True, metavar="NAME=SHARE", help="A split and its share. [default: train=0.9 test=0.1]")
@click.option(
    "--source",
    "fields",
    multiple=True,
    metavar="FIELD",
    help="A field of every row that names its source, or a list of them. [default: of a run's records their documents, of a file's none]",
)
@click.option("--field", help="The field whose text is compared (default: all that is asked and answered).")
@click.option(
    "--similarity",
    type=FiniteRange(0.0, 1.0, min_open=True),
    default=0.6,
    show_default=True,
    help="Jaccard similarity of the sets of 5-character shingles from which two rows stay together.",
)
@click.option("--seed", default="", help="Equal seeds draw the same splits, in any order of the rows.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object with the counts.")
def command(
    decisions: Path,
    out: Path,
    ratios: tuple[str, ...],
    fields: tuple[str, ...],
    field: str | None,
    similarity: float,
    seed: str,
    as_json: bool,
) -> None:
    """Write the rows of IN.jsonl, or the accepted records of RUN, to one file a split in FOLDER, and prove that nothing leaks.

    Rows that are near duplicates or share a source go to one split together, also by way of others; which one is drawn by their text.
    Exit code 8 where two splits share something.
    """
    from seodang.data.split_file import write_splits

    shares = _ratios(ratios or ("train=0.9", "test=0.1"))
    source, sources = _open(decisions, fields)
    counts = write_splits(source, out, shares, sources, similarity, field, seed)
    if as_json:
        click.echo(json.dumps(asdict(counts), ensure_ascii=False, indent=2))
        return
    click.echo(f"{counts.input} rows in {counts.components} groups that share a source or are alike; the largest has {counts.largest}")
    for name, number in counts.rows.items():
        click.echo(f"{name:<12} {number:>8} rows  {counts.files[name]}")
    empty = [name for name, number in counts.rows.items() if not number]
    if empty:
        click.echo(f"nothing went to {', '.join(empty)}: groups are few or large; add sources, or raise --similarity", err=True)


def _ratios(told: tuple[str, ...]) -> dict[str, float]:
    from seodang.core.errors import InputError

    found: dict[str, float] = {}
    for one in told:
        name, _, share = one.partition("=")
        try:
            value = float(share)
        except ValueError:
            value = -1.0
        if not name.isidentifier() or name in found or not 0 < value <= 1:
            raise InputError(
                f"`{one}` is no split and its share", where="--ratio", hint="write for instance --ratio train=0.9 --ratio test=0.1"
            )
        found[name] = value
    return found


def _open(decisions: Path, fields: tuple[str, ...]) -> "tuple[Path, Sources]":
    """The file of rows, and what tells a row's sources."""
    from seodang.core.files import read_json_lines
    from seodang.data.split_file import sources_in
    from seodang.pipeline.workspace import RUN_FILE, open_run

    if not (decisions / RUN_FILE).is_file():
        return decisions, sources_in(fields)
    run = open_run(decisions)
    accepted = run.artifact("verify").folder / "accepted.jsonl"
    if fields:
        return accepted, sources_in(fields)
    documents = {row["id"]: row["document"] for row in read_json_lines(run.artifact("ingest").folder / "passages.jsonl")}
    return accepted, lambda row, where: tuple(sorted({documents[passage] for passage in row["passages"] if passage in documents}))
