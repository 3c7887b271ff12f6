"""What stands beside and inside of documents about their licence. It is kept as evidence; nothing of it becomes the licence."""

import re
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from email.parser import BytesParser
from pathlib import Path

from seodang.data.sources.document import LicenseEvidence
from seodang.data.sources.found import Found
from seodang.data.sources.section import FolderDocuments, WheelDocuments

_NAMES = re.compile(r"(licen[cs]e|copying|unlicense)([-_.].*)?", re.IGNORECASE)
_TAG = re.compile(r"SPDX-License-Identifier:\s*(.{1,200})")
_FRONT = re.compile(r"---\n((?:.*\n)*?)---\n")
_FRONT_KEY = re.compile(r"^licen[cs]e:[ \t]*[\"']?([^\"'\n#]+)", re.MULTILINE | re.IGNORECASE)
_LINK = re.compile(r"<(?:a|link)\b[^>]*>", re.IGNORECASE)
_REL = re.compile(r"\brel\s*=\s*[\"']?[^\"'>]*\blicense\b", re.IGNORECASE)
_HREF = re.compile(r"\bhref\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_MOST_BYTES = 64 << 10  # of a licence's file that are looked at
_MOST_CHARACTERS = 100


def stated(source: WheelDocuments | FolderDocuments) -> tuple[LicenseEvidence, ...]:
    """What the recipe says about the licence of a source."""
    if source.evidence is None:
        return ()
    told = source.evidence
    return (LicenseEvidence("recipe", told.says or source.license, told.where, told.date.isoformat() if told.date else ""),)


def license_files(files: Sequence[Path]) -> dict[Path, LicenseEvidence]:
    """The files such as LICENSE or COPYING among these, by the folder in which they stand; the first one of each."""
    found: dict[Path, LicenseEvidence] = {}
    for path in sorted(files):
        if _NAMES.fullmatch(path.name) and path.parent not in found:
            with path.open("rb") as file:
                text = file.read(_MOST_BYTES).decode("utf-8", errors="replace")
            found[path.parent] = LicenseEvidence("license_file", _says(text), path.name, file_date(path))
    return found


def beside(path: Path, folder: Path, files: dict[Path, LicenseEvidence]) -> tuple[LicenseEvidence, ...]:
    """The nearest licence's file for a document: in its folder, or in one above it up to `folder`."""
    for place in path.parents:
        if place in files:
            name = (place / files[place].where).relative_to(folder).as_posix()
            return (LicenseEvidence("license_file", files[place].says, name, files[place].date),)
        if place == folder:
            break
    return ()


def front_matter(text: str, file: Found) -> tuple[LicenseEvidence, ...]:
    """The key `license` of a Markdown file's front matter."""
    front = _FRONT.match(text)
    key = _FRONT_KEY.search(front[1]) if front else None
    return (LicenseEvidence("front_matter", _short(key[1]), file.origin, date_of(file)),) if key else ()


def page_license(page: str, file: Found) -> tuple[LicenseEvidence, ...]:
    """The address in a page's link with `rel=license` (HTML, 4.6.7.7)."""
    for link in _LINK.finditer(page):
        if _REL.search(link[0]) and (address := _HREF.search(link[0])):
            return (LicenseEvidence("page", _short(address[1]), file.origin, date_of(file)),)
    return ()


def in_package(wheel: Path, origin: str) -> tuple[LicenseEvidence, ...]:
    """What a wheel's metadata says (core metadata 2.4: License-Expression; before it License, or a classifier)."""
    with zipfile.ZipFile(wheel) as archive:
        name = next((name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)), None)
        if name is None:
            return ()
        told = BytesParser().parsebytes(archive.read(name), headersonly=True)
        year, month, day = archive.getinfo(name).date_time[:3]
    classifiers = [value for value in told.get_all("Classifier", []) if value.startswith("License ::")]
    says = next((value for value in (told.get("License-Expression"), told.get("License"), *classifiers) if value), None)
    return (LicenseEvidence("package", _short(says), f"{origin}: {name}", f"{year:04}-{month:02}-{day:02}"),) if says else ()


def date_of(file: Found) -> str:
    """The day on which a file was last written; of a wheel's member, nothing."""
    return "" if file.member else file_date(file.path)


def file_date(path: Path) -> str:
    """The day (UTC) on which a file was last written, as YYYY-MM-DD."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()


def _says(text: str) -> str:
    tag = _TAG.search(text)
    return _short(tag[1] if tag else next((line for line in text.splitlines() if line.strip()), ""))


def _short(text: str) -> str:
    return " ".join(text.split())[:_MOST_CHARACTERS]
