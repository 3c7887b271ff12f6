"""`seodang chat`: talk with a student in the terminal."""

from pathlib import Path

import click

from seodang.cli.options import run_argument


@click.command("chat")
@run_argument
@click.option(
    "--arm", type=click.Choice(["distilled", "sft", "base"]), default="distilled", show_default=True, help="Which student answers."
)
@click.option("--temperature", type=click.FloatRange(0, 2), default=0.0, show_default=True, help="0 is greedy.")
def command(run: Path, arm: str, temperature: float) -> None:
    """Talk with the student of RUN. Each line is a new question; an empty line or Ctrl-D ends."""
    from seodang.models.chat_model import Message, Sampling
    from seodang.models.local import use_threads
    from seodang.pipeline.think import open_student, room_to_think
    from seodang.pipeline.workspace import open_run

    use_threads()
    opened = open_run(run)
    model = open_student(opened.model_folder(arm), opened.think_share, dtype="float32")
    limit = 128 + room_to_think(model, opened)
    click.echo(f"{run} ({arm}). An empty line ends.", err=True)
    while True:
        try:
            question = click.prompt("you", default="", show_default=False, prompt_suffix="> ").strip()
        except click.Abort:
            break
        if not question:
            break
        for piece, _, _ in model.stream(model.encode_chat([Message("user", question)]), Sampling(limit, temperature)):
            click.echo(piece, nl=False)
        click.echo()
