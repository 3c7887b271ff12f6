"""`seodang certify`: puts a backend to the proof, level by level."""

import json
import re
from pathlib import Path

import click


@click.group("certify", invoke_without_command=True, short_help="Prove what a backend claims, level by level.")
@click.option("--backend", metavar="NAME", help="A backend of `seodang devices`, or package.module:Class.")
@click.option("--level", "asked", metavar="N|N-M", default="4", show_default=True, help="Levels 0 to N, or N to M.")
@click.option("--family", type=click.Choice(["llama", "latent"]), help="One family of models.  [default: both]")
@click.option("--dtype", type=click.Choice(["float32", "bfloat16", "float16"]), default="float32", show_default=True,
              help="What is computed in; single operators in bfloat16 too, where this is float32.")  # fmt: skip
@click.option("--model", type=click.Path(path_type=Path), help="A Hugging Face folder that goes through levels 3 and 4 too.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="A folder for certificate.json.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    context: click.Context,
    backend: str | None,
    asked: str,
    family: str | None,
    dtype: str,
    model: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Prove what a backend claims. Level 0 is the contract, 1 single operators at A.X K1's real shapes against float64, 2 blocks, 3 tiny
    models against transformers' own code, 4 honesty of loading and memory.

    Every check says PASS, FAIL, UNSUPPORTED or NOT-RUN. Exit code 0: nothing failed; 11: something did.
    """
    if context.invoked_subcommand is not None:
        return
    if backend is None:
        raise click.UsageError("--backend is missing: `seodang devices` lists them")
    from seodang.core.files import write_json
    from seodang.testbed.certify.check import BOTH
    from seodang.testbed.certify.lines import end_lines, finding_line
    from seodang.testbed.certify.run import certify

    certificate = certify(
        backend,
        levels=_levels(asked),
        families=[name for name in BOTH if family in (None, name)],
        dtype=dtype,
        model=model,
        told=None if as_json else lambda finding: click.echo(finding_line(finding)),
    )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "certificate.json", certificate.row())
    click.echo(json.dumps(certificate.row(), indent=2, ensure_ascii=False) if as_json else "\n".join(end_lines(certificate)))
    certificate.require()


def _levels(asked: str) -> tuple[int, ...]:
    """`3` is 0 to 3; `1-2` and `1..2` are 1 and 2."""
    from seodang.testbed.certify.levels import LEVELS

    found = re.fullmatch(r"(?:(\d)(?:-|\.\.))?(\d)", asked)
    first, last = (int(found[1] or 0), int(found[2])) if found else (1, 0)
    if not first <= last <= max(LEVELS):
        raise click.BadParameter(f"`{asked}`: levels are 0 to {max(LEVELS)}, such as 3 or 1-2", param_hint="--level")
    return tuple(range(first, last + 1))
