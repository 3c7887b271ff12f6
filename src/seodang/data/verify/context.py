"""What a check may look at, and how it says what it found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Action, Passage, Record, Verdict
from seodang.data.build.prompt_text import BuildSection
from seodang.data.verify.section import VerifySection
from seodang.models.chat_model import ChatModel


@dataclass(frozen=True, slots=True)
class CheckContext:
    """Everything the checks share. `exam_questions` is the decontamination index: their wording, not their answers."""

    passages: Mapping[str, Passage]
    actions: Mapping[str, Action]
    teacher: ChatModel
    exam_questions: Sequence[str]
    section: VerifySection
    build: BuildSection
    journal: Journal
    progress: Progress

    def views(self, record: Record) -> list[str]:
        return [self.passages[passage].view for passage in record.passages]


def passed(record: Record, check: str, **evidence: object) -> Verdict:
    """The verdict that lets a record through, with what speaks for it."""
    return Verdict(record.id, check, "pass", dict(evidence))


def failed(record: Record, check: str, **evidence: object) -> Verdict:
    """The verdict that rejects a record, with what speaks against it."""
    return Verdict(record.id, check, "fail", dict(evidence))
