"""`seodang data audit-checks`: how often each check is fooled, on the probes that it ships."""

import json
from typing import Any

import click


@click.command("audit-checks", short_help="How often each check is fooled, on its own probes.")
@click.argument("names", nargs=-1)
@click.option("--strict", is_flag=True, help="Exit with 1 where a check let through a probe that it should reject, or has no probes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object with a row for each check.")
def command(names: tuple[str, ...], strict: bool, as_json: bool) -> None:
    """Put every check (or those in NAMES) to the records that ship with it and of which it is known what it should say.

    Prints false accepts (of the records to be rejected, those let through) and false rejects with 95 % intervals. Undecided and errors
    are counted apart. A check without probes has no audit: it cannot certify a record.
    """
    from seodang.data.verify.find import check_names
    from seodang.data.verify_audit.audit import audit_check

    rows = {name: audit_check(name).row() for name in names or check_names()}
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        _print(rows)
    if strict and any(not row["probes"] or row["false_accept"] for row in rows.values()):
        raise SystemExit(1)


def _print(rows: dict[str, dict[str, Any]]) -> None:
    click.echo(f"{'check':<22}{'probes':>7}{'false accept':>26}{'false reject':>26}{'undecided':>11}  certifies")
    for name, row in rows.items():
        if not row["probes"]:
            click.echo(f"{name:<22}{0:>7}  no audit: it ships no probes, so it cannot certify")
            continue
        told = "yes" if row["certifies"] else f"no: {row['reason']}"
        rates = "".join(f"{_told(row, key):>26}" for key in ("false_accept", "false_reject"))
        click.echo(f"{name:<22}{row['probes']:>7}{rates}{row['undecided']:>11}  {told}")
    for name, row in rows.items():
        for one in row["wrong"]:
            mark = " (adversarial)" if one["adversarial"] else ""
            click.echo(f"{name}: should {one['should']}, said {one['said']}{mark}: {one['about']}")


def _told(row: dict[str, Any], key: str) -> str:
    if row[key] is None:
        return "no probes"
    low, high = row["intervals"][key]
    return f"{row[key]:.1%} [{low:.1%}, {high:.1%}]"
