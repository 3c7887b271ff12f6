"""`seodang workload`: what a model asks of a machine, counted from its configuration."""

import json

import click


@click.command("workload", short_help="Count what a model asks of a machine.")
@click.argument("model", metavar="MODEL")
@click.option("--batch", type=click.IntRange(1, 10**9), default=1, show_default=True, help="Sequences that decode together.")
@click.option("--context", type=click.IntRange(1), default=4096, show_default=True, help="Tokens that each of them has in view.")
@click.option("--dtype", default="bf16", show_default=True, metavar="NAME", help="Type of weights: fp32, bf16, fp8, int8, fp4 or int4.")
@click.option("--kv-dtype", metavar="NAME", help="Type of the cache.  [default: as --dtype, at least 8 bits]")
@click.option("--routing", default="uniform", show_default=True, metavar="KIND|FILE", help="uniform, zipf:EXPONENT, or a JSON of counts.")
@click.option("--check", is_flag=True, help="Count the model's class in transformers too, without weights.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(model: str, batch: int, context: int, dtype: str, kv_dtype: str | None, routing: str, check: bool, as_json: bool) -> None:
    """Count what MODEL asks of a machine: parameters, bytes, FLOPs, cache, experts hit and traffic, each with its definition.

    MODEL is a bundled name, such as ax-k1, or a Hugging Face config.json. Nothing is measured, and no weights are needed.
    """
    from seodang.testbed.workloads.account import Asked, account, figures
    from seodang.testbed.workloads.class_count import class_parameters
    from seodang.testbed.workloads.count import parameters
    from seodang.testbed.workloads.dtypes import VALUE_BYTES, parse_dtype
    from seodang.testbed.workloads.lines import workload_lines
    from seodang.testbed.workloads.routing import parse_routing
    from seodang.testbed.workloads.shape import read_config, read_shape

    shape, weights = read_shape(model), parse_dtype(dtype)
    kv = parse_dtype(kv_dtype) if kv_dtype is not None else weights if VALUE_BYTES[weights] >= 1 else "float8"
    asked = Asked(batch, context, weights, kv, "bfloat16", parse_routing(routing))
    counted = class_parameters(read_config(model), model) if check else None
    if as_json:
        told = account(shape, asked) | ({} if counted is None else {"parameters_of_class": counted})
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    click.echo("\n".join(workload_lines(shape, asked, figures(shape, asked))))
    if counted is not None:
        click.echo(f"transformers' class has {counted:,} parameters: {parameters(shape).total - counted:+,} in this count")
