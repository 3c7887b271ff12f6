"""`seodang eval lm-eval`: tasks of EleutherAI's harness, put to a model of ours."""

from pathlib import Path

import click

from seodang.cli.options import runs_option
from seodang.cli.score_lines import print_scores


@click.command(
    "lm-eval", short_help="Put lm-eval's tasks (KMMLU, HRM8K, ...) to a model of ours.", context_settings={"ignore_unknown_options": True}
)
@click.option("--model", "spec", required=True, help="RUN[:ARM], a model's folder, or FILE.yaml.")
@click.option("--tasks", required=True, help="lm-eval's tasks, with commas between them.")
@click.option("--chat", is_flag=True, help="Ask by conversation instead of raw text; without log-likelihoods.")
@click.option("--limit", type=click.IntRange(min=1), help="Items of each task.  [default: all]")
@click.option(
    "--python", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Python that has lm-eval.  [default: this one]"
)
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("arguments", nargs=-1)
def command(
    spec: str, tasks: str, chat: bool, limit: int | None, python: Path | None, root: Path, as_json: bool, arguments: tuple[str, ...]
) -> None:
    """Serve a model on a port of this machine, let lm-eval ask it, and import what it found. ARGUMENTS after `--` go to lm-eval, such as
    `-- --include_path FOLDER` for task files of your own. Its data sets come from a model hub, or from your own copy."""
    from seodang.pipeline.harness.lm_eval import run_lm_eval

    rows = run_lm_eval(spec, tasks, root, chat=chat, limit=limit, python=python, arguments=arguments)
    print_scores(rows, as_json=as_json)
