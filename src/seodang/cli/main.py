"""`seodang`: finds commands by file name and turns errors into one line, a hint and an exit code."""

import importlib
import os
import sys

import click

from seodang import __version__
from seodang.cli.faults import INTERNAL_FAULT, as_told, silence_pipe, tell_fault, tell_usage
from seodang.core.registry import names_in

_ORDER = (
    "run", "chat", "serve", "generate", "report", "init", "estimate", "runs", "targets", "explain",
    "devices", "certify", "workload", "predict",
)  # fmt: skip


class CommandFolder(click.Group):
    """A group whose commands are the files of `seodang.cli.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = names_in("seodang.cli.commands")
        return sorted(names, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        return importlib.import_module(f"seodang.cli.commands.{cmd_name}").command


@click.group(cls=CommandFolder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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
