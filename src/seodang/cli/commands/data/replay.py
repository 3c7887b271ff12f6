"""`seodang data replay`: another policy decides again, from stored evidence."""

import json
from pathlib import Path
from typing import Any

import click

from seodang.cli.options import runs_option


@click.command("replay", short_help="Decide again by another policy, without the teacher.")
@click.argument("run", type=click.Path(path_type=Path), required=False)
@click.option("--policy", "file", required=True, type=click.Path(path_type=Path), help="YAML: what verdicts mean (docs/data.md).")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(run: Path | None, file: Path, root: Path, as_json: bool) -> None:
    """Decide about every record of RUN (a run's folder or name, or a ledger's folder; the only run, where none is named) by another
    policy, and print how many go from which decision to which.

    What people said in `data review` counts where the policy names `people` or `person:NAME`. No check is run and no teacher
    is asked. The decisions are kept beside the old ones. What the old policy rejected was not put to later checks: where the new one would
    let it through, it is counted as failed for want of their verdicts. `verify: {policy: FILE}` in the recipe puts it to them.
    """
    from seodang.data.ledger.policy import load_policy
    from seodang.pipeline.ledger import choose_run, find_place
    from seodang.pipeline.replay import replay

    told = replay(find_place(choose_run(run, root)), load_policy(file))
    click.echo(json.dumps(told, ensure_ascii=False, indent=2) if as_json else "\n".join(_lines(told)))


def _lines(told: dict[str, Any]) -> list[str]:
    lines = [f"policy {told['policy']} ({told['policy_digest'][:16]})"]
    for name in ("before", "after"):
        counts = told[name]
        decided = " + ".join(f"{decision} {counts[decision]}" for decision in ("accepted", "rejected", "quarantined", "failed"))
        lines.append(f"{name:<7}{decided} = input {counts['input']}")
    changed = [row for row in told["flow"] if row["from"] != row["to"]]
    lines += [f"{row['from']} to {row['to']}: {row['num']}" for row in changed] or ["no decision changes"]
    lines += [f"  {row['num']} for want of a verdict of {row['check']}" for row in told["unasked"]]
    return [*lines, *(f"kept in {path}" for path in told["views"])]
