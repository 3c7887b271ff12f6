"""Under which terms a run's documents, teacher and student stand: refused where one of them is not said, joined in the report.

A licence that is known is judged by `seodang.core.permissions`, for the report and for a release. A run goes on whatever a release would
meet, unless a licence denies teaching.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import RecipeError
from seodang.core.licenses import UNKNOWN, is_known, join_licenses
from seodang.core.permissions import GENERATED, Permission, Permissions, combine, duties, judge, release_blocks
from seodang.core.sections import locate
from seodang.data.documents import Document, DocumentSource, WheelDocuments, permissions_of
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.source import LocalTeacher
from seodang.pipeline.recipe import Recipe

_LIST = "an SPDX id such as CC-BY-4.0 or Apache-2.0, or LicenseRef-NAME for terms that SPDX does not list"
_GO_ON = "; or `licenses: {unknown: train}`, which trains and keeps the student from being released"


def refuse_unknown_licenses(recipe: Recipe, file: Path | None = None) -> None:
    """RecipeError, before any work, that names every place of the recipe whose licence is not known, or denies teaching, and the first
    one's line in `file`. An unknown licence passes where the recipe says `licenses: {unknown: train}`."""
    denied = [place for place, granted in _granted(recipe).items() if granted.train is Permission.DENY]
    if denied:
        raise RecipeError(
            f"{_named(denied)}: does not allow a model to be taught from it",
            where=locate(file, denied[0]) if file else None,
            hint="leave it out, or get other terms and say them under `permissions` of the source",
        )
    unknown = unknown_licenses(recipe)
    if not unknown or recipe.licenses.unknown == "train":
        return
    own = ", or LicenseRef-own for documents that are your own" if any(place.startswith("documents") for place in unknown) else ""
    raise RecipeError(
        f"{_named(unknown)}: unknown, so nobody could say under which terms the student may be used or passed on",
        where=locate(file, unknown[0]) if file else None,
        hint=f"say under which licence it stands: {_LIST}{own}{_GO_ON}",
    )


def refuse_unknown_documents(recipe: Recipe, documents: Iterable[Document]) -> None:
    """As `refuse_unknown_licenses`, for rows that state their own licence: RecipeError names the first that is not."""
    for document in documents:
        if document.permissions.train is Permission.DENY:
            raise RecipeError(
                f"{document.license} does not allow a model to be taught from it",
                where=document.origin,
                hint="take it out of the documents, or get other terms and say them under `permissions` of the source",
            )
        if not is_known(document.license) and recipe.licenses.unknown == "refuse":
            raise RecipeError(
                "states no licence, and its source has none either",
                where=document.origin,
                hint=f"say a `license` for rows without one: {_LIST}{_GO_ON}",
            )


def unknown_licenses(recipe: Recipe) -> list[str]:
    """The keys of the recipe that do not say a licence, such as `documents.0.license`, but where rows say their own."""
    places = {f"documents.{place}.license": source.license for place, source in enumerate(recipe.documents) if not source.license_field}
    places["teacher.license"] = recipe.teacher.license
    if recipe.student_model is not None:
        places["student_model.license"] = recipe.student_model.license
    if recipe.gold is not None:
        places["gold.license"] = recipe.gold.license
    return [place for place, stated in places.items() if not is_known(stated)]


def licenses(recipe: Recipe, student: LocalTeacher, documents: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The licences of documents, teacher and student's weights, the expression that joins them, what it lets one do, and words for it.

    `documents` are the rows that the step `ingest` tells; without them, rows that state a licence of their own are not known.
    """
    rows = [{"source": _source_name(source), "license": _source_license(source, documents)} for source in recipe.documents]
    teacher = recipe.teacher.model if isinstance(recipe.teacher, OpenAIHTTPTeacher) else recipe.teacher.name
    joined = join_licenses([*(row["license"] for row in rows), recipe.teacher.license, student.license])
    granted = combine(
        [
            *(permissions_of(source, row["license"]) for source, row in zip(recipe.documents, rows, strict=True)),
            judge(recipe.teacher.license).permissions,
            judge(student.license).permissions,
            GENERATED,
        ]
    )
    blocks = {what: release_blocks(granted, what) for what in ("model", "data")}
    texts = ", ".join(f"{row['source']} ({row['license']})" for row in rows)
    return {
        "documents": rows,
        "teacher": {"name": teacher, "license": recipe.teacher.license},
        "student": {"name": student.name, "license": student.license},
        "combined": joined,
        "permissions": granted.row(),
        "release_blocked_by": blocks,
        "statement": f"The student starts from {student.name} ({student.license}) and was taught with {texts} "
        f"by {teacher} ({recipe.teacher.license}). Whoever uses it or passes it on has to heed all of these terms: {joined}. "
        f"{_release_words(blocks, duties(granted))}",
    }


def _release_words(blocks: Mapping[str, Sequence[str]], to_do: Sequence[str]) -> str:
    told = {"model": "Passing on the student", "data": "Passing on the records"}
    parts = [f"{told[what]} for profit is {'blocked (' + ', '.join(why) + ')' if why else 'allowed'}." for what, why in blocks.items()]
    return f"{' '.join(parts)} Whoever does has to {' and to '.join(to_do)}." if to_do else " ".join(parts)


def _granted(recipe: Recipe) -> dict[str, Permissions]:
    """The permissions of each place of the recipe that states a licence."""
    found = {f"documents.{place}.license": permissions_of(source, source.license) for place, source in enumerate(recipe.documents)}
    found["teacher.license"] = judge(recipe.teacher.license).permissions
    if recipe.student_model is not None:
        found["student_model.license"] = judge(recipe.student_model.license).permissions
    if recipe.gold is not None:
        found["gold.license"] = judge(recipe.gold.license).permissions
    return found


def _source_license(source: DocumentSource, documents: Sequence[Mapping[str, Any]]) -> str:
    """The licence of a source, or what joins those of its rows where they state their own."""
    if source.license_field is None or not documents:
        return source.license
    start = f"{source.package}=={source.version}/" if isinstance(source, WheelDocuments) else f"{Path(source.folder).as_posix()}/"
    found = [row["license"] for row in documents if row["origin"].startswith(start) or start == "./"]
    return join_licenses(found) if found else UNKNOWN


def _source_name(source: DocumentSource) -> str:
    return source.package if isinstance(source, WheelDocuments) else source.folder


def _named(places: Sequence[str]) -> str:
    return ", ".join(f"`{place}`" for place in places)
