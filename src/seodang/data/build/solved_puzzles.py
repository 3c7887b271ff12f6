"""Puzzles of arithmetic and logic that the teacher solves: a generator of recipes over `puzzles` and `worked_solutions`."""

from typing import Literal

from pydantic import Field

from seodang.core.errors import RecipeError
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.sources import BuildSources, GeneratorSection
from seodang.data.build.worked_solutions import SolutionSampling, worked_solutions
from seodang.models.chat_model import ChatModel, Completes, require
from seodang.scoring.puzzles import EASY, puzzles

SOURCE = "Yuan et al. 2023, arXiv 2308.01825"
VERSION = 1
NEEDS = ()
NEEDS_SOURCES = ()


class SolvedPuzzlesSection(GeneratorSection):
    """Which puzzles, how many of each, and how they are asked."""

    kinds: tuple[str, ...] = Field(default=(), description="generators of reasoning-gym among the easy ones; none: all of these")
    num_each: int = Field(default=64, ge=1, description="different problems of each generator")
    samples: int = Field(default=4, ge=1, description="solutions drawn for each problem")
    style: Literal["chat", "examples"] = Field(
        default="chat", description="chat: the teacher is asked to think; examples: a small one continues after solved problems"
    )
    shown: int = Field(default=6, ge=0, description="solved problems of the same generator that are shown, with the style `examples`")


SECTION = SolvedPuzzlesSection


def solved_puzzles(
    sources: BuildSources, section: SolvedPuzzlesSection, teacher: ChatModel, seed: int, journal: Journal, progress: Progress
) -> list[Record]:
    """Records of kind "worked_solution". RecipeError for a kind that is not among the easy ones."""
    known = {generator.name: generator for generator in EASY}
    unknown = [kind for kind in section.kinds if kind not in known]
    if unknown:
        raise RecipeError(f"no puzzles `{unknown[0]}`", where="build.generators", hint=f"there are: {', '.join(known)}")
    if section.style == "examples":
        require(teacher, Completes, "the generator `solved_puzzles` with examples")
    chosen = [known[kind] for kind in section.kinds or known]
    problems = puzzles(chosen, section.num_each, seed)
    asked = {problem.question for problem in problems}
    shown = [problem for problem in puzzles(chosen, section.shown, seed + 1) if problem.question not in asked] if section.shown else []
    examples = {generator.name: [problem for problem in shown if problem.generator == generator.name] for generator in chosen}
    sampling = SolutionSampling(section.samples, section.temperature, section.top_p, section.answer_tokens, section.style)
    return worked_solutions(teacher, problems, sampling, seed, journal, progress, examples)
