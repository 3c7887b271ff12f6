"""`seodang eval import-results`: what another harness found, as evaluations of ours."""

from pathlib import Path

import click

from seodang.cli.options import runs_option
from seodang.cli.score_lines import print_scores


@click.command("import-results", short_help="Read the results of lm-eval or inspect-ai as evaluations.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--metric", help="lm-eval's metric, or inspect-ai's scorer, that is the score.  [default: the first known one]")
@click.option("--filter", "filter_name", help="lm-eval's filter.  [default: the first one]")
@click.option("--synthetic", is_flag=True, help="The model has random weights, and every report is to say so.")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(path: Path, metric: str | None, filter_name: str | None, synthetic: bool, root: Path, as_json: bool) -> None:
    """Read PATH: a folder that was lm-eval's `--output_path` (with `--log_samples`), or a log of inspect-ai. What comes of it is compared,
    gated and reported as every evaluation."""
    from seodang.pipeline.import_results import import_results

    rows = import_results(path, root, metric=metric, filter_name=filter_name, synthetic=synthetic)
    print_scores(rows, as_json=as_json)
