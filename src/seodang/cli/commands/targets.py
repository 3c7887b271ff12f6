"""`seodang targets`: the caches of what teachers were asked."""

import json
from pathlib import Path
from typing import Any

import click

from seodang.cli.options import runs_option


@click.group("targets", short_help="Show caches of teacher targets: hits, sizes, certificates, uses.")
def command() -> None:
    """The teachers' distributions that are kept below the runs' folder, and what they were used for."""


@command.command("show")
@click.argument("cache", type=click.Path(path_type=Path), required=False)
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(cache: Path | None, root: Path, as_json: bool) -> None:
    """Show CACHE, a folder or the beginning of its name: sizes, fidelity certificates, hits, and which steps used it. Without CACHE,
    list all caches below the runs' folder."""
    from seodang.distill.targets.uses import describe_cache, find_caches, open_folder
    from seodang.pipeline.workspace import TARGET_CACHES, Workspace

    caches = Workspace(root).store / TARGET_CACHES
    if cache is not None:
        told = describe_cache(open_folder(cache, caches))
        click.echo(json.dumps(told, indent=2) if as_json else "\n".join(_lines(told)))
        return
    found = [describe_cache(folder) for folder in find_caches(caches)]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if not found:
        click.echo(f"no targets in {caches}; a recipe with the arm `distilled` makes some")
    for told in found:
        click.echo(_head(told))


def _head(told: dict[str, Any]) -> str:
    engine = (told["teacher"] or {}).get("engine", "unknown engine")
    hits = told["hits"]
    counts = f"{told['num_sequences']:,} sequences, {told['num_tokens']:,} tokens, {told['bytes'] / 1e6:,.2f} MB"
    return f"{told['cache']}  {counts}, {hits['found']:,} of {hits['asked']:,} asked were there  ({engine})"


def _lines(told: dict[str, Any]) -> list[str]:
    lines = [_head(told), "", "teacher:"]
    lines += [f"  {name}: {value}" for name, value in (told["teacher"] or {}).items()]
    for row in told["codecs"]:
        settings = ", ".join(f"{name} {value}" for name, value in row["codec"].items())
        lines += [
            "",
            f"{settings}: {row['num_sequences']:,} sequences, {row['num_tokens']:,} tokens, {row['bytes_per_token']:,.1f} bytes a token",
        ]
        lines.append(f"  {_certificate(row['certificate'])}")
    lines += ["", "used by:" if told["uses"] else "used by no step yet"]
    for use in told["uses"]:
        taught = f", teaching {use['student']}" if use["student"] else ""
        lines.append(f"  {use['run']} {use['step']}{taught}: {use['num_reused']:,} of {use['num_sequences']:,} sequences reused")
    return lines


def _certificate(found: dict[str, Any] | None) -> str:
    if found is None:
        return "no certificate: the teacher gives no whole distributions"
    places = f"(n = {found['num_positions']} positions of {found['num_sequences']} held-out sequences)"
    if "largest_difference" in found:
        return f"certificate: no distribution; each number within {found['largest_difference']:.1e} nats of the teacher's {places}"
    kl = "unbiased draws" if found["kl"] is None else f"KL(full || stored) {found['kl']:.5f} nats"
    rest = f"total variation {found['total_variation']:.5f}, gradient cosine {found['gradient_cosine']:.5f}"
    return f"certificate: {kl}, {rest} {places}"
