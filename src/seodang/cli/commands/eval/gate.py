"""`seodang eval gate`: what was declared beforehand, decided."""

import json
from pathlib import Path
from typing import Any

import click

from seodang.cli.options import FiniteRange, runs_option


@click.command("gate", short_help="Decide a declared gate: passed, failed or inconclusive.")
@click.argument("path", metavar="GATE.yaml", type=click.Path(path_type=Path))
@click.option("--waive", "waived", multiple=True, metavar="NAME: REASON", help="Count what is inconclusive as held, on somebody's word.")
@click.option("--waiver", type=click.Path(path_type=Path), metavar="FILE.yaml", help="The same from a file, which may name the rules.")
@click.option("--redeclare", metavar="REASON", help="Declare the gate anew although answers were there; stays in every verdict.")
@click.option(
    "--similarity", "similarity", multiple=True, metavar="TASK=FILE", help="What `seodang eval similarity` wrote: clean and dirty apart."
)
@click.option("--threshold", type=FiniteRange(0, 1, min_open=True), default=0.5, show_default=True, help="Similarity of a dirty item.")
@click.option("--api-key-env", metavar="NAME", help="Environment variable with an endpoint's key.")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    path: Path,
    waived: tuple[str, ...],
    waiver: Path | None,
    redeclare: str | None,
    similarity: tuple[str, ...],
    threshold: float,
    api_key_env: str | None,
    root: Path,
    as_json: bool,
) -> None:
    """Ask what is missing for the gate of GATE.yaml, and decide it by the rules that it declares.

    The declaration is kept in RUNS/eval/gates/NAME before the first item is asked. Exit code 0 passed, 9 failed, 13 inconclusive.
    """
    from seodang.core.errors import GuardError, InconclusiveError
    from seodang.evaluation.gate_file import parse_waiver
    from seodang.pipeline.gate import read_waiver, run_gate

    waivers = [parse_waiver(text) for text in waived] + ([read_waiver(waiver)] if waiver is not None else [])
    files = dict(_named_file(text) for text in similarity)
    verdict = run_gate(path, root, redeclare=redeclare, waivers=waivers, similarity=files, threshold=threshold, api_key_env=api_key_env)
    click.echo(json.dumps(verdict, ensure_ascii=False, indent=2) if as_json else "\n".join(_lines(verdict)))
    if verdict["verdict"] == "failed":
        raise GuardError(f"the gate `{verdict['gate']}` failed", where=str(path), hint=f"{verdict['folder']} has every number")
    if verdict["verdict"] == "inconclusive":
        hint = verdict.get("held_back", "more items tell (`seodang eval power`), or `--waive` on somebody's word")
        raise InconclusiveError(f"the gate `{verdict['gate']}` is inconclusive", where=str(path), hint=hint)


def _named_file(text: str) -> tuple[str, Path]:
    from seodang.core.errors import InputError

    name, equals, file = text.partition("=")
    if not equals:
        raise InputError(
            "a similarity file of a task is TASK=FILE", where=text, hint="`seodang eval similarity RUN --task T --out FILE` writes it"
        )
    return name, Path(file)


def _lines(verdict: dict[str, Any]) -> list[str]:
    lines = [row["sentence"] + (f" (waived by {row['waived']['waived_by']})" if "waived" in row else "") for row in verdict["rules"]]
    lines += [f"told only: {row['sentence']}" for row in verdict["secondary"]]
    for family, kept in verdict["retention"].items():
        ratio, interval = kept["ratio"], kept["interval"]
        told = "not defined" if ratio is None else f"{100 * ratio:.0f} %"
        told += f" ({100 * interval[0]:.0f} to {100 * interval[1]:.0f})" if kept["status"] == "bounded" else f" ({kept['status']})"
        lines.append(f"kept of the teacher, {family}: {told}, {kept['n']} items")
    if not verdict["declared_before"]:
        lines.append("not declared beforehand: " + ("; ".join(verdict["changes"]) or "answers of the student were there already"))
    lines += [f"declared anew at {one['at']}: {one['reason']}" for one in verdict["redeclared"]]
    lines += [f"could not be read, and may hold the student's answers: {place}" for place in verdict.get("could_not_be_read", ())]
    return [*lines, f"{verdict['gate']}: {verdict['verdict']}", f"verdict  {verdict['folder']}"]
