"""How scores of evaluations are printed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click


def print_scores(rows: Sequence[Mapping[str, Any]], *, as_json: bool, alone: bool = False) -> None:
    """Each evaluation's score with its interval and errors, and where its answers are. As JSON a list, or one row that is `alone`."""
    if as_json:
        click.echo(json.dumps(rows[0] if alone else rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        errors = f", {row['errors']} errors" if row["errors"] else ""
        click.echo(f"{row['model']} on {row['task']}: {_score(row)} items{errors}{', synthetic' if row['synthetic'] else ''})")
        split = row.get("similarity") or {}
        for side in ("clean", "dirty"):
            if split.get(side) is not None:
                click.echo(f"  {side} items: {_score(split[side])} items)")
        if cut := (row.get("cost") or {}).get("cut_share"):
            click.echo(f"  {100 * cut:.1f} % of the answers were cut where no more tokens were allowed")
        if row["errors"] and row.get("score_without_errors") is None:
            click.echo("warning: every answer ended in an error, so the score says nothing of the model", err=True)
        click.echo(f"answers  {row['folder']}")


def _score(row: Mapping[str, Any]) -> str:
    low, high = (100 * end for end in row["interval"])
    return f"{100 * row['score']:.1f} % ({low:.1f} to {high:.1f}, {row['n']}"
