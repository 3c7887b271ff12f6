"""What travels with a student: what it was made from, and under which terms: it learned the teacher's words, so the teacher's as well."""

from typing import Any

from seodang.models.source import LocalTeacher
from seodang.pipeline.context import RunContext


def student_license(context: RunContext) -> str:
    """The SPDX expression that joins the licences of the student's weights and of its teacher; those of its weights where the teacher's is
    not known."""
    taught = getattr(context.recipe.teacher, "license", None)
    stated = dict.fromkeys(expression for expression in (context.student_source.license, taught) if expression)
    return " AND ".join(f"({one})" if " OR " in one and len(stated) > 1 else one for one in stated)


def terms(context: RunContext) -> list[str]:
    """Addresses of further terms that bind the student, those of its weights first."""
    sources = (context.student_source, context.recipe.teacher)
    return list(dict.fromkeys(source.terms for source in sources if isinstance(source, LocalTeacher) and source.terms))


def provenance(context: RunContext) -> dict[str, str]:
    """Texts for the keys `general.*` of a student's GGUF file."""
    student, teacher = context.student_source.name, _name(context.recipe.teacher)
    row = {"name": f"{context.recipe.name} student", "license": student_license(context), "basename": student}
    if teacher != student:
        row["description"] = f"{student}, taught by {teacher}"
    if found := terms(context):
        row["license.link"] = " ".join(found)
    return row


def _name(teacher: Any) -> str:
    return teacher.name if isinstance(teacher, LocalTeacher) else teacher.model
