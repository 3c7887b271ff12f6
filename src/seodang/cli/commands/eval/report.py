"""`seodang eval report`: several models on several tasks, on one page."""

from pathlib import Path

import click

from seodang.cli.options import runs_option


@click.command("report", short_help="Write one page of several evaluations.")
@click.argument("names", metavar="EVALUATION...", nargs=-1, required=True)
@click.option("--first", metavar="MODEL", help="The model that the others are held against.  [default: that of the first evaluation]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the report.  [default: RUNS/eval/report]")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Print report.json.")
def command(names: tuple[str, ...], first: str | None, out: Path | None, root: Path, as_json: bool) -> None:
    """Write report.html, report.md and report.json of evaluations: folders that `seodang eval run` wrote, beginnings of their names or
    their models' below RUNS/eval, or RUN:ARM for an arm's exam (RUN:ARM/general: its general suite; RUN:ARM:SEED where it has several).

    Models are held against each other on the items that both have, and the page tells what that leaves out. Two models of one name are told
    apart by a folder, two runs of one model by how they were asked, a task that one model answered at two limits by the limit, and
    `--first` takes the name as the page has it.
    """
    from seodang.pipeline.evaluate import FOLDER
    from seodang.pipeline.evaluation_report.naming import name_evaluations
    from seodang.pipeline.find_evaluation import find_evaluation
    from seodang.pipeline.report_evaluations import write_report

    folder = out or root / FOLDER / "report"
    write_report(name_evaluations([find_evaluation(name, root) for name in names]), folder, first=first)
    click.echo((folder / "report.json").read_text(encoding="utf-8") if as_json else (folder / "report.md").read_text(encoding="utf-8"))
    click.echo(f"report  {folder}/report.html", err=as_json)
