"""`seodang eval run`: one model answers one task."""

from pathlib import Path
from typing import Any

import click

from seodang.cli.options import FiniteRange, runs_option
from seodang.cli.score_lines import print_scores

THINK = ("on", "off", "both")


@click.command("run", short_help="Put a task to a model, and keep every answer.")
@click.option("--model", "spec", required=True, help="RUN[:ARM], a model's folder, FILE.yaml, or URL#MODEL.")
@click.option("--task", "name", required=True, help="The task, as `seodang eval tasks` lists it, or package.module:value.")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of the task; may be given several times.")
@click.option("--limit", type=click.IntRange(min=1), help="Items that are asked, spread over the parts.  [default: all]")
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
    name: str,
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
    """Put a task to a model. An evaluation that was stopped goes on where it was; a finished one is only read."""
    from seodang.evaluation.run import Settings
    from seodang.evaluation.task import find_task
    from seodang.pipeline.evaluate import evaluate, parse_options, split_scores, think_arms

    task = find_task(name)
    chosen = parse_options(task, options, limit=limit)
    settings = Settings(
        num_samples=samples, temperature=temperature, seed=seed, batch_size=batch_size, max_reasoning_tokens=max_reasoning_tokens
    )
    rows: list[dict[str, Any]] = [
        evaluate(spec, task, chosen, settings, root, out=out, thinking=mode, api_key_env=api_key_env, retry_errors=retry_errors)
        for mode in think_arms(think, out)
    ]
    splits = [split_scores(Path(row["folder"]), similarity, threshold) for row in rows] if similarity is not None else []
    rows = [row | {"similarity": split} for row, split in zip(rows, splits, strict=True)] if splits else rows
    print_scores(rows, as_json=as_json, alone=think != "both")
