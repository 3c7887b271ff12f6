"""`seodang eval run`: one model answers tasks."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from seodang.cli.options import FiniteRange, runs_option
from seodang.cli.score_lines import print_scores

THINK = ("on", "off", "both")


@click.command("run", short_help="Put tasks to a model, and keep every answer.")
@click.option("--model", "spec", required=True, help="RUN[:ARM], a model's folder, FILE.yaml, or URL#MODEL.")
@click.option(
    "--task",
    "names",
    required=True,
    multiple=True,
    metavar="TASK",
    help="A task, as `seodang eval tasks` lists it, or package.module:value; may be given several times. all: every task that ships.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the task; may be given several times. With several tasks TASK.KEY=VALUE.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Items that are asked of each task, spread over its parts.  [default: all]")
@click.option("--samples", type=click.IntRange(min=1), default=1, show_default=True, help="Answers to each item.")
@click.option("--temperature", type=FiniteRange(0, 2), default=0.0, show_default=True, help="0 is greedy.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the first sample.")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Items under way at once.")
@click.option(
    "--max-reasoning-tokens",
    type=click.IntRange(min=0),
    default=2048,
    show_default=True,
    help="Further tokens for thinking, where the model may think.",
)
@click.option("--think", type=click.Choice(THINK), help="Think mode; both: two evaluations, to be compared as pairs.")
@click.option("--api-key-env", metavar="NAME", help="Environment variable with an endpoint's key.")
@click.option(
    "--similarity", type=click.Path(path_type=Path), metavar="FILE", help="What `seodang eval similarity` wrote: clean and dirty apart."
)
@click.option("--threshold", type=FiniteRange(0, 1, min_open=True), default=0.5, show_default=True, help="Similarity of a dirty item.")
@click.option("--retry-errors", is_flag=True, help="Ask again what ended in an error in a finished evaluation.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the answers.  [default: one below RUNS/eval]")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    spec: str,
    names: tuple[str, ...],
    options: tuple[str, ...],
    limit: int | None,
    samples: int,
    temperature: float,
    seed: int,
    batch_size: int,
    max_reasoning_tokens: int,
    think: str | None,
    api_key_env: str | None,
    similarity: Path | None,
    threshold: float,
    retry_errors: bool,
    out: Path | None,
    root: Path,
    as_json: bool,
) -> None:
    """Put tasks to a model. An evaluation that was stopped goes on where it was; a finished one is only read."""
    from seodang.core.errors import InputError
    from seodang.evaluation.run import Settings
    from seodang.pipeline.asked_tasks import ALL, parse_tasks
    from seodang.pipeline.evaluate import evaluate, split_scores, think_arms

    asked = parse_tasks(names, options, limit=limit)
    alone = len(asked) == 1 and ALL not in names
    for name, given in (("--out", out), ("--similarity", similarity)):
        if given is not None and not alone:
            raise InputError(f"`{name}` is of one task", where=", ".join(names), hint="leave it out, or name one task")
    settings = Settings(
        num_samples=samples, temperature=temperature, seed=seed, batch_size=batch_size, max_reasoning_tokens=max_reasoning_tokens
    )
    rows: list[dict[str, Any]] = []
    for mode in think_arms(think, out):
        put = partial(evaluate, spec, asked, settings, root, out=out, thinking=mode, api_key_env=api_key_env)
        for row in put(retry_errors=retry_errors, leave_out=ALL in names):
            split = {} if similarity is None else {"similarity": split_scores(Path(row["folder"]), similarity, threshold)}
            rows.append(row | split)
            if not as_json:
                print_scores(rows[-1:], as_json=False)
    if as_json:
        print_scores(rows, as_json=True, alone=alone and think != "both")
