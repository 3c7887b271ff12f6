"""What customers might say who need an action: the teacher writes their words, the answer is the action as a tool call."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Action, Record
from seodang.data.build.prompt_text import BuildSection, load_prompts
from seodang.data.build.written import records_in, rows_of
from seodang.models.chat_model import ChatModel, Completes, Sampling, require

_ACTIONS_A_UNIT = 3
_MESSAGE_TOKENS = 32
_CALL = re.compile(r"(?<![\w./-])([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?:\([^()]*\))?")


def spoken(name: str) -> str:
    """An action's name as words: `toggle_wifi_calling` is "toggle wifi calling"."""
    return name.replace("_", " ")


def speak_calls(text: str) -> str:
    """A text with the actions that it names as words: "If `check_sim_status()` shows" is "If check sim status shows"."""
    return _CALL.sub(lambda match: spoken(match[1]), text)


def call_answer(action: Action) -> str:
    """The answer that is taught: what the action does, in the manual's first words, and the call.

    The call is a list in the pythonic format that vLLM and Llama 3.2 use. Saying first what the action does lets a small student
    reach the right name through words that it understands; with the call alone it writes names that do not exist (design/spine.md).
    """
    sentence = re.split(r"(?<=[.!?。])\s", action.description, maxsplit=1)[0]
    return f"{sentence} [{action.name}()]"


def utterances(
    teacher: ChatModel, actions: Sequence[Action], section: BuildSection, language: str, seed: int, journal: Journal, progress: Progress
) -> list[Record]:
    """Records of kind "act". The unit of work is three actions; a finished unit is taken from the journal."""
    records: list[Record] = []
    if section.utterances_per_action == 0:
        return records
    for first in range(0, len(actions), _ACTIONS_A_UNIT):
        group = actions[first : first + _ACTIONS_A_UNIT]
        unit = f"utterances/{first}+{len(group)}"
        if unit not in journal:
            journal.append(unit, rows_of(_say(teacher, group, section, language, seed + first)))
        records += records_in(journal[unit])
        progress.advance(len(group), f"{len(records)} messages")
    return records


def _say(teacher: ChatModel, group: Sequence[Action], section: BuildSection, language: str, seed: int) -> Iterator[Record | None]:
    writer = require(teacher, Completes, "building customers' messages")
    text = load_prompts(section.prompts)["utterance"]
    asked: list[tuple[Action, str]] = []
    prompts: list[str] = []
    for action in group:
        way = text["looking" if only_shows(text, action) else "changing"]
        openers = way["openers"]
        for turn in range(section.utterances_per_action):
            # Every opener meets every situation in time: the situation moves on with each round of openers.
            opener = openers[turn % len(openers)]
            situation = action.situations[(turn + turn // len(openers)) % len(action.situations)]
            asked.append((action, opener))
            prompts.append(f"{text['opening']}{way['preamble']}{describe(text, action.name, situation)}{text['ask']} {opener}")
    for line in write_lines(writer, asked, prompts, section, seed):
        if line is None:
            yield None
            continue
        action, words = line
        yield Record("act", words, call_answer(action), action.passages, language, action=action.name)


Source = TypeVar("Source", bound=Hashable)


def write_lines(
    writer: Completes, asked: Sequence[tuple[Source, str]], prompts: Sequence[str], section: BuildSection, seed: int
) -> list[tuple[Source, str] | None]:
    """The distinct lines that prompts were answered with, each after the opener that its prompt ends with, under what it was asked for; and
    None for each line that was cut off."""
    sampling = Sampling(_MESSAGE_TOKENS, section.temperature, section.top_p, seed, stop=("\n",))
    written: dict[tuple[Source, str], None] = {}
    num_cut = 0
    for (source, opener), (sample,) in zip(asked, writer.complete(prompts, sampling), strict=True):
        if sample.finish_reason == "stop":
            written[source, f"{opener}{sample.text}".strip()] = None
        else:
            num_cut += 1
    return [*written, *[None] * num_cut]


def only_shows(text: Mapping[str, str], action: Action) -> bool:
    """Whether an action shows something and changes nothing, by the first words of its description or its name."""
    return any(re.match(text["shows"], words.strip().lower()) for words in (action.description, spoken(action.name)))


def describe(text: Mapping[str, str], name: str, situation: str) -> str:
    """An action as the teacher reads it: its name in words, and what it does or when it is used."""
    return text["action"].format(name=spoken(name), description=situation)
