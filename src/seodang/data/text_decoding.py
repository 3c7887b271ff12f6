"""Bytes to text: UTF-8, UTF-16 and UTF-32 by their marks, and the Korean encodings of old files. What is not text is refused."""

import codecs

from seodang.core.errors import InputError

_MAGIC = (
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive, such as a Word, HWPX or EPUB file"),
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
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_KOREAN_SHARE = 0.8  # of the letters beyond ASCII
_NEXT_STEP = "save its text as UTF-8 in a .txt or .md file"


def decode_text(content: bytes, where: str) -> str:
    """The text of a file, without its byte order mark and with each line end as one newline. Nothing else is changed.

    CP949 (which includes EUC-KR) is taken where UTF-8 fails, every byte decodes and the result looks Korean. InputError, with
    what the file seems to be, where it is not text.
    """
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            raise InputError(f"not a text file but {kind}", where=where, hint=_NEXT_STEP)
    text = _decode(content, where)
    if "\0" in text:
        raise InputError("not a text file: it has NUL bytes", where=where, hint=f"{_NEXT_STEP}, or take it out of the documents")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_hangul(character: str) -> bool:
    """Whether a character is a Hangul syllable in composed form."""
    return "가" <= character <= "힣"


def _decode(content: bytes, where: str) -> str:
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        korean = _decode_korean(content) if encoding == "utf-8" else None
        if korean is not None:
            return korean
        name = encoding.removesuffix("-sig").upper()
        raise InputError(f"not text in {name} (byte {error.start})", where=where, hint=_NEXT_STEP) from error


def _decode_korean(content: bytes) -> str | None:
    """None unless most letters beyond ASCII are of the 2,350 syllables of EUC-KR. By chance, the other syllables of CP949 come
    out of Western quotes before a letter, and Hanja out of Chinese."""
    try:
        text = content.decode("cp949")
    except UnicodeDecodeError:
        return None
    letters = [character for character in text if character.isalpha() and not character.isascii()]
    common = sum(is_hangul(character) and len(character.encode("euc_kr", errors="ignore")) == 2 for character in letters)
    return text if letters and common >= _KOREAN_SHARE * len(letters) else None
