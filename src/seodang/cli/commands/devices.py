"""`seodang devices`: descriptions of chips, backends that are installed, and measuring this machine."""

import json
from pathlib import Path
from typing import Any

import click

from seodang.cli.options import FiniteRange


@click.group(
    "devices",
    short_help="List described chips and installed backends; `devices measure` measures this machine.",
    invoke_without_command=True,
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the chips that are described and the backends that are installed, with what each of them finds here."""
    if context.invoked_subcommand is not None:
        return
    from seodang.backends.description import bundled, load_description
    from seodang.backends.registry import installed

    described = {name: load_description(name) for name in bundled()}
    backends = installed()
    if as_json:
        rows = [{"id": name, "said": device.said, **device.model_dump(exclude_none=True)} for name, device in described.items()]
        told = [
            {
                "name": one.name,
                "origin": one.origin,
                "works": one.backend is not None,
                "devices": list(one.probe.devices),
                "reason": one.probe.reason,
            }
            for one in backends
        ]
        click.echo(json.dumps({"devices": rows, "backends": told}, indent=2, ensure_ascii=False))
        return
    click.echo(f"{'device':<15} {'vendor':<12} {'numbers':<9} {'memory':>9} {'bandwidth':>11} {'bfloat16':>11} {'8 bits':>11} {'link':>11}")
    for name, device in described.items():
        peak, memory, link = device.peak, device.memory[0], device.link
        narrow = peak.get("float8") or peak.get("int8")
        click.echo(
            f"{name:<15} {device.vendor:<12} {device.said:<9} {_si(memory.capacity, 'B'):>9} {_si(memory.bandwidth, 'B/s'):>11}"
            f" {_si(peak.get('bfloat16'), 'op/s'):>11} {_si(narrow, 'op/s'):>11} {_si(link and link.bandwidth, 'B/s'):>11}"
        )
    click.echo("\nDense peaks of one package; one direction of a link. Claimed: as its maker or another text says, not measured here.")
    click.echo(f"\n{'backend':<15} {'from':<12} found here")
    for one in backends:
        click.echo(f"{one.name:<15} {one.origin:<12} {', '.join(one.probe.devices) or 'nothing'}: {one.probe.reason}")


@command.command("measure")
@click.option("--device", default="cpu", show_default=True, metavar="cpu|cuda", help="What is measured.")
@click.option("--seconds", default=120.0, show_default=True, type=FiniteRange(1, 1e6), help="How long, about.")
@click.option("--ranks", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes of the collectives; 1 leaves them out.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the description here, as YAML that every --device takes."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the description and every timing.")
def measure(device: str, seconds: float, ranks: int, out: Path | None, as_json: bool) -> None:
    """Measure this machine: memory, products, attention, collectives. Every number of the description is measured; the load is told."""
    import yaml

    from seodang.core.files import write_atomically
    from seodang.testbed.measure.machine import measure_machine

    if out is not None and not out.absolute().parent.is_dir():
        raise click.UsageError(f"--out: there is no folder {out.parent}")
    description, found = measure_machine(device, seconds=seconds, ranks=ranks, tell=lambda part: click.echo(f"measuring {part}", err=True))
    rows = description.model_dump(exclude_none=True)
    if out is not None:
        write_atomically(out, yaml.safe_dump(rows, sort_keys=False, allow_unicode=True))
        click.echo(f"written: {out}", err=True)
    if as_json:
        click.echo(json.dumps({"description": rows, "measured": found.row()}, indent=2, ensure_ascii=False))
        return
    click.echo(
        f"{description.name}; {found.environment['threads']} threads of torch; load {found.load[0]:.1f} before, {found.load[1]:.1f} after"
    )
    for place, quantity in description.quantities():
        click.echo(f"{place:<40} {_si(quantity, quantity.unit):>14}")
    if description.note:
        click.echo(description.note)


@command.command("slice")
@click.option("--model", default="ax-k1", show_default=True, metavar="NAME|PATH", help="A bundled shape or a config.json.")
@click.option("--layout", default="TP8", show_default=True, help="TP, DP, EP, PP with a number each: one rank of it is run.")
@click.option("--layers", default=1, show_default=True, type=click.IntRange(1), help="Distinct layers that are held.")
@click.option("--aliased", is_flag=True, help="Run the whole graph over pools of 1 to LAYERS distinct layers.")
@click.option("--batch", default=1, show_default=True, type=click.IntRange(1), help="Sequences of a group of TP devices.")
@click.option("--context", "tokens", default=1024, show_default=True, type=click.IntRange(1), help="Tokens of each sequence.")
@click.option("--dtype", default="bfloat16", show_default=True, help="Type of weights, cache and values.")
@click.option("--device", default="cpu", show_default=True, metavar="cpu|cuda", help="What it runs on.")
@click.option("--link", metavar="NAME|FILE", help="A described device whose link carries the collectives.  [default: two processes here]")
@click.option("--seconds", default=10.0, show_default=True, type=FiniteRange(0, 1e6), help="How long, about.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def slice_(
    model: str, layout: str, layers: int, aliased: bool, batch: int, tokens: int, dtype: str, device: str, link: str | None,
    seconds: float, as_json: bool,
) -> None:  # fmt: skip
    """Run one rank of a model at its true shapes, with synthetic weights and routing: what one decoding step of a layer takes here.

    Bytes that it reads are checked against the accounting of `seodang workload`. Collectives are not done; their time is added.
    """
    from seodang.backends.description import load_description
    from seodang.testbed.measure.aliased import aliased_graph
    from seodang.testbed.measure.machine import link_between_processes
    from seodang.testbed.measure.rank_slice import rank_slice
    from seodang.testbed.measure.slice_runner import Asked
    from seodang.testbed.workloads.dtypes import parse_dtype
    from seodang.testbed.workloads.layout_name import parse_layout
    from seodang.testbed.workloads.shape import read_shape

    asked = Asked(read_shape(model), parse_layout(layout), batch, tokens, parse_dtype(dtype))
    if aliased:
        found = aliased_graph(asked, device, pools=range(1, layers + 1), seconds=seconds)
    else:
        described = None if link is None else load_description(link).link
        found = rank_slice(asked, device, layers=layers, link=described, seconds=seconds, find_link=lambda: link_between_processes(device))
    if as_json:
        click.echo(json.dumps(found.row(), indent=2, ensure_ascii=False))
        return
    click.echo(f"synthetic: {asked.shape.name}, {layout.upper()}, batch {batch}, context {tokens}, {asked.dtype}")
    click.echo("\n".join(found.lines()))


def _si(quantity: Any, unit: str) -> str:
    """A quantity with a prefix and three digits, in decimal steps: 144 GB."""
    if quantity is None:
        return "-"
    value = quantity.value
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"
