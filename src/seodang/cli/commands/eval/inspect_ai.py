"""`seodang eval inspect-ai`: tasks of inspect-ai, put to a model of ours."""

from pathlib import Path

import click

from seodang.cli.options import runs_option
from seodang.cli.score_lines import print_scores


@click.command("inspect-ai", short_help="Put tasks of inspect-ai (inspect_evals/ifeval, ...) to a model of ours.")
@click.argument("tasks", nargs=-1, required=True)
@click.option("--model", "spec", required=True, help="RUN[:ARM], a model's folder, or FILE.yaml.")
@click.option("--limit", type=click.IntRange(min=1), help="Items of each task.  [default: all]")
@click.option("--python", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Python that has it.  [default: this one]")
@click.option("--metric", help="Scorer that is read, or SCORER/VALUE of one with several values.  [default: a log's first]")
@click.option("--argument", "arguments", multiple=True, help="Passed on to `inspect eval`; may be given several times.")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    tasks: tuple[str, ...],
    spec: str,
    limit: int | None,
    python: Path | None,
    metric: str | None,
    arguments: tuple[str, ...],
    root: Path,
    as_json: bool,
) -> None:
    """Serve a model on a port of this machine, let inspect-ai put TASKS to it, and import its logs. Data sets come from a model hub, or
    from your own copy, as the task says."""
    from seodang.pipeline.harness.inspect_ai import run_inspect

    rows = run_inspect(spec, tasks, root, limit=limit, python=python, metric=metric, arguments=arguments)
    print_scores(rows, as_json=as_json)
