"""The original of a span, looked for again where its recipe says it is: still there, still the same, and the bytes of the span in it."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from seodang.core.errors import InputError
from seodang.core.wheels import kept_wheel
from seodang.data.documents import DocumentSource, WheelDocuments, extracts
from seodang.data.sources.document import Original, bytes_at, digest_at
from seodang.data.sources.extract import Extract
from seodang.data.sources.found import DATA_SET, Found
from seodang.data.sources.places import ByteRange, CellRange, LineRange, PageRange, Place, RunRange
from seodang.data.text_decoding import decode

State = Literal["unchanged", "changed", "gone"]
_PLACES = {kind.__name__: kind for kind in (ByteRange, PageRange, RunRange, LineRange, CellRange)}


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What a span's original is like now. `content` are the span's bytes (of JSON lines, the whole line's) and `text` what they say, where
    the original is unchanged and no packed file (PDF, Word, tables)."""

    state: State
    why: str = ""  # it is not unchanged
    path: str = ""
    content: bytes | None = None
    text: str | None = None

    def row(self) -> dict[str, Any]:
        """As JSON, with the bytes as hexadecimal digits; what is not known is left out."""
        told = asdict(self) | {"content": None if self.content is None else self.content.hex()}
        return {name: value for name, value in told.items() if value not in (None, "")}


def read_places(rows: Sequence[Mapping[str, Any]]) -> list[Place]:
    """Places as `place_rows` told them."""
    return [_PLACES[row["kind"]](**{name: value for name, value in row.items() if name != "kind"}) for row in rows]


def find_original(origin: str, sources: Sequence[DocumentSource], store: Path, base: Path) -> Found | None:
    """The file of a document that calls this its origin (without a row's number); None where it is not here. Nothing is downloaded."""
    for source in sources:
        if isinstance(source, WheelDocuments):
            package = f"{source.package}=={source.version}/"
            wheel = kept_wheel(source.sha256, store / "wheels") if origin.startswith(package) else None
            if wheel is not None:
                return Found((), origin, source, wheel, origin.removeprefix(package))
        elif Path(source.folder) in (Path(origin), *Path(origin).parents):
            path = base / origin / DATA_SET if (base / origin / DATA_SET).is_file() else base / origin
            if path.is_file():
                return Found((), origin, source, path)
    return None


def look_again(found: Found | None, sha256: str, places: Sequence[Place]) -> Excerpt:
    """Opens the original of a span and compares it with the SHA-256 that was told when it was read."""
    if found is None:
        return Excerpt("gone", "it is not where the recipe says")
    path = f"{found.path}!{found.member}" if found.member else str(found.path)
    try:
        if isinstance(places[0], CellRange):
            rows = (row for row in extracts(found) if isinstance(row, Extract) and row.row == str(places[0].row))
            row = next(rows, None)
            state: State = "unchanged" if row is not None and row.sha256 == sha256 else "changed"
            return Excerpt(state, "" if state == "unchanged" else "the row says something else", path)
        content = Original(found.path, found.member).read()
    except (OSError, zipfile.BadZipFile, InputError) as error:
        return Excerpt("gone", f"it cannot be read ({error.what if isinstance(error, InputError) else error})", path)
    if (now := digest_at(content, places)) != sha256:
        return Excerpt("changed", f"its SHA-256 is {now}", path)
    excerpt = bytes_at(content, places)
    return Excerpt("unchanged", "", path, excerpt, None if excerpt is None else excerpt.decode(_encoding(content, places[0], path)))


def _encoding(content: bytes, place: Place, path: str) -> str:
    return place.encoding if isinstance(place, ByteRange) else decode(content, path).encoding
