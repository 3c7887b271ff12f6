"""`seodang data scan`: which rows of a file share something with an exam."""

import json
from collections import Counter
from pathlib import Path

import click

from seodang.cli.options import FiniteRange


@click.command("scan", short_help="Find rows that share wording or answer keys with an exam.")
@click.argument("source", metavar="IN.jsonl", type=click.Path(path_type=Path))
@click.option(
    "--against", "exam", required=True, type=click.Path(path_type=Path), metavar="EXAM.jsonl", help="JSON lines: one exam item a line."
)
@click.option(
    "--coverage",
    type=FiniteRange(0.0, 1.0, min_open=True),
    default=0.5,
    show_default=True,
    help="Share of an item's n-grams in a row, or of a row's in an item, from which the row is dirty.",
)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes. The result does not depend on it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one object with counts and findings.")
def command(source: Path, exam: Path, coverage: float, workers: int, as_json: bool) -> None:
    """Compare every row of IN.jsonl with every item of an exam, in both directions: items inside of rows, and rows inside of items, by
    n-grams of characters (Hangul, Han, kana) or words; and items in another language by their numbers, options and answer.

    A finding by numbers alone is undecided unless eight numbers are equal. Exit code 0 whatever is found.
    """
    from seodang.core.errors import InputError
    from seodang.data.contamination.index import ExamItem, build_index
    from seodang.data.contamination.scan import scan_lines
    from seodang.data.lines_file import LinesFile
    from seodang.data.row_text import parts_of_row

    def asked_of(lines: LinesFile, index: int) -> ExamItem:
        item = ExamItem(*parts_of_row(lines.row(index), lines.where(index)))
        return item if item.question else ExamItem(item.answer)  # an item that is one text is what is asked

    with LinesFile(exam) as exam_lines, LinesFile(source) as lines:
        if not len(exam_lines):
            raise InputError("no exam items", where=str(exam), hint="one item a line; against an empty exam every row would be clean")
        index = build_index([asked_of(exam_lines, number) for number in range(len(exam_lines))])
        findings = [
            {
                "line": lines.number(number),
                "exam_line": exam_lines.number(found.item),
                "direction": found.direction,
                "outcome": "dirty" if found.certain else "undecided",
                "coverage": round(found.coverage, 4),
                "longest_run": found.longest_run,
                "unit": found.unit,
                "matched": found.matched,
            }
            for number, founds in enumerate(scan_lines(lines, index, coverage, workers))
            for found in founds
        ]
        dirty = {found["line"] for found in findings if found["outcome"] == "dirty"}
        told = {
            "rows": len(lines),
            "dirty": len(dirty),
            "undecided": len({found["line"] for found in findings} - dirty),
            "exam_items": index.num_items,
            "exam_items_found": len({found["exam_line"] for found in findings}),
            "exam_items_too_short": [exam_lines.number(item) for item in index.too_short],
            "directions": dict(Counter(str(found["direction"]) for found in findings)),
        }
    if as_json:
        click.echo(json.dumps({**told, "findings": findings}, ensure_ascii=False, indent=2))
        return
    for found in findings:
        click.echo(
            f"{source}:{found['line']} {found['outcome']}, {found['direction']} of {exam}:{found['exam_line']}, "
            f"coverage {found['coverage']}, {found['longest_run']} {found['unit']}: {found['matched']}"
        )
    click.echo(
        f"{told['rows']} rows: {told['dirty']} dirty, {told['undecided']} undecided; {told['exam_items_found']} of {told['exam_items']} "
        f"exam items found, {len(index.too_short)} too short for n-grams"
    )
