"""`seodang generate`: a file of prompts answered greedily by a student."""

import json
from pathlib import Path
from typing import Any

import click

from seodang.cli.options import run_argument


@click.command("generate", short_help="Answer a file of prompts with the student of RUN.")
@run_argument
@click.option("--prompts", type=click.Path(path_type=Path), required=True, help="JSON lines with `id` and `prompt`.")
@click.option(
    "--arm", type=click.Choice(["distilled", "sft", "base"]), default="distilled", show_default=True, help="Which student answers."
)
@click.option("--max-new-tokens", type=click.IntRange(min=1), default=64, show_default=True, help="Tokens an answer may have.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines with `id` and `text`, and `reasoning` where it thought.")
def command(run: Path, prompts: Path, arm: str, max_new_tokens: int, as_json: bool) -> None:
    """Answer a file of prompts with the student of RUN, in its own chat template, greedily."""
    from seodang.core.errors import InputError
    from seodang.core.files import read_json_lines
    from seodang.core.progress import Progress
    from seodang.models.chat_model import Message, Sampling
    from seodang.models.local import use_threads
    from seodang.pipeline.think import open_student, room_to_think
    from seodang.pipeline.workspace import open_run

    rows: list[Any] = read_json_lines(prompts)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not isinstance(row.get("prompt"), str) or "id" not in row:
            raise InputError(
                "a row needs `id` and `prompt`", where=f"{prompts}:{number}", hint='for example {"id": "1", "prompt": "Hello"}'
            )
    use_threads()
    # float32, so that an answer does not hang on what else is in the batch.
    opened = open_run(run)
    model = open_student(opened.model_folder(arm), opened.think_share, dtype="float32", batch_size=32)
    limit = max_new_tokens + room_to_think(model, opened)
    with Progress("generate", len(rows), "prompts") as progress:
        for first in range(0, len(rows), 32):
            group = rows[first : first + 32]
            answers = model.chat([[Message("user", row["prompt"])] for row in group], Sampling(limit))
            for row, (answer,) in zip(group, answers, strict=True):
                said = {"id": row["id"], "text": answer.text} | ({"reasoning": answer.reasoning} if answer.reasoning else {})
                click.echo(json.dumps(said, ensure_ascii=False) if as_json else f"{row['id']}\t{answer.text}")
            progress.advance(len(group))
