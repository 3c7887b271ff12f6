"""Documents out of all their sources, in order, each with its text, its terms and the way back to its original."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.hashing import digest, digest_file
from seodang.core.permissions import Permissions, judge
from seodang.data.language import guess_language
from seodang.data.sources import evidence
from seodang.data.sources.document import Document, LicenseEvidence, Original, SourceBytes, source_bytes
from seodang.data.sources.extract import Extract
from seodang.data.sources.found import DATA_SET, Found, Skipped, check_folder, find_in_folder, find_in_wheel, list_folder, names
from seodang.data.sources.json_lines import read_json_lines
from seodang.data.sources.pdf import read_pdf
from seodang.data.sources.section import DOCUMENT_FILES, TEXT_FILES, DocumentSource, FolderDocuments, WheelDocuments, settings_row
from seodang.data.sources.tables import data_files, is_data_set, read_data_set, read_parquet
from seodang.data.sources.text_file import read_html, read_text
from seodang.data.sources.word import read_word

__all__ = [
    "DOCUMENT_FILES",
    "TEXT_FILES",
    "Document",
    "DocumentSource",
    "FolderDocuments",
    "LicenseEvidence",
    "Reading",
    "Skipped",
    "SourceBytes",
    "WheelDocuments",
    "check_folder",
    "extracts",
    "iter_documents",
    "load_documents",
    "matching_files",
    "permissions_of",
    "read_documents",
    "source_bytes",
    "sources_digest",
]

TEXT_VERSION = 1  # of how bytes become text


@dataclass(frozen=True, slots=True)
class _Kind:
    """How files of a kind are read. `version` is raised when they give another text; 0 stands for `TEXT_VERSION` alone."""

    name: str
    version: int
    read: Callable[[Found], Iterator[Extract | Skipped]]


_TEXT = _Kind("text", 0, read_text)
_KINDS = {
    ".html": _Kind("html", 0, read_html),
    ".htm": _Kind("html", 0, read_html),
    ".pdf": _Kind("pdf", 1, read_pdf),
    ".docx": _Kind("word", 1, read_word),
    ".jsonl": _Kind("json_lines", 1, read_json_lines),
    ".ndjson": _Kind("json_lines", 1, read_json_lines),
    ".parquet": _Kind("parquet", 1, read_parquet),
}
_DATA_SET = _Kind("data_set", 1, read_data_set)


@dataclass(frozen=True, slots=True)
class Reading:
    """All documents of the sources, and all that was found there and passed over."""

    documents: list[Document]
    skipped: list[Skipped]


def load_documents(sources: Sequence[DocumentSource], store: Path, base: Path) -> list[Document]:
    """The documents of all sources, in their order, those of a folder by path, those of a file by row.

    Wheels are kept in `store`/wheels; folders are relative to `base`. InputError for a source without documents and for a
    document that is empty or cannot be read.
    """
    return read_documents(sources, store, base).documents


def read_documents(sources: Sequence[DocumentSource], store: Path, base: Path) -> Reading:
    """As `load_documents`, with what was passed over: hidden files, those of Office, rows and pages without text."""
    skipped: list[Skipped] = []
    return Reading(list(iter_documents(sources, store, base, skipped)), skipped)


def iter_documents(sources: Sequence[DocumentSource], store: Path, base: Path, skipped: list[Skipped]) -> Iterator[Document]:
    """As `load_documents`, one at a time: of a file of rows, only some are in memory. What is passed over is added to `skipped`."""
    found: list[Found] = []
    told: list[tuple[LicenseEvidence, ...]] = []
    for source in sources:
        files = list(_files(source, store, base, skipped))
        found += files
        told += _told_beside(source, files, base)
    num_documents = 0
    for file, name, beside in zip(found, names(found), told, strict=True):
        for extract in extracts(file):
            if isinstance(extract, Skipped):
                skipped.append(extract)
                continue
            num_documents += 1
            yield _document(file, name, extract, beside)
    if found and not num_documents:
        raise InputError("all of its rows are empty", where=found[0].origin, hint="name the field with the text as `text_field`")


def sources_digest(sources: Sequence[DocumentSource], base: Path) -> str:
    """Digest of all that determines the documents: the sources' settings, and the path and bytes of each file in a folder.

    Wheels stand for themselves by their SHA-256, so that nothing is downloaded. InputError as in `load_documents`.
    """
    rows: list[Any] = []
    for source in sources:
        if isinstance(source, WheelDocuments):
            kinds = sorted({(kind.name, kind.version) for name in source.files if (kind := _by_name(name)).version})
            rows.append([TEXT_VERSION, settings_row(source), [], *([kinds] if kinds else [])])
        else:
            rows.append([TEXT_VERSION, settings_row(source), [row for file in _files(source, base, base, []) for row in _digests(file)]])
    return digest(rows)


def matching_files(folder: Path, patterns: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """The files below a folder that match a pattern, and those that do not, both sorted; hidden ones are passed over, and the files of a
    data set whose state.json matches.

    Patterns are compared without case, with the path below the folder and with the bare name.
    """
    listing = list_folder(folder, patterns)
    sets = {path.parent for path in listing.matching if path.name == DATA_SET and is_data_set(path)}
    of_sets = {"dataset_info.json", "dataset_dict.json"}
    others = [
        path
        for path in listing.others
        if not (path.parent in sets and (path.suffix == ".arrow" or path.name in of_sets))
        and not (path.name == "dataset_dict.json" and any(place.parent == path.parent for place in sets))
    ]
    return listing.matching, others


def _files(source: DocumentSource, store: Path, base: Path, skipped: list[Skipped]) -> Iterator[Found]:
    """The files of a source that are documents: a state.json that is none of a data set is passed over."""
    for file in find_in_wheel(source, store) if isinstance(source, WheelDocuments) else find_in_folder(source, base, skipped):
        if file.path.name == DATA_SET and not file.member and not is_data_set(file.path):
            skipped.append(Skipped(f"{file.origin}/{DATA_SET}", "not of a Hugging Face data set"))
        else:
            yield file


def extracts(file: Found) -> Iterator[Extract | Skipped]:
    """What is read out of a file: one text, or one a row. InputError where it cannot be read."""
    return _kind_of(file).read(file)


def _by_name(name: str) -> _Kind:
    return _DATA_SET if Path(name).name == DATA_SET else _KINDS.get(Path(name).suffix.lower(), _TEXT)


def _kind_of(file: Found) -> _Kind:
    return _by_name(file.member or file.path.name)


def _digests(file: Found) -> Iterator[list[Any]]:
    """The path and SHA-256 of a file, or of each file of a data set, and the reader's version where it has one of its own."""
    kind = _kind_of(file)
    version = [kind.name, kind.version] if kind.version else []
    yield [file.origin, file.digest(), *version]
    for path in data_files(file) if kind is _DATA_SET else ():
        yield [f"{file.origin}/{path.name}", digest_file(path)]


