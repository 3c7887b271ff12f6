"""`seodang data calibrate-judge`: a judge model against records of which people said whether they are right."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from seodang.core.records import Record


@click.command("calibrate-judge", short_help="Hold a judge model against labelled records.")
@click.argument("labelled", metavar="LABELLED.jsonl", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT.json", type=click.Path(path_type=Path))
@click.option("--judge", "name", required=True, metavar="MODULE:FUNCTION", help="A function that returns the ChatModel that judges.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: what is written to OUT.json.")
def command(labelled: Path, out: Path, name: str, as_json: bool) -> None:
    """Ask a judge about records whose field `right` is true or false by people, and write how far it agrees with them.

    OUT.json is what a recipe's `verify.judge_calibration` names. Told are Cohen's kappa, Krippendorff's alpha, false accepts and false
    rejects with 95 % intervals, and how often the order of the choices or the wording changed the verdict. The judge may reject records
    where enough of the answers that it failed were wrong (`verify.judge_precision`); otherwise it only queues them for people.
    """
    from seodang.data.verify.judged import open_judge, why_not_rejecting
    from seodang.data.verify.section import VerifySection
    from seodang.data.verify_audit.calibrate import calibrate

    found = calibrate(open_judge(name), _labelled(labelled), store=out)
    told = asdict(found)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    kappa = "not defined" if found.kappa is None else f"{found.kappa:.3f}"
    click.echo(f"{found.name} on {found.n} records: kappa {kappa}, {found.num_undecided} undecided")
    for what in ("false_accept", "false_reject", "caught", "rejected_rightly", "order_flips", "wording_flips"):
        rate = getattr(found, what)
        if rate is not None:
            low, high = rate.interval
            click.echo(f"{what:<17}{rate.count:>6} of {rate.n}  {100 * rate.share:.1f} % [{100 * low:.1f}, {100 * high:.1f}]")
    objection = why_not_rejecting(told, VerifySection().judge_precision)
    click.echo(f"it may only queue: {objection}" if objection else "it may reject")
    click.echo(f"written: {out}")


def _labelled(path: Path) -> "list[tuple[Record, bool]]":
    """InputError for a row without a label, and for an empty file."""
    from seodang.core.errors import InputError
    from seodang.data.lines_file import numbered_rows
    from seodang.data.records_file import record_of_row

    found: list[tuple[Record, bool]] = []
    for number, row in numbered_rows(path):
        where = f"{path}:{number}"
        record = record_of_row(row, where)
        if not isinstance(row.get("right"), bool):
            raise InputError("no label", where=where, hint="say by `right`, true or false, whether people found the answer right")
        found.append((record, row["right"]))
    if not found:
        raise InputError("no records", where=str(path), hint="one labelled record a line, some right and some wrong")
    return found
