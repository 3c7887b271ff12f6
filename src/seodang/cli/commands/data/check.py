"""`seodang data check`: one check on records that anyone brings."""

import inspect
import json
from pathlib import Path

import click


@click.command("check", short_help="Run one check on a file of records.")
@click.argument("name")
@click.option("--input", "file", required=True, type=click.Path(path_type=Path), help="JSON lines: one record a line.")
@click.option(
    "--against",
    "--exam",
    "exam",
    type=click.Path(path_type=Path),
    metavar="EXAM.jsonl",
    help="JSON lines with the exam's questions, for checks that compare with them.",
)
@click.option(
    "--environment",
    "environments",
    multiple=True,
    help="package.module:Class, an environment that records may name, for checks that carry out calls. May be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object with the verdict on each record.")
def command(name: str, file: Path, exam: Path | None, environments: tuple[str, ...], as_json: bool) -> None:
    """Run the check NAME (a file of data/verify, or package.module:function) on each record of a file and print verdict and evidence.

    A record has `question` and `answer`, `prompt` and `completion`, `instruction` and `output`, `messages`, `conversations` or `text`;
    `truth` holds what a check compares with (docs/checks.md). A check that lacks something to compare with says undecided, and what.
    Exit code 0 whatever the verdicts are.
    """
    from seodang.core.errors import InputError
    from seodang.data.record_texts import asked_text
    from seodang.data.records_file import read_numbered_records
    from seodang.data.verify.code_runs import isolation_in_force
    from seodang.data.verify.context import bare_context
    from seodang.data.verify.find import find_check
    from seodang.data.verify.guard import guarded
    from seodang.data.verify.section import VerifySection

    check = find_check(name)
    per_record = bool(getattr(inspect.getmodule(check), "PER_RECORD", False))
    numbered = read_numbered_records(file)
    records = [record for _, record in numbered]
    questions = [asked_text(record) for _, record in read_numbered_records(exam)] if exam else []
    if exam and not questions:
        raise InputError("no exam items", where=str(exam), hint="one item a line; against an empty exam every record would be clean")
    section = VerifySection(tool_environments=environments)
    for line in isolation_in_force([check], records, section):
        click.echo(line, err=True)
    with bare_context(section, questions, standalone=True) as context:
        verdicts = guarded(name, check, records, context, per_record=per_record)
    judged = [(line, verdict) for (line, _), verdict in zip(numbered, verdicts, strict=True)]
    if as_json:
        rows = [{"line": line, "record": v.record, "outcome": v.outcome, "evidence": v.evidence} for line, v in judged]
        click.echo(json.dumps({"check": name, "verdicts": rows}, ensure_ascii=False, indent=2))
        return
    for line, verdict in judged:
        told = ", ".join(f"{key} {value}" for key, value in verdict.evidence.items())
        click.echo(f"{verdict.outcome:<10}{file}:{line}  {verdict.record}  {told}")
