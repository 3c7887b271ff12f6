"""Which tasks a command line asks, with their options."""

import difflib
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from seodang.core.errors import InputError
from seodang.evaluation.task import Options, Task, find_task, task_names

ALL = "all"  # instead of a task's name: every task that ships

Asked = tuple[Task, Options]


def parse_tasks(names: Sequence[str], given: Sequence[str], *, limit: int | None = None) -> list[Asked]:
    """Tasks by name, each with its options from KEY=VALUE texts, or TASK.KEY=VALUE where there are several tasks. `all` is every task that
    ships; `exam` is among them where it is told which files. InputError, with a near match, for what does not fit."""
    by_task = {name.partition(".")[0] for name in given}
    wanted = [one for name in names for one in (task_names() if name == ALL else [name]) if one != "exam" or name != ALL or one in by_task]
    tasks = [find_task(name) for name in dict.fromkeys(wanted)]
    if len(tasks) == 1 and ALL not in names:
        return [(tasks[0], parse_options(tasks[0], given, limit=limit))]
    own: dict[str, list[str]] = {task.name: [] for task in tasks}
    for text in given:
        name, dot, option = text.partition(".")
        if not dot or name not in own:
            hint = f"write TASK.KEY=VALUE, with one of: {', '.join(own)}"
            raise InputError("which task is this option of?", where=text, hint=hint)
        own[name].append(option)
    return [(task, parse_options(task, own[task.name], limit=limit)) for task in tasks]


def parse_options(task: Task, given: Sequence[str], *, limit: int | None = None) -> Options:
    """A task's options from KEY=VALUE texts; a list has commas. InputError, with a near match, for one that it does not take, and for one
    that is given twice; `limit` is one of them."""
    known = task.options.model_fields
    values: dict[str, Any] = {} if limit is None else {"limit": limit}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals and key in known:
            raise InputError("an option is KEY=VALUE", where=text, hint=f"write it as {key}=VALUE")
        if not equals or key not in known:
            near = difflib.get_close_matches(key, list(known), n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"`seodang eval tasks {task.name}` lists them"
            raise InputError(f"the task `{task.name}` has no option `{key}`" if equals else "an option is KEY=VALUE", where=text, hint=hint)
        is_list = "tuple" in str(known[key].annotation)
        if key in values:
            hint = "`--limit` gives it too: leave one out" if key == "limit" else f"write {key}=A,B" if is_list else "leave one out"
            raise InputError(f"the option `{key}` is given twice", where=text, hint=hint)
        values[key] = [part for part in value.split(",") if part] if is_list else value
    return task_options(task, values)


def task_options(task: Task, values: dict[str, Any]) -> Options:
    """A task's options; InputError says which one is wrong, and how."""
    try:
        return task.options.model_validate(values)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(part) for part in fault["loc"])
        hint = f"`seodang eval tasks {task.name}` lists each option with its meaning"
        raise InputError(f"option `{key}` of the task `{task.name}`: {fault['msg']} (given: {fault['input']})", hint=hint) from error
