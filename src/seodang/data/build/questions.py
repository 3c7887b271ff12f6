"""Questions from passages: the teacher writes them in several phrasings, then answers each from the passage.

The answer that is taught is the statement itself, quoted: a small teacher chooses and asks better than it words an answer.
Its own open-book answers are kept as samples, for the checks to compare; what a thinking one thought before its answer is the reasoning.
"""

from collections.abc import Iterator, Sequence

from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.data.build.prompt_text import BuildSection, load_prompts
from seodang.data.build.reasoning import Thought, think, thinks
from seodang.data.build.written import records_in, rows_of
from seodang.models.chat_model import ChatModel, Completes, Sampling, require

_PASSAGES_A_UNIT = 12
_ANSWER_TOKENS = 28  # enough to compare an open-book answer with its passage


def questions(
    teacher: ChatModel, passages: Sequence[Passage], section: BuildSection, seed: int, journal: Journal, progress: Progress
) -> list[Record]:
    """Records of kind "know". The unit of work is twelve passages; a finished unit is taken from the journal."""
    records: list[Record] = []
    for first in range(0, len(passages), _PASSAGES_A_UNIT):
        group = passages[first : first + _PASSAGES_A_UNIT]
        unit = f"questions/{first}+{len(group)}"
        if unit not in journal:
            journal.append(unit, rows_of(_ask(teacher, group, section, seed + first)))
        found = records_in(journal[unit])
        records += found
        progress.advance(len(group), f"{len(records)} questions")
    return records


def _ask(teacher: ChatModel, group: Sequence[Passage], section: BuildSection, seed: int) -> Iterator[Record | None]:
    writer = require(teacher, Completes, "building questions")
    text = load_prompts(section.prompts)["question"]
    openers = text["openers"][: section.question_openers]
    asked = [(passage, opener) for passage in group for opener in openers]
    prompts = [f"{text['preamble']}{text['passage'].format(view=passage.view)}{text['ask']} {opener}" for passage, opener in asked]
    sampling = Sampling(28, section.temperature, section.top_p, seed, stop=("\n",))
    written: dict[tuple[Passage, str], None] = {}
    for (passage, opener), samples in zip(asked, writer.complete(prompts, sampling, section.question_samples), strict=True):
        for sample in samples:
            if sample.finish_reason == "stop":
                written[passage, f"{opener}{sample.text}".strip()] = None
            else:
                yield None
    pairs = list(written)
    thoughts = _think(teacher, pairs, section)
    for (passage, question), answers, thought in zip(pairs, answer_from_passage(writer, pairs, section, seed), thoughts, strict=True):
        samples = (*answers, thought.answer) if thought.whole else tuple(answers)
        reasoning = thought.reasoning if thought.whole else ""
        yield Record("know", question, passage.statement, (passage.id,), passage.language, samples=samples, reasoning=reasoning)


def _think(teacher: ChatModel, pairs: Sequence[tuple[Passage, str]], section: BuildSection) -> list[Thought]:
    """What a thinking teacher says with the passage in view; nothing for one that does not think."""
    if not thinks(teacher):
        return [Thought("", "", whole=False)] * len(pairs)
    asked = load_prompts(section.prompts)["open_book"]["know"]
    return think(teacher, [asked.format(passages=passage.view, question=question) for passage, question in pairs], section, _ANSWER_TOKENS)


def answer_from_passage(writer: Completes, pairs: Sequence[tuple[Passage, str]], section: BuildSection, seed: int) -> list[list[str]]:
    """The teacher's open-book answers: the first greedy, the others sampled."""
    text = load_prompts(section.prompts)["answer"]
    prompts = [
        f"{text['preamble']}{text['passage'].format(view=passage.view)}{text['ask'].format(question=question)}"
        for passage, question in pairs
    ]
    answers = [[sample.text.strip() for sample in samples] for samples in writer.complete(prompts, Sampling(_ANSWER_TOKENS, stop=("\n",)))]
    if section.answer_samples > 1:
        sampled = writer.complete(
            prompts, Sampling(_ANSWER_TOKENS, section.temperature, section.top_p, seed + 1, stop=("\n",)), section.answer_samples - 1
        )
        for row, samples in zip(answers, sampled, strict=True):
            row += [sample.text.strip() for sample in samples]
    return answers
