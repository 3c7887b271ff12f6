"""PDF files, with pypdf: the text layer, page by page. Pictures of text are not read."""

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from seodang.core.errors import InputError
from seodang.core.hashing import digest_bytes
from seodang.data.sources.extract import MAX_FILE_BYTES, Extract, mapped, missing_extra, readable
from seodang.data.sources.found import Found, Skipped
from seodang.data.sources.places import PageRange
from seodang.data.sources.source_map import Run

_MAX_PAGES = 20_000
_REPAIR = "open it and print it to PDF again, or save its text as .txt"


def read_pdf(file: Found) -> Iterator[Extract | Skipped]:
    """The one text of a file: that of its pages, one below the other. Pages without text are passed over and told.

    InputError for a file that is broken, locked by a password, or has no text at all, as a scan has none.
    """
    try:
        import pypdf
    except ModuleNotFoundError as error:
        raise missing_extra("pypdf", "PDF files", file.origin) from error
    content = file.read(MAX_FILE_BYTES)
    with _quiet_pypdf():
        try:
            reader = pypdf.PdfReader(BytesIO(content), strict=False)
            if reader.is_encrypted and not reader.decrypt(""):
                raise InputError("locked by a password", where=file.origin, hint="save a copy without it, if you may")
            num_pages = len(reader.pages)
        except InputError:
            raise
        except Exception as error:
            raise _broken(file.origin, error) from error
        if num_pages > _MAX_PAGES:
            raise InputError(f"more than {_MAX_PAGES:,} pages", where=file.origin, hint="split it into several files")
        runs: list[Run] = []
        parts: list[PageRange] = []
        blank: list[Skipped] = []
        for number in range(1, num_pages + 1):
            text = _page_text(reader, number, file.origin)
            if not text.strip():
                blank.append(Skipped(f"{file.origin}, page {number}", "a page without text"))
                continue
            if runs:
                runs.append(Run("\n", runs[-1].last, runs[-1].last, False, len(parts) - 1))
            runs += readable(text, len(parts))
            parts.append(PageRange(number))
    if not parts:
        raise InputError(
            f"no text on its {num_pages} page{'s' * (num_pages != 1)}: it seems to be a scan",
            where=file.origin,
            hint="run text recognition over it (`ocrmypdf IN.pdf OUT.pdf --language kor+eng`), or save its text as .txt",
        )
    text, source = mapped(_ending(runs), parts, file.source.unicode_form)
    yield Extract(text, source, digest_bytes(content))
    yield from blank


def _page_text(reader: Any, number: int, where: str) -> str:
    try:
        return reader.pages[number - 1].extract_text()
    except Exception as error:
        raise _broken(f"{where}, page {number}", error) from error


def _ending(runs: list[Run]) -> list[Run]:
    """The runs with a line end after the last one, as a text file has it."""
    last = runs[-1]
    return runs if last.text.endswith("\n") else [*runs, Run("\n", last.last, last.last, False, last.part)]


def _broken(where: str, error: Exception) -> InputError:
    """pypdf raises errors of many kinds for files that are broken or made to exhaust it."""
    told = " ".join(str(error).split())[:200] or type(error).__name__
    return InputError(f"not a PDF file that can be read ({told})", where=where, hint=_REPAIR)


@contextmanager
def _quiet_pypdf() -> Generator[None]:
    """Keeps pypdf's remarks about files that are slightly wrong off the screen."""
    logger = logging.getLogger("pypdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
