"""`seodang certify`: puts a backend to the proof, level by level."""

import json
import re
from pathlib import Path

import click

from seodang.cli.options import FiniteRange


@click.group("certify", invoke_without_command=True, short_help="Prove what a backend claims, level by level.")
@click.option("--backend", metavar="NAME", help="A backend of `seodang devices`, or package.module:Class.")
@click.option("--level", "asked", metavar="N|N-M", default="4", show_default=True, help="Levels 0 to N, or N to M.")
@click.option("--family", type=click.Choice(["llama", "latent"]), help="One family of models.  [default: both]")
@click.option("--dtype", type=click.Choice(["float32", "bfloat16", "float16"]), default="float32", show_default=True,
              help="What is computed in; single operators in bfloat16 too, where this is float32.")  # fmt: skip
@click.option("--model", type=click.Path(path_type=Path), help="A Hugging Face folder that goes through levels 3 and 4 too.")
@click.option("--steady", type=FiniteRange(0, 86_400), default=0.0, metavar="SECONDS",
              help="Level 6: how long each family is kept under load; 600 for a certificate.  [default: not run]")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="A folder for the bundle: JSON, a page, their seal.")
@click.option("--key", type=click.Path(path_type=Path), help="A private key that signs the bundle; `seodang certify key` makes one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    context: click.Context,
    backend: str | None,
    asked: str,
    family: str | None,
    dtype: str,
    model: Path | None,
    steady: float,
    out: Path | None,
    key: Path | None,
    as_json: bool,
) -> None:
    """Prove what a backend claims. Level 0 is the contract, 1 single operators at A.X K1's real shapes against float64, 2 blocks, 3 tiny
    models against transformers' own code, 4 honesty of loading and memory, 5 collectives, 6 performance.

    Every check says PASS, FAIL, UNSUPPORTED or NOT-RUN. Exit code 0: nothing failed; 11: something did.
    """
    if context.invoked_subcommand is not None:
        return
    if backend is None:
        raise click.UsageError("--backend is missing: `seodang devices` lists them")
    if key is not None and out is None:
        raise click.UsageError("--key signs a bundle: name its folder with --out")
    from seodang.testbed.certify.bundle import check_target, write_bundle
    from seodang.testbed.certify.check import BOTH
    from seodang.testbed.certify.levels import OWN_LEVELS
    from seodang.testbed.certify.lines import end_lines, finding_line
    from seodang.testbed.certify.run import certify

    levels = _levels(asked)
    if model is not None and not set(levels) & set(OWN_LEVELS):
        raise click.UsageError("--model goes through levels 3 and 4: ask for one of them with --level")
    if steady and 6 not in levels:
        raise click.UsageError("--steady is of level 6: ask for it with --level")
    if out is not None:
        check_target(out, key)
    certificate = certify(
        backend,
        levels=levels,
        families=[name for name in BOTH if family in (None, name)],
        dtype=dtype,
        model=model,
        steady_s=steady,
        told=None if as_json else lambda finding: click.echo(finding_line(finding)),
    )
    if out is not None:
        write_bundle(certificate.row(), out, key)
    click.echo(json.dumps(certificate.row(), indent=2, ensure_ascii=False) if as_json else "\n".join(end_lines(certificate)))
    certificate.require()


@command.command("verify")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--trust", multiple=True, type=click.Path(path_type=Path), help="A public key (.pub); the bundle must be signed by one of them."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(bundle: Path, trust: tuple[Path, ...], as_json: bool) -> None:
    """Check a BUNDLE again, offline: its files are those that were sealed, the signature holds, and every status follows from its
    numbers."""
    from seodang.core.errors import InputError
    from seodang.core.signing import read_public_key
    from seodang.testbed.certify.bundle import read_bundle

    found = read_bundle(bundle)
    problems = list(found.problems)
    if trust and found.signed_by not in {read_public_key(path) for path in trust}:
        problems.append(f"signed by {found.signed_by or 'nobody'}, which is none of the trusted keys")
    told = {
        "bundle": str(bundle),
        "holds": not problems,
        "signed_by": found.signed_by,
        "problems": problems,
        "passed": found.certificate.get("passed"),
    }
    if as_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        signed = f"signed by {found.signed_by}" if found.signed_by else "not signed"
        click.echo("\n".join([f"{bundle}: {signed}", *(f"  {problem}" for problem in problems)]))
    if problems:
        raise InputError(f"the bundle does not hold: {problems[0]}", where=str(bundle), hint="ask those who made it for another copy")
    if not as_json:
        click.echo("it holds: files, statuses and counts follow from what was sealed")


@command.command("compare")
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(bundles: tuple[Path, ...], as_json: bool) -> None:
    """Put many BUNDLES into one table. What is claimed or virtual stands beside what is measured and never wins over it."""
    from seodang.testbed.certify.bundle import read_bundle
    from seodang.testbed.certify.compare_bundles import compare_bundles
    from seodang.testbed.certify.comparison_lines import comparison_lines

    told = compare_bundles([read_bundle(bundle) for bundle in bundles])
    click.echo(json.dumps(told, indent=2, ensure_ascii=False) if as_json else "\n".join(comparison_lines(told)))


@command.command("key")
@click.argument("file", type=click.Path(path_type=Path))
def key_command(file: Path) -> None:
    """Make a key that signs bundles: FILE is private, FILE.pub is for those who check."""
    from seodang.core.signing import make_key

    click.echo(f"{file} is private and yours alone; give away {file}.pub; its fingerprint is {make_key(file)}")


@command.command("self-test")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def self_test_command(as_json: bool) -> None:
    """Prove the kit: the reference must pass, and every backend that is broken on purpose must fail at its level and not before."""
    from seodang.core.errors import VerificationError
    from seodang.testbed.certify.self_test import self_test

    rows = []
    for caught in self_test():
        rows.append(caught)
        if not as_json:
            where = f"L{caught.failed[0]} {caught.checks[0]}" if caught.checks else "nothing failed"
            click.echo(f"{'ok ' if caught.as_expected else 'BAD'} {caught.name:<42} {where}")
    if as_json:
        click.echo(json.dumps([caught.row() for caught in rows], indent=2, ensure_ascii=False))
    missed = [caught.name for caught in rows if not caught.as_expected]
    if missed:
        raise VerificationError(f"the kit is wrong about {', '.join(missed)}", hint="its checks of that level are to be mended")
    if not as_json:
        click.echo(f"{len(rows) - 1} broken backends, each caught at its level; the reference passes")


def _levels(asked: str) -> tuple[int, ...]:
    """`3` is 0 to 3; `1-2` and `1..2` are 1 and 2."""
    from seodang.testbed.certify.levels import LEVELS

    found = re.fullmatch(r"(?:(\d)(?:-|\.\.))?(\d)", asked)
    first, last = (int(found[1] or 0), int(found[2])) if found else (1, 0)
    if not first <= last <= max(LEVELS):
        raise click.BadParameter(f"`{asked}`: levels are 0 to {max(LEVELS)}, such as 3 or 1-2", param_hint="--level")
    return tuple(range(first, last + 1))
