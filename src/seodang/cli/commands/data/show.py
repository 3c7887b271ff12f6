"""`seodang data show`: one record with its lineage and every verdict on it."""

import json
from pathlib import Path
from typing import Any

import click

from seodang.cli.options import runs_option

_WIDTH = 110


@click.command("show", short_help="Show a record's lineage down to the source, with every verdict.")
@click.argument("id")
@click.option(
    "--in", "place", type=click.Path(path_type=Path), help="A run's folder or name, or a ledger's folder; all ledgers where none is named."
)
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(id: str, place: Path | None, root: Path, as_json: bool) -> None:
    """Print the record ID: its content, who made it, every verdict, what was decided, and what it was made from, down to the document
    with its SHA-256 and licence. The original is opened where it still is, compared with that SHA-256, and the span's bytes are printed.

    ID is the ledger's (64 digits, or the first eight or more), or the short one of a run's files.
    """
    from seodang.pipeline.show import show

    told = show(id, place, root)
    click.echo(json.dumps(told, ensure_ascii=False, indent=2) if as_json else "\n".join(_lines(told)))


def _lines(told: dict[str, Any]) -> list[str]:
    lines = [*_head(told, ""), "verdicts:" if told["verdicts"] else "no verdict"]
    for verdict in told["verdicts"]:
        later = "" if verdict.get("counts", True) else "  (a later word counts)"
        lines.append(f"  {verdict['outcome']:<10}{verdict['check']} {verdict['version']}  {_short(verdict['evidence'])}{later}")
    for decision in told["decisions"]:
        because = f" by {decision['check']}" if decision["check"] else ""
        after = f", after {len(decision['heard'])} imports of what people said" if decision["heard"] else ""
        lines.append(f"{decision['decision']}{because}, policy {decision['policy']} ({decision['policy_digest'][:16]}){after}")
        lines += [f"  {reason['check']}: {reason['why'] or reason['outcome']}" for reason in decision["reasons"]]
    lines += ["made from:"] if told["derived_from"] else []
    for source in told["derived_from"]:
        lines += _source(source, "  ")
    return [*lines, f"ledger {told['ledger']}", *(f"also in {folder}" for folder in told["also_in"])]


def _source(told: dict[str, Any], indent: str) -> list[str]:
    lines = _head(told, indent)
    for source in told["derived_from"]:
        lines += _source(source, indent + "  ")
    return lines


def _head(told: dict[str, Any], indent: str) -> list[str]:
    content = told["content"]
    lines = [f"{indent}{told['kind']} {told['name']}  {told['id']}"]
    if told["kind"] == "document":
        lines.append(f"{indent}  sha256 {content['sha256']}, {content['num_characters']} characters, from {content['origin']}")
    elif told["kind"] == "span":
        lines.append(f"{indent}  {content['document']}, characters {content['start']} to {content['end']}: {_short(content['text'])}")
        lines += [f"{indent}  in the original: {_short(place)}" for place in content.get("places", ())]
        lines += _original(told["original"], f"{indent}  ") if "original" in told else []
    else:
        lines += [f"{indent}  {name}: {_short(value)}" for name, value in content.items() if value]
    activity = told["activity"]
    by = f", teacher {activity['teacher'][:16]}" if "teacher" in activity else ""
    evidence = told["permissions"].get("evidence", [])
    lines += [f"{indent}  licence by its {said['kind']}: {_short(said['says'])}, in {said['where']} {said['date']}" for said in evidence]
    permissions = ", ".join(f"{name} {value}" for name, value in told["permissions"].items() if name != "evidence")
    return [*lines, f"{indent}  by {activity['stage']} {activity['id'][:16]}{by}{'; ' * bool(permissions)}{permissions}"]


def _original(told: dict[str, Any], indent: str) -> list[str]:
    """What the original is like now, and the very bytes of the span, decoded."""
    state = {"unchanged": "unchanged", "changed": "changed since", "gone": "gone"}[told["state"]]
    lines = [f"{indent}the original is {state}{': ' * ('why' in told)}{told.get('why', '')}{', ' * ('path' in told)}{told.get('path', '')}"]
    return lines + ([f"{indent}its {len(told['content']) // 2} bytes there: {_short(told['text'])}"] if "content" in told else [])


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…"
