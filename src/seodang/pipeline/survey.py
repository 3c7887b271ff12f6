"""What stands in a folder of documents, for a recipe to be drafted from it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seodang.core.errors import InputError
from seodang.core.records import Action, Passage
from seodang.data.actions import find_actions
from seodang.data.documents import (
    DOCUMENT_FILES,
    Document,
    FolderDocuments,
    LicenseEvidence,
    Skipped,
    matching_files,
    read_documents,
)
from seodang.data.passages import split_passages


@dataclass(frozen=True, slots=True)
class Survey:
    """What stands in a folder."""

    folder: Path
    documents: list[Document]
    passages: list[Passage]  # of the documents that are taught
    held_out: list[Passage]
    actions: list[Action]
    unread: dict[str, int]  # number of files that are not documents, by ending
    skipped: list[Skipped]

    @property
    def evidence(self) -> list[LicenseEvidence]:
        """What stands in and beside the documents about their licence, each once."""
        return list(dict.fromkeys(told for document in self.documents for told in document.evidence))

    @property
    def language(self) -> str:
        """The language of most of the text."""
        sizes: Counter[str] = Counter()
        for document in self.documents:
            sizes[document.language] += len(document.text)
        return sizes.most_common(1)[0][0]


def survey_folder(folder: Path, held_out: Sequence[str] = ()) -> Survey:
    """Reads a folder; InputError where it has no document or one that cannot be read."""
    source = FolderDocuments.model_validate({"folder": str(folder), "held_out": held_out})
    reading = read_documents([source], Path(), Path())
    documents = reading.documents
    split = {d.name: split_passages(d.name, d.text, language=d.language, license=d.license) for d in documents}
    taught = [passage for document in documents if document.taught for passage in split[document.name]]
    if not taught:
        raise InputError(
            "no document with a statement that could be taught",
            where=str(folder),
            hint="add documents with whole sentences, or hold fewer of them out",
        )
    others = matching_files(folder, DOCUMENT_FILES)[1]
    unread = Counter(path.suffix.lower() or path.name for path in others)
    kept_back = [passage for document in documents if not document.taught for passage in split[document.name]]
    return Survey(folder, documents, taught, kept_back, find_actions(taught), dict(unread.most_common()), reading.skipped)


def skipped_by_reason(skipped: Sequence[Skipped]) -> dict[str, list[str]]:
    """The places of what was passed over, by reason."""
    found: dict[str, list[str]] = {}
    for passed in skipped:
        found.setdefault(passed.reason, []).append(passed.where)
    return found


def evidence_by_words(evidence: Sequence[LicenseEvidence]) -> dict[str, list[str]]:
    """The places of what is said about licences, by its words."""
    found: dict[str, list[str]] = {}
    for told in evidence:
        found.setdefault(told.says, []).append(told.where)
    return found
