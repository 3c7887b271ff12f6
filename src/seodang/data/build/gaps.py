"""More questions where the student knows least: its own log-probabilities of the right answers choose what the teacher is asked next.

What a student finds unlikely is asked about more often (as GraphGen, Chen et al. 2025, arXiv 2505.20416, aims at what a model does not
know, and LAB, Sudalairaj et al. 2024, arXiv 2403.01081, at the leaves of a taxonomy). Every passage keeps a floor, so that nothing starves.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pydantic import Field

from seodang.core.errors import RecipeError
from seodang.core.files import Journal
from seodang.core.hashing import digest
from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.data.build.generator_texts import load_texts
from seodang.data.build.prompt_text import BuildSection, load_prompts
from seodang.data.build.questions import answer_from_passage
from seodang.data.build.sources import BuildSources, GeneratorSection
from seodang.data.build.units import CUT, Dropped, in_units
from seodang.models.chat_model import ChatModel, Completes, Message, Sampling, Scores, require

NEEDS = (Completes,)
NEEDS_OF_STUDENT = (Scores,)
NEEDS_SOURCES = ("passages",)
SOURCE = "GraphGen, arXiv 2505.20416; LAB, arXiv 2403.01081"
VERSION = 1

_PASSAGES_A_UNIT = 12
_QUESTION_TOKENS = 28


class GapsSection(GeneratorSection):
    """Knobs of questions where the student knows least."""

    questions: int = Field(default=256, ge=1, description="questions that are asked for in all")
    floor: int = Field(default=1, ge=0, description="questions that each passage is asked for, however well the student knows it")
    most: int = Field(default=12, ge=1, description="questions that one passage is asked for at most")
    leaf: Literal["passage", "heading"] = Field(
        default="passage", description="what the student's gap is the mean of: one passage, or all under one heading of a document"
    )
    scored_questions: int = Field(default=2, ge=1, description="earlier questions about a passage whose answers the student is scored on")


SECTION = GapsSection


def gaps(sources: BuildSources, section: GapsSection, teacher: ChatModel, seed: int, journal: Journal, progress: Progress) -> list[Record]:
    """Records of kind "know", answered by their passage's statement, more of them where the student's gap is wide.

    The student's scores are one unit of work, then twelve passages are. `truth.gap` has the gap in nats a token.
    """
    writer = require(teacher, Completes, "building questions where the student knows least")
    if sources.student is None:
        raise RecipeError("the generator `gaps` asks the student, and there is none here", hint="run it from a recipe with a student")
    student = require(sources.student, Scores, "finding out what the student knows")
    unit = f"gaps/{digest(section.model_dump(mode='json'))[:8]}/student"
    if unit not in journal:
        journal.append(unit, student_gaps(student, sources.passages, sources.records, section))
    found: list[float] = journal[unit]
    shares = allocate(found, section.questions, section.floor, section.most)
    plan = [(passage, gap, share) for passage, gap, share in zip(sources.passages, found, shares, strict=True) if share]

    def write_unit(first: int, group: Sequence[tuple[Passage, float, int]], so_far: Sequence[Record]) -> Iterator[Record | Dropped]:
        return _ask(writer, group, section, seed + first)

    return in_units("gaps", section, plan, _PASSAGES_A_UNIT, write_unit, journal, progress)


def student_gaps(student: Scores, passages: Sequence[Passage], records: Sequence[Record], section: GapsSection) -> list[float]:
    """For each passage, minus the student's mean log-probability of a token of its statement, in nats, over its questions or its leaf's."""
    text = load_texts("gaps", section.prompts)
    asked: dict[str, list[str]] = {}
    for record in records:
        if record.kind == "know" and len(record.passages) == 1:
            asked.setdefault(record.passages[0], []).append(record.question)
    prompts: list[list[int]] = []
    answers: list[list[int]] = []
    owners: list[str] = []
    for passage in passages:
        subject = passage.heading or passage.lead or " ".join(passage.statement.split()[:4])
        for question in asked.get(passage.id, [text["ask"].format(subject=subject)])[: section.scored_questions]:
            prompts.append(student.encode_chat([Message("user", question)]))
            answers.append(student.encode_answer(passage.statement))
            owners.append(_leaf(passage, section))
    sums: dict[str, list[float]] = {}
    for owner, targets in zip(owners, student.score(prompts, answers, 0), strict=True):
        sums.setdefault(owner, []).append(-sum(targets.logprobs) / len(targets.logprobs))
    means: Mapping[str, float] = {owner: sum(values) / len(values) for owner, values in sums.items()}
    return [means[_leaf(passage, section)] for passage in passages]


def allocate(found: Sequence[float], total: int, floor: int, most: int) -> list[int]:
    """How many of `total` questions each passage gets: the floor, and the rest in proportion to its gap, by largest remainders.

    Nobody gets more than `most`; what is over goes to the others. RecipeError where the floor alone is more than all.
    """
    if floor * len(found) > total or floor > most:
        raise RecipeError(
            f"`questions` {total} is less than a floor of {floor} for each of {len(found)} passages, or the floor is over `most` {most}",
            where="build.generators",
            hint="raise `questions` of the generator `gaps`, or lower its `floor`",
        )
    ideal = _ideal([max(gap, 1e-9) for gap in found], min(total, most * len(found)) - floor * len(found), most - floor)
    shares = [floor + int(share + 1e-9) for share in ideal]
    by_remainder = sorted(range(len(found)), key=lambda place: (shares[place] - floor - ideal[place], place))
    for place in by_remainder[: min(total, most * len(found)) - sum(shares)]:
        shares[place] += 1
    return shares


def _ideal(weights: Sequence[float], total: float, most: float) -> list[float]:
    """`total` in proportion to the weights, but nobody more than `most`: what is over goes to the others."""
    full: set[int] = set()
    while True:
        scale = (total - most * len(full)) / max(1e-9, sum(weight for place, weight in enumerate(weights) if place not in full))
        over = {place for place, weight in enumerate(weights) if place not in full and scale * weight > most}
        if not over:
            return [most if place in full else scale * weight for place, weight in enumerate(weights)]
        full |= over


def _ask(writer: Completes, group: Sequence[tuple[Passage, float, int]], section: GapsSection, seed: int) -> Iterator[Record | Dropped]:
    text = load_prompts(section.prompts)["question"]
    openers = text["openers"]
    asked = [(passage, gap, openers[turn % len(openers)]) for passage, gap, share in group for turn in range(share)]
    prompts = [f"{text['preamble']}{text['passage'].format(view=passage.view)}{text['ask']} {opener}" for passage, _, opener in asked]
    sampling = Sampling(_QUESTION_TOKENS, section.temperature, section.top_p, seed, stop=("\n",))
    written: dict[tuple[Passage, str], float] = {}
    for (passage, gap, opener), (sample,) in zip(asked, writer.complete(prompts, sampling), strict=True):
        if sample.finish_reason == "stop":
            written[passage, f"{opener}{sample.text}".strip()] = gap
        else:
            yield CUT
    pairs = list(written)
    told = BuildSection(prompts=section.prompts, answer_samples=1)
    for (passage, question), samples in zip(pairs, answer_from_passage(writer, pairs, told, seed) if pairs else [], strict=True):
        truth = {"gap": round(written[passage, question], 4)}
        ids = (passage.id,)
        yield Record(
            "know", question, passage.statement, ids, passage.language, samples=tuple(samples), truth=truth, capability="knowledge"
        )


def _leaf(passage: Passage, section: GapsSection) -> str:
    return passage.id if section.leaf == "passage" else f"{passage.document}#{passage.heading}"
