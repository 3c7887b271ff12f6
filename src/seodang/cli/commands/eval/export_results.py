"""`seodang eval export-results`: an evaluation in the layout of lm-eval."""

from pathlib import Path

import click


@click.command("export-results", short_help="Write evaluations as lm-eval writes its results.")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to.")
def command(folders: tuple[Path, ...], out: Path) -> None:
    """Write the evaluations FOLDERS as results and samples of lm-eval, for programs that read those."""
    from seodang.evaluation.adapters.lm_eval_layout import write_lm_eval
    from seodang.evaluation.result import read_evaluation

    for path in write_lm_eval([read_evaluation(folder) for folder in folders], out):
        click.echo(path)
