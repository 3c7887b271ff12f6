"""Under which terms a run's documents, teacher and student stand: refused where one of them is not said, joined in the report.

A licence that is known is not judged: whether its terms allow what is done with them is for people to say.
"""

from pathlib import Path
from typing import Any

from seodang.core.errors import RecipeError
from seodang.core.licenses import is_known, join_licenses
from seodang.core.sections import locate
from seodang.data.documents import WheelDocuments
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.source import LocalTeacher
from seodang.pipeline.recipe import Recipe

_LIST = "an SPDX id such as CC-BY-4.0 or Apache-2.0, or LicenseRef-NAME for terms that SPDX does not list"


def refuse_unknown_licenses(recipe: Recipe, file: Path | None = None) -> None:
    """RecipeError, before any work, that names every place of the recipe whose licence is not known, and the first one's line in `file`."""
    unknown = unknown_licenses(recipe)
    if not unknown:
        return
    own = ", or LicenseRef-own for documents that are your own" if any(place.startswith("documents") for place in unknown) else ""
    named = ", ".join(f"`{place}`" for place in unknown)
    raise RecipeError(
        f"{named}: unknown, so nobody could say under which terms the student may be used or passed on",
        where=locate(file, unknown[0]) if file else None,
        hint=f"say under which licence it stands: {_LIST}{own}",
    )


def unknown_licenses(recipe: Recipe) -> list[str]:
    """The keys of the recipe that do not say a licence, such as `documents.0.license`."""
    places = {f"documents.{place}.license": source.license for place, source in enumerate(recipe.documents)}
    places["teacher.license"] = recipe.teacher.license
    if recipe.student_model is not None:
        places["student_model.license"] = recipe.student_model.license
    if recipe.gold is not None:
        places["gold.license"] = recipe.gold.license
    return [place for place, stated in places.items() if not is_known(stated)]


def licenses(recipe: Recipe, student: LocalTeacher) -> dict[str, Any]:
    """The licences of documents, teacher and student's weights, the expression that joins them, and what that means in a sentence."""
    documents = [
        {"source": source.package if isinstance(source, WheelDocuments) else source.folder, "license": source.license}
        for source in recipe.documents
    ]
    teacher = recipe.teacher.model if isinstance(recipe.teacher, OpenAIHTTPTeacher) else recipe.teacher.name
    joined = join_licenses([*(row["license"] for row in documents), recipe.teacher.license, student.license])
    texts = ", ".join(f"{row['source']} ({row['license']})" for row in documents)
    return {
        "documents": documents,
        "teacher": {"name": teacher, "license": recipe.teacher.license},
        "student": {"name": student.name, "license": student.license},
        "combined": joined,
        "statement": f"The student starts from {student.name} ({student.license}) and was taught with {texts} "
        f"by {teacher} ({recipe.teacher.license}). Whoever uses it or passes it on has to heed all of these terms: {joined}.",
    }
