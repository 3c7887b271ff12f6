"""Text, Markdown and HTML files, in any encoding."""

from collections.abc import Iterator

from seodang.core.hashing import digest_bytes
from seodang.data.html_text import html_stretches
from seodang.data.sources.evidence import front_matter, page_license
from seodang.data.sources.extract import MAX_FILE_BYTES, Extract, mapped
from seodang.data.sources.found import Found
from seodang.data.sources.places import ByteRange
from seodang.data.sources.source_map import Run, build_map, moved
from seodang.data.text_decoding import Decoded, decode, split_line_ends


def read_text(file: Found) -> Iterator[Extract]:
    """The one text of a file."""
    content = file.read(MAX_FILE_BYTES)
    decoded = decode(content, file.origin)
    text, source = mapped(_runs(decoded), (ByteRange(decoded.encoding),), file.source.unicode_form)
    yield Extract(text, source, digest_bytes(content), evidence=front_matter(text, file))


def read_html(file: Found) -> Iterator[Extract]:
    """The one text of a page: what `html_to_text` takes out of it."""
    content = file.read(MAX_FILE_BYTES)
    decoded = decode(content, file.origin)
    parts = (ByteRange(decoded.encoding),)
    page, in_file = build_map(_runs(decoded), parts)
    in_page = (Run(*stretch) for stretch in html_stretches(page, file.origin))
    text, source = mapped(moved(in_page, page, in_file), parts, file.source.unicode_form)
    yield Extract(text, source, digest_bytes(content), evidence=page_license(page, file))


def _runs(decoded: Decoded) -> Iterator[Run]:
    place = decoded.num_mark_bytes
    for text, written in split_line_ends(decoded.text):
        last = place + len(written.encode(decoded.encoding))
        yield Run(text, place, last, text == written)
        place = last
