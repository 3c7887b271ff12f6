"""`seodang`: finds commands by file name and turns errors into one line, a hint and an exit code."""

import os
import sys

import click

from seodang import __version__
from seodang.cli.command_folder import CommandFolder
from seodang.cli.faults import INTERNAL_FAULT, as_told, silence_pipe, tell_fault, tell_usage

_ORDER = (
    "run", "chat", "serve", "generate", "report", "init", "estimate", "runs", "data", "eval", "targets", "explain",
    "devices", "certify", "workload", "predict",
)  # fmt: skip


@click.group(
    cls=CommandFolder,
    package="seodang.cli.commands",
    order=_ORDER,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="seodang %(version)s")
def cli() -> None:
    """One large teacher raises many small, verified students.

    Start with `seodang run recipes/telecom_demo.yaml`, then `seodang chat runs/telecom_demo`.
    """


def main() -> None:
    """The entry point. Errors are one line and a hint, faults of our own exit with 70; Ctrl-C keeps finished work and exits with 130."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # the libraries' own bars would fall between our lines
    try:
        sys.exit(cli.main(prog_name="seodang", standalone_mode=False))
    except click.ClickException as error:
        tell_usage(error)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; finished work is kept, run the same command again to go on", err=True)
        sys.exit(130)
    except BrokenPipeError:
        silence_pipe()
        sys.exit(141)
    except Exception as error:  # noqa: BLE001 - told in one line, with its traceback in a file
        known = as_told(error)
        if known is None:
            tell_fault(error)
            sys.exit(INTERNAL_FAULT)
        click.echo(known.render(), err=True)
        sys.exit(known.exit_code)
