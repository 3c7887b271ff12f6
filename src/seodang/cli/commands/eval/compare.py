"""`seodang eval compare`: one evaluation against others, item by item."""

import json
from pathlib import Path
from typing import Any

import click

from seodang.cli.options import FiniteRange, runs_option


@click.command("compare", short_help="Compare evaluations item by item, with intervals.")
@click.argument("a")
@click.argument("others", metavar="B...", nargs=-1, required=True)
@click.option("--common", is_flag=True, help="Compare the items that both have, and say how many are left out.")
@click.option(
    "--similarity", type=click.Path(path_type=Path), metavar="FILE", help="What `seodang eval similarity` wrote: clean and dirty apart."
)
@click.option("--threshold", type=FiniteRange(0, 1, min_open=True), default=0.5, show_default=True, help="Similarity of a dirty item.")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(a: str, others: tuple[str, ...], common: bool, similarity: Path | None, threshold: float, root: Path, as_json: bool) -> None:
    """Compare the evaluation A with each B: folders that `seodang eval run` wrote, beginnings of their names below RUNS/eval, or
    RUN:ARM[:SEED] for what an arm of a recipe answered in its exam (RUN:ARM/general: in its general suite).

    Both have to be of one task, one version and the same items; other options and settings are told. Differences are A minus B; errors
    count as wrong on either side, and the range says what they may hide. With several B, p values are corrected for their number (Holm).
    """
    from seodang.evaluation.clean_items import difference_by_similarity, read_similarity
    from seodang.evaluation.compare import compare
    from seodang.evaluation.pairs import pair
    from seodang.pipeline.find_evaluation import find_evaluation

    first = find_evaluation(a, root)
    pairings = [pair(first, find_evaluation(other, root), common=common) for other in others]
    rows = compare(pairings)
    if similarity is not None:
        split = read_similarity(similarity, first.items, threshold)
        rows = [row | {"similarity": difference_by_similarity(pairing, split)} for row, pairing in zip(rows, pairings, strict=True)]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(line for row in rows for line in _lines(row)))


def _lines(row: dict[str, Any]) -> list[str]:
    counts, cost = row["items"], row["cost"]
    lines = [row["sentence"], f"  A better on {counts['a_better']} items, B on {counts['b_better']}, equal on {counts['equal']}"]
    if any(row["left_out"].values()):
        lines.append(f"  left out: {row['left_out']['a']} items of A, {row['left_out']['b']} of B")
    if any(row["errors"].values()):
        low, high = (100 * end for end in row["difference_range"])
        lines.append(
            f"  errors: {row['errors']['a']} of A, {row['errors']['b']} of B; without them the difference lies in {low:+.1f} to {high:+.1f}"
        )
    lines.append(f"  new tokens an answer: {cost['new_tokens']['a']:.0f} and {cost['new_tokens']['b']:.0f}; {_per_right(cost)}")
    lines += [f"  {name}: {_part(part)}" for name, part in row["parts"].items() if len(row["parts"]) > 1]
    if (split := row.get("similarity")) is not None:
        lines += [f"  {side} items: {_side(split[side])}" for side in ("clean", "dirty")]
    return lines


def _per_right(cost: dict[str, Any]) -> str:
    found = cost["new_tokens_per_right"]
    if found["difference"] is None:
        return "no right answers on one side, so no tokens of a right one"
    low, high = found["interval"] or (float("-inf"), float("inf"))
    told = f"difference {found['difference']:+.0f}, 95 % interval {low:+.0f} to {high:+.0f}"
    return f"of a right one {found['a']:.0f} and {found['b']:.0f} ({told})"


def _part(part: dict[str, Any]) -> str:
    from seodang.evaluation.compare import could_see, errors_may_hide

    low, high = (100 * end for end in part["interval"])
    found = f"{100 * part['difference']:+.1f} ({low:+.1f} to {high:+.1f}, p = {part['p_holm']:.3g}, {part['n']} items)"
    if errors_may_hide(part):
        return f"{found}; errors may hide a difference of either sign"
    if part["p_holm"] <= 0.05:
        return found
    return f"{found}; {could_see(part['seen'])}"


def _side(side: dict[str, Any] | None) -> str:
    return "none" if side is None else f"{100 * side['difference']:+.1f} points, {side['n']} items"
