"""Instructions that the teacher itself expects: given its chat template up to where a user's words begin, an aligned model writes them.

Method: Magpie (Xu et al. 2024, arXiv 2406.08464). The beginning of the user's turn is cut out of the teacher's own template. In which
language it writes is up to the teacher, and mostly English; a system text asks for the language, and what comes in another one is dropped
and counted.
"""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field

from seodang.core.errors import ModelError
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.asking import answer
from seodang.data.build.generator_texts import load_texts
from seodang.data.build.sources import BuildSources, GeneratorSection
from seodang.data.build.units import CUT, Dropped, in_units
from seodang.data.language import guess_language
from seodang.models.chat_model import ChatModel, Completes, Message, Sampling, Scores, require
from seodang.scoring.text_match import normalise

NEEDS = (Completes, Scores)
NEEDS_SOURCES = ()
SOURCE = "Magpie, arXiv 2406.08464"
VERSION = 1

_SAMPLES_A_UNIT = 16
_PROBES = ("Aa", "한글", "7, 8")  # users' words that begin with unlike letters


class MagpieSection(GeneratorSection):
    """Knobs of instructions from the chat template."""

    temperature: float = Field(default=1.0, ge=0, le=2, description="sampling temperature of instructions; answers are greedy")
    instructions: Mapping[str, int] = Field(
        default={"ko": 64, "en": 64}, description="how many instructions are wanted in each language: the share of Korean is set here"
    )
    tries: int = Field(default=4, ge=1, description="samples drawn for each instruction that is wanted, at most")
    instruction_tokens: int = Field(default=96, ge=1, description="most tokens of an instruction; a longer one is dropped")


SECTION = MagpieSection


def magpie(
    sources: BuildSources, section: MagpieSection, teacher: ChatModel, seed: int, journal: Journal, progress: Progress
) -> list[Record]:
    """Records of kind "magpie", at most as many in each language as are wanted. The unit of work is sixteen samples in one language."""
    writer = require(teacher, Completes, "building instructions from the chat template")
    reader = require(teacher, Scores, "building instructions from the chat template")
    prefixes = {language: user_turn(reader, load_texts("magpie", language)["system"]) for language in sorted(section.instructions)}
    units = [
        (language, number)
        for language in sorted(section.instructions)
        for number in range(-(-section.instructions[language] * section.tries // _SAMPLES_A_UNIT))
    ]

    def write_unit(first: int, group: Sequence[tuple[str, int]], so_far: Sequence[Record]) -> Iterator[Record | Dropped]:
        ((language, _),) = group
        known = {normalise(record.question) for record in so_far}
        num_wanted = section.instructions[language] - sum(record.language == language for record in so_far)
        if num_wanted <= 0:
            return
        # A server draws sample n with seed + n: units must not share seeds.
        sampling = Sampling(section.instruction_tokens, section.temperature, section.top_p, seed + _SAMPLES_A_UNIT * first)
        (samples,) = writer.complete([prefixes[language]], sampling, _SAMPLES_A_UNIT)
        asked: list[str] = []
        for sample in samples:
            words = sample.text.strip()
            fault = CUT if sample.finish_reason != "stop" else _fault(words, language, known)
            if fault is not None:
                yield fault
            elif len(asked) < num_wanted:
                known.add(normalise(words))
                asked.append(words)
        for words, said in zip(asked, answer(teacher, asked, section), strict=True):
            yield said if isinstance(said, Dropped) else Record("magpie", words, said, (), language, capability="instruction")

    return in_units("magpie", section, units, 1, write_unit, journal, progress)


def user_turn(model: Scores, system: str) -> list[int]:
    """The ids of a conversation with this system text up to where the user's words begin. ModelError where the template cannot be cut."""
    before = [Message("system", system)] if system else []
    wholes = [model.encode_chat([*before, Message("user", words)]) for words in _PROBES]
    length = next(place for place, ids in enumerate(zip(*wholes, strict=False)) if len(set(ids)) > 1)
    for whole, words in zip(wholes, _PROBES, strict=True):
        ids = model.encode_text(words)
        if whole[length : length + len(ids)] != ids:
            raise ModelError(
                "its chat template cannot be cut where a user's words begin, because tokens reach over that place",
                hint="leave the generator `magpie` out for this teacher",
            )
    return wholes[0][:length]


def _fault(words: str, language: str, known: set[str]) -> Dropped | None:
    if len(normalise(words).split()) < 2:
        return Dropped("too short an instruction")
    if guess_language(words) != language:
        return Dropped("another language")
    return Dropped("an instruction that came before") if normalise(words) in known else None
