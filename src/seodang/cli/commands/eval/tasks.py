"""`seodang eval tasks`: what can be asked."""

import json
from typing import Any

import click

_FACTS = ("name", "title", "family", "languages", "version", "source", "license", "chance", "synthetic")


@click.command("tasks", short_help="List the tasks, or one task's options.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str | None, as_json: bool) -> None:
    """List the tasks with their family and languages, or what may be chosen about the task NAME."""
    from seodang.evaluation.task import find_task, task_names

    rows = [_row(find_task(one)) for one in ([name] if name else task_names())]
    if as_json:
        click.echo(json.dumps(rows[0] if name else rows, ensure_ascii=False, indent=2))
    elif name:
        click.echo("\n".join(_lines(rows[0])))
    else:
        for row in rows:
            click.echo(f"{row['name']:<16}{row['family']:<14}{','.join(row['languages']):<16}{row['title']}")


def _row(task: Any) -> dict[str, Any]:
    schema = task.options.model_json_schema()["properties"]
    options = {key: {"default": told.get("default"), "meaning": told.get("description", "")} for key, told in schema.items()}
    return {**{key: getattr(task, key) for key in _FACTS}, "needs": [capability.__name__ for capability in task.needs], "options": options}


def _lines(row: dict[str, Any]) -> list[str]:
    lines = [f"{row['name']}: {row['title']}", f"family {row['family']}, languages {', '.join(row['languages'])}, licence {row['license']}"]
    lines += [f"source: {row['source']}"] if row["source"] else []
    lines += [f"needs: {', '.join(row['needs'])}"] if row["needs"] else []
    return [*lines, "options:", *(f"  {key}={told['default']!s:<12} {told['meaning']}" for key, told in row["options"].items())]
