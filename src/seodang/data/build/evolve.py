"""Harder and rarer instructions from simple ones: the teacher rewrites each several times, and what is no gain is given up.

Method: Evol-Instruct (Xu et al. 2023, WizardLM, arXiv 2304.12244). In depth, one of five operations makes an instruction harder; in
breadth, a new one on a rarer subject is made of it. An evolved instruction is eliminated where it gains nothing over the one before, where
it repeats words of the prompt, and where its answer is a short refusal or has no words of content; the one before it then stays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from pydantic import Field

from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.asking import answer, write
from seodang.data.build.generator_texts import load_texts
from seodang.data.build.sources import BuildSources, GeneratorSection
from seodang.data.build.units import Dropped, in_units
from seodang.data.verify.words import content_words
from seodang.models.chat_model import ChatModel
from seodang.scoring.text_match import normalise

NEEDS = ()
NEEDS_SOURCES = ()
SOURCE = "Evol-Instruct (WizardLM), arXiv 2304.12244"
VERSION = 1

_SEEDS_A_UNIT = 8
_JUDGE_TOKENS = 8
_SHORT_REFUSAL_WORDS = 80


class EvolveSection(GeneratorSection):
    """Knobs of evolved instructions."""

    rounds: int = Field(default=4, ge=1, description="times that each instruction is evolved")
    breadth_share: float = Field(
        default=0.17, ge=0, le=1, description="share of the operations that go into breadth (in the paper, one of six)"
    )
    seeds: int = Field(default=64, ge=1, description="most instructions that it starts from")


SECTION = EvolveSection


@dataclass(frozen=True, slots=True)
class _Line:
    """One instruction on its way: the id of the record that it comes from, and how often it was evolved."""

    instruction: str
    parent: str
    depth: int


def evolve(
    sources: BuildSources, section: EvolveSection, teacher: ChatModel, seed: int, journal: Journal, progress: Progress
) -> list[Record]:
    """Records of kind "evolve", one for each evolved instruction that was not eliminated. The unit of work is eight seeds with all rounds.

    It starts from the questions of `sources.records` of the kinds "general" and "self_instruct", or from the instructions of
    `prompts/evolve` where there are none. `passages` names the record that it was made from; `truth` has the operation and the depth.
    """
    text = load_texts("evolve", section.prompts)
    found = [
        _Line(r.question, r.id, 0) for r in sources.records if r.kind in ("general", "self_instruct") and r.language == section.prompts
    ]
    starts = (found or [_Line(row, "", 0) for row in text["seeds"]])[: section.seeds]

    def write_unit(first: int, group: Sequence[_Line], so_far: Sequence[Record]) -> Iterator[Record | Dropped]:
        lines = list(group)
        for turn in range(section.rounds):
            here = seed + 100 * first + turn
            names = _operations(text, section, len(lines), Random(here))
            for place, (outcome, name) in enumerate(zip(_evolve(teacher, text, lines, names, section, here), names, strict=True)):
                if isinstance(outcome, Dropped):
                    yield outcome
                    continue
                instruction, said = outcome
                line = lines[place]
                truth = {"operation": name, "depth": line.depth + 1, "from": line.instruction}
                parents = (line.parent,) if line.parent else ()
                record = Record("evolve", instruction, said, parents, section.prompts, truth=truth, capability="instruction")
                lines[place] = _Line(instruction, record.id, line.depth + 1)
                yield record

    return in_units("evolve", section, starts, _SEEDS_A_UNIT, write_unit, journal, progress)


def _operations(text: dict[str, Any], section: EvolveSection, count: int, draw: Random) -> list[str]:
    return ["breadth" if draw.random() < section.breadth_share else draw.choice(sorted(text["depth"])) for _ in range(count)]


def _evolve(
    teacher: ChatModel, text: dict[str, Any], lines: Sequence[_Line], names: Sequence[str], section: EvolveSection, seed: int
) -> list[tuple[str, str] | Dropped]:
    """(instruction, answer) for each line, or why it was eliminated."""
    asked = [
        text["in_breadth"].format(instruction=line.instruction)
        if name == "breadth"
        else text["in_depth"].format(operation=text["depth"][name], instruction=line.instruction)
        for line, name in zip(lines, names, strict=True)
    ]
    written = write(teacher, asked, section, seed)
    outcomes: list[str | Dropped] = [
        one if isinstance(one, Dropped) else _repeats(one, line.instruction, text) or one for one, line in zip(written, lines, strict=True)
    ]
    live = [place for place, one in enumerate(outcomes) if not isinstance(one, Dropped)]
    judged = [text["judge"].format(first=lines[place].instruction, second=outcomes[place]) for place in live]
    for place, said in zip(live, answer(teacher, judged, section, tokens=_JUDGE_TOKENS), strict=True):
        if isinstance(said, Dropped):
            outcomes[place] = Dropped("no judgement of the gain")
        elif not normalise(said).startswith(normalise(text["gain"])):
            outcomes[place] = Dropped("no gain over the instruction before")
    live = [place for place in live if not isinstance(outcomes[place], Dropped)]
    replies = dict(zip(live, answer(teacher, [str(outcomes[place]) for place in live], section), strict=True))
    return [one if isinstance(one, Dropped) else _answered(one, replies[place], text) for place, one in enumerate(outcomes)]


def _repeats(instruction: str, before: str, text: dict[str, Any]) -> Dropped | None:
    lowered = normalise(instruction)
    if any(normalise(words) in lowered for words in text["of_the_prompt"]):
        return Dropped("words of the prompt in it")
    return Dropped("no gain over the instruction before") if lowered == normalise(before) else None


def _answered(instruction: str, said: str | Dropped, text: dict[str, Any]) -> tuple[str, str] | Dropped:
    if isinstance(said, Dropped):
        return said
    if len(said.split()) < _SHORT_REFUSAL_WORDS and any(words in said.lower() for words in text["refusal"]):
        return Dropped("a short refusal as the answer")
    return (instruction, said) if content_words(said) else Dropped("an answer without words of content")
