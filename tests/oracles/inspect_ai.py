"""inspect-ai's clustered standard error, taken from its installed package without the rest of that package and its dependencies."""

import ast
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast


def clustered_stderr() -> Callable[[list[list[float]]], float]:
    """`_clustered_stderr` of inspect-ai's `stderr(cluster=...)`: the values of each cluster to the standard error of their mean."""
    spec = importlib.util.find_spec("inspect_ai")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("inspect-ai is not installed; `make setup` installs it without its dependencies", name="inspect_ai")
    path = Path(spec.origin).parent / "scorer" / "_metrics" / "std.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "_clustered_stderr")
    names: dict[str, Any] = {"cast": cast}
    exec(compile(ast.Module([function], []), str(path), "exec"), names)
    return names["_clustered_stderr"]
