"""What a check may look at, and how it says what it found."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from seodang.core.errors import InputError
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Action, Passage, Record, Verdict
from seodang.data.build.prompt_text import BuildSection
from seodang.data.verify.section import VerifySection
from seodang.models.chat_model import ChatModel


@dataclass(frozen=True, slots=True)
class CheckContext:
    """Everything the checks share. `exam_questions` is the decontamination index: their wording, not their answers.

    `standalone` says that the records come without the run that made them: what is not here was not left out on purpose.
    """

    journal: Journal
    progress: Progress
    passages: Mapping[str, Passage] = field(default_factory=dict[str, Passage])
    actions: Mapping[str, Action] = field(default_factory=dict[str, Action])
    teacher: ChatModel | None = None
    exam_questions: Sequence[str] = ()
    section: VerifySection = field(default_factory=VerifySection)
    build: BuildSection = field(default_factory=BuildSection)
    standalone: bool = False

    def views(self, record: Record) -> list[str]:
        return [self.passages[passage].view for passage in record.passages]

    def asked_teacher(self, check: str) -> ChatModel:
        """The teacher, for a check that asks it; InputError where the check was called without one."""
        if self.teacher is None:
            raise InputError(f"the check {check} asks a teacher, and none was named", hint="run it from a recipe, which names one")
        return self.teacher


@contextmanager
def bare_context(
    section: VerifySection | None = None, exam_questions: Sequence[str] = (), *, standalone: bool = False
) -> Generator[CheckContext]:
    """A context without documents and teacher: its journal is thrown away at the end."""
    with TemporaryDirectory(prefix="seodang-") as folder:
        journal = Journal(Path(folder) / "verify.jsonl")
        try:
            given = section or VerifySection()
            yield CheckContext(journal, Progress("check"), exam_questions=exam_questions, section=given, standalone=standalone)
        finally:
            journal.close()


def passed(record: Record, check: str, **evidence: object) -> Verdict:
    """The verdict that lets a record through, with what speaks for it."""
    return Verdict(record.id, check, "pass", dict(evidence))


def failed(record: Record, check: str, **evidence: object) -> Verdict:
    """The verdict that rejects a record, with what speaks against it."""
    return Verdict(record.id, check, "fail", dict(evidence))


def undecided(record: Record, check: str, **evidence: object) -> Verdict:
    """The verdict of a check that can say neither, such as two engines that disagree: the record is quarantined."""
    return Verdict(record.id, check, "undecided", dict(evidence))


def unasked(record: Record, check: str, context: CheckContext, reason: str, missing: str, hint: str) -> Verdict:
    """The verdict of a check with nothing to compare a record with.

    In a recipe's run that is the recipe's own choice, and the record goes on, with the reason. Records that came alone are undecided, with
    what is missing and how to give it.
    """
    if context.standalone:
        return undecided(record, check, reason=reason, missing=missing, hint=hint)
    return passed(record, check, reason=reason)


def broken(record: Record, check: str, **evidence: object) -> Verdict:
    """The verdict where the check itself could not be carried out: the record is failed, and may be tried again."""
    return Verdict(record.id, check, "error", dict(evidence))
