"""What decides about a check's verdicts beside the record: its version, its settings, and the parts of the context that it reads.

A check's module may say `VERSION` (a number), `PER_RECORD = True` (a verdict depends on no other record), `READS`, the names of the
parts of `CheckContext` that it looks at, and `FILES`, the settings that name a file whose bytes decide. A module that does not say what it
reads is taken to read everything, and a check from outside to read every setting.
"""

import importlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.hashing import digest, digest_file
from seodang.core.registry import find_function, names_in
from seodang.data.verify.context import CheckContext
from seodang.data.verify.section import HOW_IT_IS_DONE, VerifySection

_CHECKS = "seodang.data.verify"
PARTS = ("passages", "actions", "teacher", "exam_questions", "build")


@dataclass(frozen=True, slots=True)
class CheckConfig:
    """A check with all that decides about its verdicts. `digest` is the configuration under which they are kept."""

    name: str
    version: int
    per_record: bool
    reads: tuple[str, ...]
    settings: Mapping[str, Any]
    teacher: str  # digest of the teacher's identity; "" where the check asks none

    @property
    def digest(self) -> str:
        return digest([self.name, self.version, dict(self.settings)])

    @property
    def movable(self) -> bool:
        """Whether it can be put to records in another process: it compares no records, and asks no teacher."""
        return self.per_record and "teacher" not in self.reads


def check_config(name: str, context: CheckContext, digests: Mapping[str, str], *, among: Sequence[str]) -> CheckConfig:
    """The configuration of a check. `among` are the ids of the records that it is put to: they count where it compares them."""
    module = importlib.import_module(find_function(_CHECKS, name).__module__)
    per_record = bool(getattr(module, "PER_RECORD", False))
    told = getattr(module, "READS", None)
    reads = PARTS if told is None else tuple(part for part in PARTS if part in told)
    section = context.section.model_dump(mode="json", exclude=set(HOW_IT_IS_DONE))
    settings: dict[str, Any] = {
        "section": section if told is None or ":" in name else {field: section[field] for field in own_fields(name) if field in section},
        "reads": {part: digests[part] for part in reads},
    }
    if files := file_digests(name, section):
        settings["files"] = files
    if not per_record:
        settings["among"] = digest(list(among))
    if ":" in name:
        settings["source"] = digest(inspect.getsource(module))
    teacher = digests["teacher"] if "teacher" in reads else ""
    return CheckConfig(name, int(getattr(module, "VERSION", 1)), per_record, reads, settings, teacher)


def file_digests(check: str, section: Mapping[str, Any]) -> dict[str, str]:
    """The digests of the files that a check's settings name, by the setting; InputError for one that is not there."""
    module = importlib.import_module(find_function(_CHECKS, check).__module__)
    files = {field: Path(section[field]) for field in getattr(module, "FILES", ()) if section.get(field)}
    for field, path in files.items():
        if not path.is_file():
            raise InputError(f"`verify.{field}` names no file", where=str(path), hint="name one that is there, or leave it out")
    return {field: digest_file(path) for field, path in files.items()}


def own_fields(check: str) -> list[str]:
    """The knobs that a check reads: those whose description begins with its name, and those that begin with no check's name."""
    names = set(names_in(_CHECKS)) - {check}
    return [field for field, info in VerifySection.model_fields.items() if (info.description or "").split(":")[0] not in names]


def context_digests(context: CheckContext) -> dict[str, str]:
    """The digest of each part of the context; of the teacher, its identity without the version of its engine."""
    identity = {} if context.teacher is None else {key: value for key, value in context.teacher.identity.items() if key != "engine"}
    return {
        "passages": digest({name: asdict(passage) for name, passage in context.passages.items()}),
        "actions": digest({name: asdict(action) for name, action in context.actions.items()}),
        "teacher": digest(identity) if identity else "",
        "exam_questions": digest(list(context.exam_questions)),
        "build": digest(context.build.model_dump(mode="json")),
    }
