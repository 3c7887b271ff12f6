"""Questions as different people would ask them: who asks is the axis along which they differ.

Method: Persona Hub (Ge et al. 2024, arXiv 2406.20094). Its personas are read out of web pages; ours are put together from tables of ages,
kinds of work, homes and manners, so that nobody real is described and each bucket can be counted. Every persona takes, on each axis, a
value that has the fewest records so far: what a filter drops is asked for again elsewhere in the same bucket.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random

from pydantic import Field

from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.asking import answer, write
from seodang.data.build.generator_texts import load_texts
from seodang.data.build.sources import BuildSources, GeneratorSection
from seodang.data.build.units import Dropped, in_units
from seodang.data.language import guess_language
from seodang.models.chat_model import ChatModel

NEEDS = ()
NEEDS_SOURCES = ()
SOURCE = "Persona Hub, arXiv 2406.20094"
VERSION = 1

_PERSONAS_A_UNIT = 8


class PersonaSection(GeneratorSection):
    """Knobs of personas."""

    personas: int = Field(default=96, ge=1, description="personas, each of which asks once")


SECTION = PersonaSection


def persona(
    sources: BuildSources, section: PersonaSection, teacher: ChatModel, seed: int, journal: Journal, progress: Progress
) -> list[Record]:
    """Records of kind "persona". The unit of work is eight personas.

    With passages each persona asks about one of them, in turn, and the answer is its statement; without, it sets a task of its own, which
    the teacher answers. `truth.persona` has the persona's value on each axis.
    """
    text = load_texts("persona", section.prompts)
    axes: Mapping[str, Sequence[str]] = text["axes"]

    def write_unit(first: int, group: Sequence[int], so_far: Sequence[Record]) -> Iterator[Record | Dropped]:
        personas = draw_personas(axes, len(group), coverage(axes, so_far), Random(f"{seed}/{first}"))
        told = [text["persona"].format(**one) for one in personas]
        passages = [sources.passages[number % len(sources.passages)] for number in group] if sources.passages else []
        asked = [
            text["about"].format(persona=who, view=passages[place].view) if passages else text["free"].format(persona=who)
            for place, who in enumerate(told)
        ]
        written = write(teacher, asked, section, seed + first)
        questions = [one if isinstance(one, Dropped) else _fault(one, section.prompts) or one for one in written]
        free = [] if passages else [one for one in questions if isinstance(one, str)]
        answers = iter(answer(teacher, free, section))
        for place, question in enumerate(questions):
            if isinstance(question, Dropped):
                yield question
                continue
            said = passages[place].statement if passages else next(answers)
            if isinstance(said, Dropped):
                yield said
                continue
            ids = (passages[place].id,) if passages else ()
            yield Record("persona", question, said, ids, section.prompts, truth={"persona": personas[place]}, capability="instruction")

    return in_units("persona", section, range(section.personas), _PERSONAS_A_UNIT, write_unit, journal, progress)


def coverage(axes: Mapping[str, Sequence[str]], records: Iterable[Record]) -> dict[str, Counter[str]]:
    """How many records each value of each axis has; those without any stand there with 0."""
    found = {axis: Counter(dict.fromkeys(values, 0)) for axis, values in axes.items()}
    for record in records:
        for axis, value in record.truth.get("persona", {}).items():
            found[axis][value] += 1
    return found


def draw_personas(axes: Mapping[str, Sequence[str]], count: int, covered: Mapping[str, Counter[str]], draw: Random) -> list[dict[str, str]]:
    """Personas with the least covered value on each axis; which of several is drawn."""
    counts = {axis: Counter(covered[axis]) for axis in axes}
    personas: list[dict[str, str]] = []
    for _ in range(count):
        one: dict[str, str] = {}
        for axis, values in axes.items():
            fewest = min(counts[axis][value] for value in values)
            one[axis] = draw.choice([value for value in values if counts[axis][value] == fewest])
            counts[axis][one[axis]] += 1
        personas.append(one)
    return personas


def _fault(question: str, language: str) -> Dropped | None:
    if "\n\n" in question:
        return Dropped("more than one message")
    return Dropped("another language") if guess_language(question) != language else None
