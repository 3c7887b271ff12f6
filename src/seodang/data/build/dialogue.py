"""Conversations of several turns about neighbouring passages: the teacher plays the customer and the agent by turns.

Each turn is about one more passage of the same document, in its order, and the customer goes on from what was said (as in the
document-grounded dialogues of Feng et al. 2020, doc2dial, arXiv 2011.06623). The agent has the passages in view; the student will not.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from pydantic import Field

from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.data.build.asking import answer, write
from seodang.data.build.generator_texts import load_texts
from seodang.data.build.sources import BuildSources, GeneratorSection
from seodang.data.build.units import Dropped, in_units
from seodang.data.verify.words import content_words, marked_words
from seodang.models.chat_model import ChatModel
from seodang.scoring.text_match import normalise

NEEDS = ()
NEEDS_SOURCES = ("passages",)
SOURCE = "doc2dial, arXiv 2011.06623"
VERSION = 1

_DIALOGUES_A_UNIT = 8


class DialogueSection(GeneratorSection):
    """Knobs of conversations."""

    turns: int = Field(default=3, ge=2, le=8, description="questions of the customer in one conversation, each about one more passage")
    dialogues: int = Field(default=64, ge=1, description="most conversations")
    min_support: float = Field(
        default=0.5, ge=0, le=1, description="share of an answer's content words that stand in the passages so far or in the questions"
    )


SECTION = DialogueSection


def dialogue(
    sources: BuildSources, section: DialogueSection, teacher: ChatModel, seed: int, journal: Journal, progress: Progress
) -> list[Record]:
    """Records of kind "dialogue": all messages before the last answer in `turns`, the last answer as the answer. The unit of work is eight
    conversations; one with a turn that cannot be used is dropped whole. `truth.turn_passages` has the passage of each turn."""
    text = load_texts("dialogue", section.prompts)

    def write_unit(first: int, group: Sequence[Sequence[Passage]], so_far: Sequence[Record]) -> Iterator[Record | Dropped]:
        messages: list[list[dict[str, str]]] = [[] for _ in group]
        ended: dict[int, Dropped] = {}
        for turn in range(section.turns):
            live = [place for place in range(len(group)) if place not in ended]
            asked = [text["customer"].format(view=group[place][turn].view, so_far=_told(messages[place], text)) for place in live]
            for place, said in zip(live, write(teacher, asked, section, seed + 10 * first + turn), strict=True):
                _add(messages[place], ended, place, "user", said)
            live = [place for place in live if place not in ended]
            asked = [text["agent"].format(passages=_views(group[place], turn), so_far=_told(messages[place], text)) for place in live]
            for place, said in zip(live, answer(teacher, asked, section), strict=True):
                supported = isinstance(said, Dropped) or _supported(said, _views(group[place], turn), messages[place], section)
                _add(
                    messages[place], ended, place, "assistant", said if supported else Dropped("an answer that its passages do not support")
                )
        for place, passages in enumerate(group):
            yield ended[place] if place in ended else _record(messages[place], passages)

    windows = find_windows(sources.passages, section)
    return in_units("dialogue", section, windows, _DIALOGUES_A_UNIT, write_unit, journal, progress)


def find_windows(passages: Sequence[Passage], section: DialogueSection) -> list[tuple[Passage, ...]]:
    """Runs of `turns` passages of one document, in its order and without overlap; at most `dialogues`, spread over all documents."""
    runs: list[tuple[Passage, ...]] = []
    ordered = sorted(passages, key=lambda passage: (passage.document, passage.start))
    for _, same in groupby(ordered, key=lambda passage: passage.document):
        own = list(same)
        runs += [tuple(own[at : at + section.turns]) for at in range(0, len(own) - section.turns + 1, section.turns)]
    if len(runs) <= section.dialogues:
        return runs
    return [runs[number * len(runs) // section.dialogues] for number in range(section.dialogues)]


def _add(messages: list[dict[str, str]], ended: dict[int, Dropped], place: int, role: str, said: str | Dropped) -> None:
    if isinstance(said, Dropped):
        ended[place] = said
    else:
        messages.append({"role": role, "content": said})


def _views(passages: Sequence[Passage], turn: int) -> str:
    return "\n".join(passage.view for passage in passages[: turn + 1])


def _told(messages: Sequence[dict[str, str]], text: dict[str, str]) -> str:
    return "\n".join(f"{text[message['role']]} {message['content']}" for message in messages) or text["nothing"]


def _supported(said: str, views: str, messages: Sequence[dict[str, str]], section: DialogueSection) -> bool:
    """Whether an answer invents no number or name, and most of its words are from what it was given."""
    given = " ".join([views, *(message["content"] for message in messages)])
    words = content_words(said)
    known = {*normalise(given).split(), *marked_words(given)}
    return marked_words(said) <= known and len(words & content_words(given)) >= section.min_support * max(1, len(words))


def _record(messages: Sequence[dict[str, str]], passages: Sequence[Passage]) -> Record:
    ids = tuple(passage.id for passage in passages)
    *before, last = messages
    language = passages[0].language
    truth = {"turn_passages": list(ids)}
    return Record(
        "dialogue", before[-1]["content"], last["content"], ids, language, turns=tuple(before), truth=truth, capability="knowledge"
    )
