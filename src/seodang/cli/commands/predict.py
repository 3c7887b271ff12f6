"""`seodang predict`: how fast a model will be on a device, with an interval and the evidence behind it."""

import json
from pathlib import Path
from typing import Any

import click

from seodang.cli.options import FiniteRange

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("predict", short_help="Say how fast a large model will be on a described device.")
@click.option("--model", metavar="NAME|CONFIG", help="A bundled model (ax-k1, deepseek-v3 ...) or a Hugging Face config.json.")
@click.option("--device", metavar="NAME|FILE", help="A bundled description (rebel100, h200_sxm ...) or a YAML file.")
@click.option("--count", type=click.IntRange(1, 100_000), help="How many devices.")
@click.option("--layout", metavar="LAYOUT", help="TP8, TP4PP2, DP32EP32 ...  [default: all that fit, and the best of them]")
@click.option("--input-tokens", type=FiniteRange(1, 1e9), default=1024, show_default=True, help="Mean tokens of a prompt.")
@click.option("--output-tokens", type=FiniteRange(1, 1e9), default=1024, show_default=True, help="Mean tokens of an answer.")
@click.option(
    "--concurrency", type=click.IntRange(1, 10**9), help="Clients at once on all devices.  [default: 16 with --layout, else many]"
)
@click.option("--framework", default="sglang", show_default=True, help="What serves: sglang, vllm, tensorrt-llm ...")
@click.option("--kv", type=click.Choice(["bf16", "fp8"]), help="Type of keys and values.  [default: as the framework is launched]")
@click.option("--weights", default="fp8", show_default=True, help="bf16, fp8, fp4, mxfp4, int4 or int8.")
@click.option("--acceptance", type=FiniteRange(0, 1), help="Speculative decoding with one drafted token, kept so often.  [default: off]")
@click.option("--anchor", metavar="ID|FILE", help="One measured point of this stack: a row's id, or a CSV file with one row.")
@click.option("--points", type=_FILE, help="A CSV file of points: one prediction a row.")
@click.option("--html", type=_FILE, help="Draw the search into this page.")
@click.option("--svg", type=_FILE, help="Draw the search into this picture.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    model: str | None,
    device: str | None,
    count: int | None,
    layout: str | None,
    points: Path | None,
    anchor: str | None,
    html: Path | None,
    svg: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Predict time per token and to the first token, tokens a second, joules and cost, what binds, and what a better device would buy.

    Each number has an interval at 80 %, a tier that says how far it is from what was measured, and the rows behind it. Without --layout all
    layouts that fit are searched, and those of which none is better for a user and a device are printed. What has no honest answer is
    refused with exit code 3, and in JSON under `refused`, with its reason.
    """
    from seodang.pipeline.pareto import draw_page, draw_picture
    from seodang.testbed.predict.asked import asked_row, find_anchor
    from seodang.testbed.predict.calibrated import frozen
    from seodang.testbed.predict.lines import deployment_lines, front_lines, point_lines
    from seodang.testbed.predict.refused import PredictionRefused, too_extreme
    from seodang.testbed.predict.rows import read_rows
    from seodang.testbed.predict.told import tell_deployment, tell_points, tell_search

    row = None if anchor is None else find_anchor(anchor)
    if points is not None:
        if any(given is not None for given in (model, device, count, layout, html, svg)):
            raise click.UsageError("--points asks for every row of its file: leave --model, --device, --count, --layout and drawings out")
        told = tell_points(read_rows(points), frozen(), row)
        click.echo(json.dumps(told, indent=2, ensure_ascii=False) if as_json else "\n".join(point_lines(told)))
        return
    if model is None or device is None or count is None:
        raise click.UsageError("give --model, --device and --count, or --points FILE")
    try:
        question = asked_row(model=model, device=device, count=count, layout=layout, **asked)
        if layout is not None:
            if html is not None or svg is not None:
                raise click.UsageError("--html and --svg draw a search: leave --layout out")
            one = tell_deployment(question, frozen(), row)
            click.echo(json.dumps(one, indent=2, ensure_ascii=False) if as_json else "\n".join(deployment_lines(one)))
            return
        if row is not None:
            raise click.UsageError("an anchor belongs to one layout: give --layout too")
        searched, found = tell_search(question, frozen(), count)
        for path, draw in ((html, draw_page), (svg, draw_picture)):
            if path is not None:
                path.write_text(draw(searched, found), encoding="utf-8")
        click.echo(json.dumps(searched, indent=2, ensure_ascii=False) if as_json else "\n".join(front_lines(searched)))
    except (PredictionRefused, ArithmeticError) as error:
        refused = error if isinstance(error, PredictionRefused) else too_extreme(error)
        if as_json:
            click.echo(json.dumps({"refused": refused.told()}, indent=2, ensure_ascii=False))
        raise refused from error
