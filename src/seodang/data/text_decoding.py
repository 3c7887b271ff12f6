"""Bytes to text: UTF-8, UTF-16 and UTF-32 by their marks, and the Korean encodings of old files. What is not text is refused."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seodang.core.errors import InputError

_MAGIC = (
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive, such as a Word, HWPX or EPUB file"),
    (b"PAR1", "a Parquet file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office or HWP file"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"{\\rtf", "an RTF file"),
    (b"GGUF", "a GGUF model"),
    (b"\x7fELF", "a program"),
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
KOREAN_ENCODING = "cp949"  # which includes EUC-KR
_LINE_END = re.compile("\r\n?")
_KOREAN_SHARE = 0.8  # of the letters beyond ASCII
_NEXT_STEP = "save its text as UTF-8 in a .txt or .md file"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text as it is written, with its line ends. `content[num_mark_bytes:].decode(encoding) == text`, character by character."""

    text: str
    encoding: str
    num_mark_bytes: int


def decode_text(content: bytes, where: str) -> str:
    """The text of a file, without its byte order mark and with each line end as one newline. Nothing else is changed.

    CP949 (which includes EUC-KR) is taken where UTF-8 fails, every byte decodes and the result looks Korean. InputError, with
    what the file seems to be, where it is not text.
    """
    return "".join(text for text, _ in split_line_ends(decode(content, where).text))


def decode(content: bytes, where: str) -> Decoded:
    """The text of a file and how its bytes stand for it. InputError as in `decode_text`."""
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            raise InputError(f"not a text file but {kind}", where=where, hint=_NEXT_STEP)
    decoded = _decode(content, where)
    if "\0" in decoded.text:
        raise InputError("not a text file: it has NUL bytes", where=where, hint=f"{_NEXT_STEP}, or take it out of the documents")
    return decoded


def split_line_ends(text: str) -> Iterator[tuple[str, str]]:
    """The text in pieces, each with what was written in its place: a line end that is no single newline becomes one."""
    place = 0
    for match in _LINE_END.finditer(text):
        yield text[place : match.start()], text[place : match.start()]
        yield "\n", match[0]
        place = match.end()
    yield text[place:], text[place:]


def mark_of(start: bytes) -> tuple[str, int]:
    """The encoding that a file's first bytes name, and how many bytes the mark has: ("utf-8", 0) without one."""
    return next(((encoding, len(mark)) for mark, encoding in _MARKS if start.startswith(mark)), ("utf-8", 0))


def is_hangul(character: str) -> bool:
    """Whether a character is a Hangul syllable in composed form."""
    return "가" <= character <= "힣"


def _decode(content: bytes, where: str) -> Decoded:
    encoding, mark = mark_of(content)
    try:
        return Decoded(content[mark:].decode(encoding), encoding, mark)
    except UnicodeDecodeError as error:
        korean = decode_korean(content) if not mark else None
        if korean is not None:
            return Decoded(korean, KOREAN_ENCODING, 0)
        name = encoding.removesuffix("-le").removesuffix("-be").upper()
        raise InputError(f"not text in {name} (byte {mark + error.start})", where=where, hint=_NEXT_STEP) from error


def decode_korean(content: bytes) -> str | None:
    """The text of CP949 bytes. None unless most letters beyond ASCII are of the 2,350 syllables of EUC-KR. By chance, the other syllables
    of CP949 come out of Western quotes before a letter, and Hanja out of Chinese."""
    try:
        text = content.decode(KOREAN_ENCODING)
    except UnicodeDecodeError:
        return None
    letters = [character for character in text if character.isalpha() and not character.isascii()]
    common = sum(is_hangul(character) and len(character.encode("euc_kr", errors="ignore")) == 2 for character in letters)
    return text if letters and common >= _KOREAN_SHARE * len(letters) else None
