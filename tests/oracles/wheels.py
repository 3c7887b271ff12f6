"""Packages' wheels for tests, made again from what is installed, since tests do not download."""

import hashlib
import importlib.metadata
import io
import zipfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from seodang.evaluation.packages import Package


def packed(package: Package, store: Path, folders: Sequence[str] = ("",)) -> Package:
    """The package with the hash of a wheel that is put into `store/wheels`: the installed files whose names begin with one of `folders`."""
    content = _zipped(package, tuple(folders))
    path = store / "wheels" / f"{package.name.replace('-', '_')}-{package.version}-py3-none-any.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Package(package.name, package.version, hashlib.sha256(content).hexdigest())


@lru_cache(maxsize=4)
def _zipped(package: Package, folders: tuple[str, ...]) -> bytes:
    distribution = importlib.metadata.distribution(package.name)
    assert distribution.version == package.version
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(map(str, distribution.files or ())):
            if file.startswith(folders) and not file.startswith("..") and not file.endswith(".pyc"):
                archive.writestr(zipfile.ZipInfo(file), Path(str(distribution.locate_file(file))).read_bytes())
    return target.getvalue()
