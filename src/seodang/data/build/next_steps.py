"""What customers say to whom a rule of the documents applies: they tell what they found, the answer is the action that comes next.

"If the check shows Missing, use reseat_card" becomes "The card check says Missing. What now?". Such messages are worded like the
check, not like the action that is right, so they are built and checked from the rule and not from the action's description.
"""

from collections.abc import Iterator, Mapping, Sequence

from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Action, Passage, Record
from seodang.data.build.prompt_text import BuildSection, load_prompts
from seodang.data.build.utterances import call_answer, speak_calls, write_lines
from seodang.data.build.written import records_in, rows_of
from seodang.models.chat_model import ChatModel, Completes, require

_RULES_A_UNIT = 4


def next_steps(
    teacher: ChatModel,
    actions: Sequence[Action],
    passages: Mapping[str, Passage],
    section: BuildSection,
    seed: int,
    journal: Journal,
    progress: Progress,
) -> list[Record]:
    """Records of kind "act", each with the passage of its rule and the one that describes its action. The unit of work is four rules."""
    records: list[Record] = []
    rules = [(action, passages[rule.passage]) for action in actions for rule in action.rules]
    if section.messages_per_rule == 0:
        return records
    for first in range(0, len(rules), _RULES_A_UNIT):
        group = rules[first : first + _RULES_A_UNIT]
        unit = f"next_steps/{first}+{len(group)}"
        if unit not in journal:
            journal.append(unit, rows_of(_tell(teacher, group, section, seed + first)))
        records += records_in(journal[unit])
        progress.advance(0, f"{len(records)} messages after a rule")
    return records


def _tell(teacher: ChatModel, group: Sequence[tuple[Action, Passage]], section: BuildSection, seed: int) -> Iterator[Record | None]:
    writer = require(teacher, Completes, "building customers' messages")
    text = load_prompts(section.prompts)["next_step"]
    asked: list[tuple[tuple[Action, Passage], str]] = []
    prompts: list[str] = []
    for action, passage in group:
        for turn in range(section.messages_per_rule):
            opener = text["openers"][turn % len(text["openers"])]
            asked.append(((action, passage), opener))
            prompts.append(f"{text['preamble']}{describe_rule(text, passage)}{text['ask']} {opener}")
    for line in write_lines(writer, asked, prompts, section, seed):
        if line is None:
            yield None
            continue
        (action, passage), words = line
        passages = tuple(dict.fromkeys((passage.id, action.passages[0])))
        yield Record("act", words, call_answer(action), passages, passage.language, action=action.name)


def describe_rule(text: Mapping[str, str], passage: Passage) -> str:
    """A rule as the teacher reads it, with the names of actions as words."""
    return text["rule"].format(view=speak_calls(passage.view))
