"""Questions on everyday subjects, answered as the teacher answers them anyway: a student that practises them forgets less.

Training on a domain alone teaches a model to answer everything with the domain (Luo et al. 2023, arXiv 2308.08747, call it
catastrophic forgetting). A few general examples among the others, as in rehearsal (Scialom et al. 2022, arXiv 2205.12393), keep
what it could do before.
"""

import re
from collections.abc import Iterator, Sequence

from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.prompt_text import BuildSection, load_prompts
from seodang.data.build.reasoning import Thought, think, thinks
from seodang.data.build.written import records_in, rows_of
from seodang.models.chat_model import ChatModel, Completes, Message, Sampling, require

_QUESTIONS_A_UNIT = 48
_QUESTION_TOKENS, _ANSWER_TOKENS = 24, 40
_TEMPERATURE = 0.8  # nothing is given that the questions could stray from
_FIRST_SENTENCE = re.compile(r".+?[.!?。](?=\s|$)")


def general(teacher: ChatModel, section: BuildSection, seed: int, journal: Journal, progress: Progress) -> list[Record]:
    """Records of kind "general", without passages. The unit of work is 48 questions."""
    records: list[Record] = []
    for first in range(0, section.general_questions, _QUESTIONS_A_UNIT):
        count = min(_QUESTIONS_A_UNIT, section.general_questions - first)
        unit = f"general/{first}+{count}"
        if unit not in journal:
            journal.append(unit, rows_of(_ask(teacher, first, count, section, seed + first)))
        records += records_in(journal[unit])
        progress.advance(0, f"{len(records)} general questions")
    return records


def _ask(teacher: ChatModel, first: int, count: int, section: BuildSection, seed: int) -> Iterator[Record | None]:
    writer = require(teacher, Completes, "building general questions")
    text = load_prompts(section.prompts)["general"]
    openers = [text["openers"][(first + turn) % len(text["openers"])] for turn in range(count)]
    prompts = [f"{text['preamble']}{text['ask']} {opener}" for opener in openers]
    sampling = Sampling(_QUESTION_TOKENS, _TEMPERATURE, section.top_p, seed, stop=("\n",))
    written = [(opener, sample) for opener, (sample,) in zip(openers, writer.complete(prompts, sampling), strict=True)]
    yield from [None for _, sample in written if sample.finish_reason != "stop"]
    questions = list(dict.fromkeys(f"{opener}{sample.text}".strip() for opener, sample in written if sample.finish_reason == "stop"))
    for question, thought in zip(questions, _answers(teacher, questions, section), strict=True):
        sentence = _FIRST_SENTENCE.match(thought.answer)
        # What was cut off right after a full stop may be cut inside of a number or a name.
        if sentence and (thought.whole or sentence.end() < len(thought.answer)):
            yield Record("general", question, sentence[0], (), section.prompts, reasoning=thought.reasoning)
        elif not thought.whole:
            yield None


def _answers(teacher: ChatModel, questions: Sequence[str], section: BuildSection) -> list[Thought]:
    """The teacher's answer to each question, after its reasoning where it thinks."""
    if thinks(teacher):
        return think(teacher, questions, section, _ANSWER_TOKENS)
    answers = teacher.chat([[Message("user", question)] for question in questions], Sampling(_ANSWER_TOKENS, stop=("\n",)))
    return [Thought("", answer.text.strip(), answer.finish_reason == "stop") for (answer,) in answers]
