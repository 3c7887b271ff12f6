"""`seodang serve`: a student behind an OpenAI-compatible address."""

from pathlib import Path

import click

from seodang.cli.options import run_argument


@click.command("serve", short_help="Serve the student of RUN to OpenAI clients and browsers.")
@run_argument
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="TCP port; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; others than loopback need a key.")
@click.option("--arm", default="distilled", show_default=True, help="Which student answers.")
@click.option("--api-key-env", metavar="NAME", help="Environment variable with the key that clients must send.")
def command(run: Path, port: int, host: str, arm: str, api_key_env: str | None) -> None:
    """Serve the student of RUN under the OpenAI protocol, with a chat page, until Ctrl-C."""
    if not host.strip():
        raise click.BadParameter("an empty address", param_hint="--host")
    from seodang.pipeline.serve import serve_run

    serve_run(run, arm=arm, host=host, port=port, api_key_env=api_key_env)
