"""A document: its text, its terms, and the way back from every span to the original."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.hashing import digest_bytes
from seodang.core.permissions import ALL_UNKNOWN, Permissions
from seodang.core.records import Passage
from seodang.core.wheels import read_from_wheel
from seodang.data.sources.places import ByteRange, LineRange, Place
from seodang.data.sources.source_map import SourceMap


@dataclass(frozen=True, slots=True)
class LicenseEvidence:
    """Somebody's word about a licence. It is kept and never taken over: which licence holds is said in the recipe."""

    kind: str  # "recipe", "license_file", "front_matter", "page", "row" or "package"
    says: str
    where: str
    date: str  # YYYY-MM-DD: of the look, where the recipe says it, or else the file's; empty where there is none


@dataclass(frozen=True, slots=True)
class Original:
    """A file as it was found: at a path, or as a member of the wheel there."""

    path: Path
    member: str = ""

    def read(self) -> bytes:
        return read_from_wheel(self.path, self.member) if self.member else self.path.read_bytes()


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `text` is what spans refer to: the decoded file with each line end as one newline, or what a reader took out of a page,
    a Word file or a row. `sha256` is of the bytes as they were found: of the file, of a row's line, or of a cell's text in UTF-8."""

    name: str  # unique among the documents loaded together; of a row: file#row
    text: str
    sha256: str
    license: str
    language: str
    origin: str  # "package==version/path" or the path relative to the recipe
    taught: bool = True  # false: the exam may ask about it, but no record is made from it
    permissions: Permissions = ALL_UNKNOWN
    evidence: tuple[LicenseEvidence, ...] = ()
    row_id: str = ""  # what a row calls itself
    source: SourceMap | Place | None = field(default=None, compare=False, repr=False)
    original: Original | None = field(default=None, compare=False, repr=False)

    def locate(self, start: int, end: int) -> tuple[Place, ...]:
        """Where `text[start:end]` stands in the original; several places where it goes over pages, paragraphs or fields.

        InputError for a document that was not read from its source, such as one out of a step's store.
        """
        if not 0 <= start <= end <= len(self.text):
            raise ValueError(f"{start}:{end} is no span of {len(self.text)} characters")
        if self.source is None:
            raise InputError("its original is not at hand", where=self.name, hint="load the recipe's documents again with `load_documents`")
        if isinstance(self.source, SourceMap):
            return self.source.locate(self.text, start, end)
        return (replace(self.source, start=self.source.start + start, end=self.source.start + end),)


@dataclass(frozen=True, slots=True)
class SourceBytes:
    """Where a passage stands, and the bytes there: of the span in a text or HTML file, of the whole line in JSON lines, None in files whose
    text is packed (PDF, Word, Parquet, Arrow)."""

    origin: str
    places: tuple[Place, ...]
    content: bytes | None


def source_bytes(document: Document, passage: Passage) -> SourceBytes:
    """The exact place and bytes of a passage in its document's original, which is opened again.

    InputError where the original has gone or has other bytes than those that were read.
    """
    places = document.locate(passage.start, passage.end)
    if document.original is None or not isinstance(places[0], (ByteRange, LineRange)):
        return SourceBytes(document.origin, places, None)
    try:
        content = document.original.read()
    except OSError as error:
        raise InputError(f"cannot be read again ({error.strerror})", where=document.origin, hint="put the file back") from error
    if digest_at(content, places) != document.sha256:
        raise InputError("was changed since it was read", where=document.origin, hint="load the recipe's documents again")
    return SourceBytes(document.origin, places, bytes_at(content, places))


def digest_at(content: bytes, places: Sequence[Place]) -> str:
    """SHA-256 of what a document with these places was read from: of the line in JSON lines, of the whole file elsewhere."""
    first = places[0]
    return digest_bytes(content[first.line_start : first.line_end] if isinstance(first, LineRange) else content)


def bytes_at(content: bytes, places: Sequence[Place]) -> bytes | None:
    """The bytes of a span at these places of a file: as in `SourceBytes`."""
    first, last = places[0], places[-1]
    if isinstance(first, LineRange):
        return content[first.line_start : first.line_end]
    return content[first.start : last.end] if isinstance(first, ByteRange) and isinstance(last, ByteRange) else None


def place_rows(document: Document, passage: Passage) -> list[dict[str, Any]]:
    """Where a passage stands in its original, as JSON holds it: the name of each kind of place, and its fields."""
    return [{"kind": type(place).__name__, **asdict(place)} for place in document.locate(passage.start, passage.end)]
