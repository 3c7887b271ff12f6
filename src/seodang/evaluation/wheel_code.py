"""Python modules of a wheel that is pinned by hash, run as they stand in it: nothing is installed, and `sys.modules` stays as it was."""

import builtins
import zipfile
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any

from seodang.core.errors import InputError


class WheelCode:
    """The modules of one package of a wheel, imported by one another only. `stand_ins` take the place of other modules by name."""

    def __init__(self, wheel: Path, package: str, stand_ins: Mapping[str, ModuleType] | None = None) -> None:
        self._wheel, self._package = wheel, package
        self._stand_ins = dict(stand_ins or {})
        self._loaded: dict[str, ModuleType] = {}
        with zipfile.ZipFile(wheel) as archive:
            self._sources = {name: archive.read(name) for name in archive.namelist() if _is_source_of(name, package)}

    def module(self, name: str) -> Any:
        """A module by its whole name, after the packages that it stands in. InputError where the wheel has none of that name."""
        parent, _, child = name.rpartition(".")
        if parent:
            self.module(parent)
        if name in self._loaded:
            return self._loaded[name]
        path = name.replace(".", "/")
        is_package = f"{path}/__init__.py" in self._sources
        file = f"{path}/__init__.py" if is_package else f"{path}.py"
        if file not in self._sources and not self._is_folder(path):
            raise InputError(f"no module `{name}` in it", where=str(self._wheel), hint="the package's version is another one")
        self._loaded[name] = module = ModuleType(name)
        told: dict[str, Any] = {"__file__": f"{self._wheel}/{file}", "__package__": name if is_package else parent}
        module.__dict__.update(told, __builtins__={**vars(builtins), "__import__": self._import})
        exec(compile(self._sources.get(file, b""), f"{self._wheel}/{file}", "exec"), module.__dict__)
        if parent:
            setattr(self._loaded[parent], child, module)
        return module

    def _import(
        self, name: str, globals_: Any = None, locals_: Any = None, wanted: Sequence[str] | None = (), level: int = 0
    ) -> ModuleType:
        """What `import` does in these modules."""
        if level:
            package = str((globals_ or {}).get("__package__", ""))
            base = package.rsplit(".", level - 1)[0] if level > 1 else package
            name = f"{base}.{name}" if name else base
        root, *inner = name.split(".")
        if root in self._stand_ins:
            return reduce(getattr, inner, self._stand_ins[root]) if wanted else self._stand_ins[root]
        if root != self._package:
            return builtins.__import__(name, globals_, locals_, wanted or (), 0)
        module = self.module(name)
        if not wanted:
            return self._loaded[self._package]
        for child in wanted:
            if not hasattr(module, child) and self._has(f"{name}.{child}"):
                self.module(f"{name}.{child}")
        return module

    def _has(self, name: str) -> bool:
        path = name.replace(".", "/")
        return f"{path}.py" in self._sources or self._is_folder(path)

    def _is_folder(self, path: str) -> bool:
        return any(name.startswith(f"{path}/") for name in self._sources)


def stand_in(name: str, **values: Any) -> ModuleType:
    """A module with these values, in the place of one that is not installed."""
    module = ModuleType(name)
    module.__dict__.update(values)
    return module


def _is_source_of(file: str, package: str) -> bool:
    return file.startswith(f"{package}/") and file.endswith(".py")
