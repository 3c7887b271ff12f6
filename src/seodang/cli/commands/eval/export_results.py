"""`seodang eval export-results`: an evaluation in the layout of lm-eval."""

from pathlib import Path

import click

from seodang.cli.options import runs_option


@click.command("export-results", short_help="Write evaluations as lm-eval writes its results.")
@click.argument("names", metavar="EVALUATION...", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to.")
@runs_option
def command(names: tuple[str, ...], out: Path, root: Path) -> None:
    """Write each EVALUATION, a folder, the beginning of its name below RUNS/eval or RUN:ARM, as results and samples of lm-eval, for
    programs that read those."""
    from seodang.evaluation.adapters.lm_eval_layout import write_lm_eval
    from seodang.pipeline.find_evaluation import find_evaluation

    for path in write_lm_eval([find_evaluation(name, root) for name in names], out):
        click.echo(path)
