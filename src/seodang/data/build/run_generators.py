"""The generators that a recipe names, one after the other, after a look at whether all of them can do their work.

A generator is `data/build/NAME.py` with

- a function `NAME(sources, section, teacher, seed, journal, progress) -> list[Record]`,
- `SECTION`, the class of its knobs (a `GeneratorSection`), and `SOURCE`, the paper that it follows,
- `NEEDS`, the capabilities of a teacher beyond chat; `NEEDS_OF_STUDENT`, those of the student, where it asks one,
- `NEEDS_SOURCES`, the fields of `BuildSources` that must hold something,
- `VERSION`, which is raised when it writes something else from the same sources.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from seodang.core.errors import ModelError, RecipeError
from seodang.core.files import Journal
from seodang.core.hashing import digest
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.core.registry import find_function
from seodang.data.build.generator_texts import texts_digest
from seodang.data.build.sources import BuildSources, GeneratorSection
from seodang.models.chat_model import ChatModel, require

_PACKAGE = "seodang.data.build"


@dataclass(frozen=True, slots=True)
class Generator:
    """One generator with its knobs."""

    name: str
    write: Callable[..., list[Record]]
    section: GeneratorSection
    needs: tuple[type, ...]
    needs_of_student: tuple[type, ...]
    needs_sources: tuple[str, ...]
    source: str
    version: int

    @property
    def key(self) -> str:
        """Digest of what determines its records beside the sources and the teacher."""
        return digest([self.name, self.version, self.section.model_dump(mode="json"), texts_digest(self.name, self.section.prompts)])


def read_generators(rows: Sequence[Mapping[str, Any]]) -> list[Generator]:
    """The generators of rows such as `{"name": "evolve", "rounds": 2}`. RecipeError for a name or knob that does not exist."""
    return [_read(row, f"build.generators.{place}") for place, row in enumerate(rows)]


def refuse_missing(generators: Sequence[Generator], sources: BuildSources, teacher: ChatModel) -> None:
    """ModelError or RecipeError for the first generator that lacks a capability of the teacher or student, or something to write from."""
    for generator in generators:
        needed_by = f"the generator `{generator.name}`"
        for capability in generator.needs:
            require(teacher, capability, needed_by)
        if generator.needs_of_student and sources.student is None:
            raise ModelError(f"{needed_by} asks the student, and there is none here", hint="run it from a recipe with a student")
        for capability in generator.needs_of_student:
            require(_student(sources), capability, needed_by)
        for name in generator.needs_sources:
            if not getattr(sources, name):
                raise RecipeError(
                    f"{needed_by} writes from {name}, and there are none", where="build.generators", hint=f"leave it out, or give it {name}"
                )


def run_generators(
    generators: Sequence[Generator], sources: BuildSources, teacher: ChatModel, seed: int, journal: Journal, progress: Progress
) -> list[Record]:
    """The records of all generators in their order, equal ones once. Nothing is asked before every need of every generator is met."""
    refuse_missing(generators, sources, teacher)
    records: dict[str, Record] = {}
    for generator in generators:
        for record in generator.write(sources, generator.section, teacher, seed, journal, progress):
            records.setdefault(record.id, record)
    return list(records.values())


def _read(row: Mapping[str, Any], where: str) -> Generator:
    name = row.get("name")
    if not isinstance(name, str):
        raise RecipeError("a generator without a name", where=where, hint="write `name: evolve`, say, and its knobs beside it")
    function = find_function(_PACKAGE, name)
    module = importlib.import_module(function.__module__)
    kind = getattr(module, "SECTION", None)
    if kind is None:
        raise RecipeError(f"`{name}` is no generator that a recipe names", where=where, hint="name one such as evolve, magpie or dialogue")
    try:
        section = kind.model_validate({key: value for key, value in row.items() if key != "name"})
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"]))
        known = ", ".join(kind.model_fields)
        raise RecipeError(
            f"`{key}` of the generator `{name}`: {fault['msg'].lower()}", where=where, hint=f"its knobs are: {known}"
        ) from error
    return Generator(
        name,
        function,
        section,
        module.NEEDS,
        getattr(module, "NEEDS_OF_STUDENT", ()),
        module.NEEDS_SOURCES,
        module.SOURCE,
        module.VERSION,
    )


def _student(sources: BuildSources) -> ChatModel:
    assert sources.student is not None
    return sources.student
