"""`seodang data review`: records for people to judge, as Label Studio's files, and what they said."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seodang.cli.options import FiniteRange, runs_option

if TYPE_CHECKING:
    from seodang.data.review.agreement import CheckBesidePeople, Review, Share

_SHARE = FiniteRange(0, 1, min_open=True, max_open=True)


@click.group("review", short_help="Records for people to judge (Label Studio), and what they said.")
def command() -> None:
    """Blind double annotation of decided records: `export` draws a sample and writes tasks, `import` reads what people said of them."""


@command.command("export", short_help="Draw a sample and write it as tasks.")
@click.argument("decisions", type=click.Path(path_type=Path), metavar="RUN|FILE")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--person", "people", multiple=True, help="A person who annotates, by a pseudonym; at least two. [default: a, b]")
@click.option(
    "--half-width", type=_SHARE, default=0.1, show_default=True, help="Half of the 95 % interval wanted in each stratum, a share."
)
@click.option("--acceptable", type=_SHARE, default=0.02, show_default=True, help="Share of wrong records that should be accepted.")
@click.option("--rejectable", type=_SHARE, default=0.08, show_default=True, help="Share of wrong records that should be refused.")
@click.option("--seed", type=int, default=0, show_default=True, help="Equal seeds draw the same records.")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def export(
    decisions: Path,
    out: Path,
    people: tuple[str, ...],
    half_width: float,
    acceptable: float,
    rejectable: float,
    seed: int,
    root: Path,
    as_json: bool,
) -> None:
    """Draw records of RUN (a run's folder or name, or its folder of the step `verify`) or FILE (decided records as JSON lines) and write
    OUT.

    Strata are the outcome, the check that decided and the kind of record. Each record is for two people, who see neither the decision nor
    each other. Beside OUT: one file a person, the labelling interface (.xml), and the plan (.plan.json), which is not for them.
    """
    from seodang.core.errors import InputError
    from seodang.data.review.queue import export_queue, read_decisions
    from seodang.pipeline.ledger import choose_run
    from seodang.pipeline.people import drawn_from

    folder, materials = _open(choose_run(decisions, root))
    try:
        queue = export_queue(
            read_decisions(folder),
            out,
            people or ("a", "b"),
            half_width=half_width,
            seed=seed,
            materials=materials,
            drawn_from=drawn_from(folder),
            acceptable=acceptable,
            rejectable=rejectable,
        )
    except ValueError as error:
        raise InputError(str(error), hint="name two people or more with --person, and 0 < --acceptable < --rejectable") from error
    strata = [{"stratum": stratum.name, "size": stratum.size, "drawn": stratum.drawn} for stratum in queue.strata]
    if as_json:
        told = {"items": queue.num_items, "strata": strata, "acceptance": queue.acceptance, "files": [str(file) for file in queue.files]}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for row in strata:
        click.echo(f"{row['stratum']:<40} {row['drawn']:>6} of {row['size']}")
    plan = queue.acceptance
    click.echo(f"accept a lot where at most {plan['c']} of {plan['n']} accepted records are wrong")
    click.echo(f"{queue.num_items} records, each for two people: {', '.join(str(file) for file in queue.files)}")


@command.command("import", short_help="Read what people said, and hold it against the checks.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--plan", type=click.Path(path_type=Path), help="The .plan.json of the queue. [default: the one beside the first file]")
@click.option("--out", type=click.Path(path_type=Path), help="Where the verdicts go, as JSON lines. [default: beside the plan]")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_(files: tuple[Path, ...], plan: Path | None, out: Path | None, root: Path, as_json: bool) -> None:
    """Read FILES as Label Studio exports them (JSON): one for all people, or one each, and those of the adjudication.

    Each person's verdicts (`person:ID`) and what they settled on (`people`) go into the ledger of the run that the queue was drawn from,
    where a policy may name them; with them count those of earlier imports. Writes the verdicts as a file too, and tasks for a third person
    where two disagree. Prints Krippendorff's alpha with its interval and, for each check, how often people say otherwise.
    """
    from seodang.core.files import write_json, write_json_lines
    from seodang.data.review.agreement import review
    from seodang.data.review.label_studio import read_annotations
    from seodang.data.review.queue import read_plan
    from seodang.pipeline.people import keep_people

    place = plan or _plan_beside(files[0])
    known = read_plan(place)
    annotations = [one for file in files for one in read_annotations(file, known["salt"])]
    kept = keep_people(known, annotations, root) if known.get("drawn_from") else None
    found = kept.review if kept else review(known, annotations, seed=known.get("seed", 0))
    base = place.with_name(place.name.removesuffix(".plan.json"))
    verdicts, tasks = out or base.with_name(f"{base.name}.verdicts.jsonl"), base.with_name(f"{base.name}.adjudication.json")
    rows = [{"record": v.record, "check": v.check, "outcome": v.outcome, "evidence": v.evidence} for v in found.verdicts]
    write_json_lines(verdicts, rows)
    again = [{"data": {**known["tasks"][item], "round": "adjudication", "assigned": "a third person"}} for item in found.to_adjudicate]
    if again:
        write_json(tasks, again)
    if as_json:
        told = {**found.row(), "verdicts": str(verdicts), "adjudication": str(tasks) if again else None}
        told |= {"ledger": str(kept.ledger) if kept else None, "num_new": kept.num_new if kept else 0}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    _print(found, verdicts, tasks if again else None)
    click.echo(f"{kept.num_new} new verdicts in {kept.ledger}" if kept else "no ledger: the queue was drawn from a file of no run")


def _open(decisions: Path) -> tuple[Path, dict[str, str]]:
    """Where the decisions are, and the passages' texts by id, for a run."""
    from dataclasses import fields

    from seodang.core.files import read_json_lines
    from seodang.core.records import Passage
    from seodang.pipeline.workspace import RUN_FILE, open_run

    if not (decisions / RUN_FILE).is_file():
        return decisions, {}
    run = open_run(decisions)
    names = {field.name for field in fields(Passage)}
    rows: list[dict[str, Any]] = read_json_lines(run.artifact("ingest").folder / "passages.jsonl")
    texts = {row["id"]: Passage(**{name: value for name, value in row.items() if name in names}).view for row in rows}
    return run.artifact("verify").folder, texts


def _plan_beside(file: Path) -> Path:
    from seodang.core.errors import InputError
    from seodang.data.review.queue import plan_path

    found = plan_path(file)
    while not found.is_file() and "." in found.name.removesuffix(".plan.json"):
        found = found.with_name(found.name.removesuffix(".plan.json").rsplit(".", 1)[0] + ".plan.json")
    if not found.is_file():
        raise InputError("no plan beside this file", where=str(file), hint="name it with --plan; `review export` wrote it")
    return found


def _print(found: "Review", verdicts: Path, tasks: Path | None) -> None:
    row = found.row()
    click.echo(f"{row['items']} records: {row['final']} settled, {row['to_adjudicate']} to adjudicate, {row['incomplete']} not seen by two")
    alpha, (low, high) = row["agreement"]["alpha"], row["agreement"]["interval"]
    told = "not defined: nothing varies" if alpha is None else f"{alpha:.3f} [{low:.3f}, {high:.3f}]" if low is not None else f"{alpha:.3f}"
    click.echo(f"Krippendorff's alpha {told}, {row['agreement']['units']} records, {row['agreement']['ratings']} ratings")
    for check in found.checks:
        click.echo(_beside(check))
    for one in found.disagreements:
        click.echo(f"  {one['record']}: {one['decided']}{' by ' + one['by'] if one['by'] else ''}, people say {one['people']}")
    click.echo(f"verdicts: {verdicts}" + (f"; for a third person: {tasks}" if tasks else ""))


def _beside(check: "CheckBesidePeople") -> str:
    return (
        f"{check.check:<22} passed but wrong {_told(check.passed_but_wrong)}, failed but right {_told(check.failed_but_right)} "
        "(weighted to all records)"
    )


def _told(share: "Share | None") -> str:
    if share is None:
        return "none seen"
    return f"{share.count}/{share.n}: {share.share:.1%} [{share.interval[0]:.1%}, {share.interval[1]:.1%}]"
