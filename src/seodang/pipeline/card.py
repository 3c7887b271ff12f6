"""What travels with a student: what it was made from, and under which terms: it learned the teacher's words, so the teacher's as well."""

from collections.abc import Mapping, Sequence
from typing import Any

from seodang.models.source import LocalTeacher
from seodang.pipeline.context import RunContext
from seodang.pipeline.licenses import licenses


def student_license(context: RunContext, documents: Sequence[Mapping[str, Any]] = ()) -> str:
    """The SPDX expression that joins the licences of documents, teacher and the student's weights. `documents` as in `licenses`."""
    return licenses(context.recipe, context.student_source, documents)["combined"]


def terms(context: RunContext) -> list[str]:
    """Addresses of further terms that bind the student, those of its weights first."""
    sources = (context.student_source, context.recipe.teacher)
    return list(dict.fromkeys(source.terms for source in sources if isinstance(source, LocalTeacher) and source.terms))


def provenance(context: RunContext, documents: Sequence[Mapping[str, Any]] = ()) -> dict[str, str]:
    """Texts for the keys `general.*` of a student's GGUF file. `documents` as in `licenses`."""
    student, teacher = context.student_source.name, _name(context.recipe.teacher)
    row = {"name": f"{context.recipe.name} student", "license": student_license(context, documents), "basename": student}
    if teacher != student:
        row["description"] = f"{student}, taught by {teacher}"
    if found := terms(context):
        row["license.link"] = " ".join(found)
    return row


def _name(teacher: Any) -> str:
    return teacher.name if isinstance(teacher, LocalTeacher) else teacher.model
