"""`seodang data audit`: proves from a run's ledger that no record was lost."""

import json
from pathlib import Path

import click

from seodang.cli.options import runs_option


@click.command("audit", short_help="Prove that accepted + rejected + quarantined + failed = input.")
@click.argument("run", type=click.Path(path_type=Path), required=False)
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the numbers, and each fault.")
def command(run: Path | None, root: Path, as_json: bool) -> None:
    """Compute everything that the ledger of RUN says again from its shards: hashes, units of work, verdicts, decisions.

    The records that the step `build` of RUN wrote, and the files of its step `verify`, are held against the ledger, line by line.

    RUN is a run's folder or name, or a ledger's folder below runs/.store/ledger; the only run, where none is named. Exit code 8 where
    anything does not hold.
    """
    from seodang.data.ledger.audit import require_sound
    from seodang.pipeline.audit import audit_place
    from seodang.pipeline.ledger import choose_run

    found = audit_place(choose_run(run, root))
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else "\n".join(_lines(found)))
    require_sound(found)


def _lines(found: dict[str, object]) -> list[str]:
    decided = " + ".join(f"{name} {found[name]}" for name in ("accepted", "rejected", "quarantined", "failed"))
    counted = ", ".join(f"{found[name]} {name}" for name in ("activities", "verdicts", "units", "views"))
    kinds, shards = found["records"], found["shards"]
    assert isinstance(kinds, dict)
    assert isinstance(shards, dict)
    return [
        f"{decided} = input {found['input']}  ({found['repeated']} of the rejected are repeats)",
        f"records: {', '.join(f'{number} {kind}' for kind, number in kinds.items()) or 'none'}",
        f"{counted}; {sum(shards.values())} shards, {found['bytes']} bytes",
        f"{found['num_faults']} faults",
    ]
