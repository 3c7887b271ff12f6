"""What a reader makes of a file: texts, each with the way back to its place."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from seodang.core.errors import InputError
from seodang.data.sources.document import LicenseEvidence
from seodang.data.sources.places import ByteRange, Place
from seodang.data.sources.source_map import Run, SourceMap, build_map, composed

MAX_FILE_BYTES = 512 << 20  # of a file that has to be read as a whole
_UNREADABLE = re.compile("\r\n?|[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Extract:
    """A text out of a file: the file's own, or that of one of its rows."""

    text: str
    source: SourceMap | Place
    sha256: str  # of the bytes that it was read from
    row: str = ""  # its number, in a file of rows
    row_id: str = ""
    license: str | None = None  # its own, where it has one
    evidence: tuple[LicenseEvidence, ...] = ()


def readable(text: str, part: int = 0, start: int = 0) -> Iterator[Run]:
    """A text that a library decoded, as runs: each line end is one newline, and what no UTF-8 file can hold is U+FFFD."""
    place = 0
    for match in _UNREADABLE.finditer(text):
        yield Run(text[place : match.start()], start + place, start + match.start(), True, part)
        letter = "\n" if match[0][0] == "\r" else "\ufffd"
        yield Run(letter, start + match.start(), start + match.end(), False, part)
        place = match.end()
    yield Run(text[place:], start + place, start + len(text), True, part)


def mapped(runs: Iterable[Run], parts: Sequence[Place], unicode_form: str) -> tuple[str, SourceMap | Place]:
    """The text of runs, composed where that is asked for, and the way back; a single verbatim run is its own place."""
    given = list(runs) if unicode_form == "as_written" else list(composed(runs, parts))
    kept = [run for run in given if run.text]
    if len(kept) == 1 and kept[0].verbatim and not isinstance(parts[0], ByteRange):
        return kept[0].text, replace(parts[kept[0].part], start=kept[0].first, end=kept[0].last)
    return build_map(kept, parts)


def missing_extra(package: str, kind: str, where: str) -> InputError:
    """The error for a file whose reader is not installed."""
    return InputError(f"{kind} need the package {package}, which is not installed", where=where, hint="pip install 'seodang[data]'")
