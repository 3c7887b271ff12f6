"""Real documents for benchmarks: sections of the manuals in Debian packages, fetched once into a cache folder.

Needs `apt-get` and `dpkg-deb` (Debian, Ubuntu) and, the first time, the network. Without them put the packages' .deb files into the cache
folder by hand. Which packages: `libreoffice-help-ko` and `gimp-help-ko` first, then their English twins, then others by need.
"""

import html
import json
import re
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from seodang.core.errors import InputError

SECTION = 900  # characters from which a section ends with its line
LEAST_SECTION = 200
_NO_TEXT = re.compile(r"<(script|style|nav|head)\b.*?</\1>|<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_BLOCK = re.compile(r"</(?:p|div|h[1-6]|li|tr|dt|dd|pre|table)>|<br[^<>]*>")
CACHE = Path(tempfile.gettempdir()) / "seodang-debian-documents"
PACKAGES = (
    "libreoffice-help-ko", "gimp-help-ko", "libreoffice-help-en-us", "gimp-help-en", "libreoffice-help-ja", "libreoffice-help-de",
    "libreoffice-help-fr", "libreoffice-help-es", "libreoffice-help-ru", "libreoffice-help-zh-cn", "libreoffice-help-it",
    "libreoffice-help-pl", "postgresql-doc-15", "linux-doc-6.1", "libreoffice-help-pt-br", "libreoffice-help-nl", "libreoffice-help-cs",
    "libreoffice-help-hu", "libreoffice-help-sv",
)  # fmt: skip


def sections(count: int, cache: Path = CACHE, packages: tuple[str, ...] = PACKAGES) -> list[str]:
    """The first `count` sections of the packages, in a fixed order; fewer where all packages together have fewer."""
    found: list[str] = []
    for package in packages:
        if len(found) >= count:
            break
        found += of_package(package, cache)
    return found[:count]


def of_package(package: str, cache: Path = CACHE) -> list[str]:
    """All sections of one package, read from the cache where they were made before."""
    made = cache / f"{package}.jsonl"
    if not made.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        rows = list(_cut(unpacked(package, cache)))
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        temporary = made.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(made)
        print(f"{package}: {len(rows)} sections", file=sys.stderr)
    return [_plain(json.loads(line)) for line in made.read_text(encoding="utf-8").splitlines()]


def unpacked(package: str, cache: Path) -> Path:
    """The folder with the files of a package, fetched where it is not there. InputError where it cannot be had."""
    folder = cache / "unpacked" / package
    if folder.is_dir():
        return folder
    hint = f"on Debian or Ubuntu run `apt-get update`, or put {package}_*.deb into {cache}"
    archive = next(cache.glob(f"{package}_*.deb"), None)
    try:
        if archive is None:
            subprocess.run(["apt-get", "download", package], cwd=cache, check=True, capture_output=True)
            archive = next(cache.glob(f"{package}_*.deb"))
        folder.parent.mkdir(exist_ok=True)
        half = folder.with_name(f".{package}.half")
        subprocess.run(["dpkg-deb", "-x", archive, half], check=True, capture_output=True)
        half.rename(folder)
    except (OSError, StopIteration, subprocess.CalledProcessError) as error:
        raise InputError(f"the documents of the package {package} cannot be had ({error})", where=str(cache), hint=hint) from error
    return folder


def _cut(folder: Path) -> Iterator[str]:
    for page in sorted(folder.rglob("*.html")):
        if page.is_symlink():
            continue
        section: list[str] = []
        size = 0
        for line in _lines(page.read_text(encoding="utf-8", errors="replace")):
            section.append(line)
            size += len(line) + 1
            if size >= SECTION:
                yield "\n".join(section)
                section, size = [], 0
        if size >= LEAST_SECTION:
            yield "\n".join(section)


def _plain(text: str) -> str:
    """NFKC without invisible characters, so that libraries that fold texts differently are given the same job."""
    composed = unicodedata.normalize("NFKC", text)
    return composed if composed.isprintable() else "".join(letter for letter in composed if letter.isspace() or letter.isprintable())


def _lines(page: str) -> Iterator[str]:
    """The lines of a page's text: quick and rough, as for any pages of a crawl."""
    for block in _BLOCK.split(_NO_TEXT.sub("", page)):
        line = " ".join(html.unescape(_TAG.sub("", block)).split())
        if line:
            yield line


def peak_mib() -> float:
    """The most memory that this process has held. Not `ru_maxrss`, which begins with what the parent held when it started the process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def unavailable(error: InputError) -> int:
    """Says what to do where the documents cannot be had; the exit code."""
    print(error.render(), file=sys.stderr)
    return error.exit_code