def _told_beside(source: DocumentSource, files: Sequence[Found], base: Path) -> list[tuple[LicenseEvidence, ...]]:
    """What stands beside each file about its licence: in the recipe, in the package, or in a file such as LICENSE."""
    stated = evidence.stated(source)
    if isinstance(source, WheelDocuments):
        of_package = evidence.in_package(files[0].path, f"{source.package}=={source.version}") if files else ()
        return [(*stated, *of_package)] * len(files)
    folder = base / source.folder
    texts = evidence.license_files([path for part in matching_files(folder, source.files) for path in part])
    return [(*stated, *evidence.beside(file.path, folder, texts)) for file in files]


def _document(file: Found, name: str, extract: Extract, beside: tuple[LicenseEvidence, ...]) -> Document:
    if not extract.text.strip():
        raise InputError(
            "an empty document: there is no text in it", where=file.origin, hint="fill it, or take it out of the recipe's documents"
        )
    stated = extract.license or file.source.license
    row = f"#{extract.row}" if extract.row else ""
    return Document(
        name=name + row,
        text=extract.text,
        sha256=extract.sha256,
        license=stated,
        language=guess_language(extract.text) if file.source.language == "auto" else file.source.language,
        origin=file.origin + row,
        taught=file.taught,
        permissions=permissions_of(file.source, stated),
        evidence=(*extract.evidence, *beside),
        row_id=extract.row_id,
        source=extract.source,
        original=Original(file.path, file.member),
    )


def permissions_of(source: DocumentSource, license: str) -> Permissions:
    """The permissions of a licence, with the answers that the recipe gives for its source in their place."""
    given = judge(license).permissions
    if source.permissions is None:
        return given
    own = {name: value for name, value in source.permissions if value is not None}
    return replace(given, **own)
