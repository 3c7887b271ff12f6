"""For each generator: sources, knobs, and a teacher that plays its part well."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

from generators.scripted import PASSAGES, Completing, Constrained, Scoring, Scripted, goal_calls
from seodang.core.records import Passage, Record
from seodang.data.build.sources import BuildSources
from seodang.models.chat_model import Message, Sampling
from seodang.scoring.tools.library_loans import LibraryLoans
from seodang.scoring.tools.telecom_account import TelecomAccount

KOREAN = {
    "The Falcon card is issued at the Harbour office.": "팰컨 카드는 하버 사무소에서 발급합니다.",
    "The Harbour office opens at 9 am on weekdays.": "하버 사무소는 평일 오전 9시에 엽니다.",
    "Books are lent for 14 days.": "책은 14일 동안 빌려줍니다.",
    "A late book costs 100 won a day.": "늦은 책은 하루에 100원입니다.",
    "Roaming costs 33,000 won a month.": "로밍은 한 달에 3만 3천 원입니다.",
    "Roaming is turned on with toggle_roaming in the LTE menu.": "로밍은 LTE 메뉴에서 toggle_roaming으로 켭니다.",
}
TWO_HOPS = {
    "question": "When does the place that issues the Falcon card open?",
    "answer": "9 am",
    "quote_one": "issued at the Harbour office",
    "quote_other": "opens at 9 am on weekdays",
}
MANUALS = [replace(passage, document=f"{number}.md") for number in range(7) for passage in PASSAGES]
GUILDS = [
    Passage("guilds.md", 100 * n + at, 100 * n + at + 9, f"g{n}{at}", "", "", statement, "en", "MIT")
    for n, name in enumerate(["Marl", "Oster", "Quill", "Brack", "Lune", "Tarn", "Vole", "Wisp", "Yarrow"])
    for at, statement in enumerate(
        [f"Bridge {n} was painted by the guild {name}.", f"{name} meets every year on day {n}3 in another town."]
    )
]
RECORDS = [Record("general", f"What is the use of thing number {n}?", "It helps.", (), "en") for n in range(20)]


def word(text: str, sampling: Sampling) -> str:
    """A word that differs from prompt to prompt and from seed to seed."""
    return "".join("aeioulmnrst"[int(digit)] for digit in str(crc32(f"{text}{sampling.seed}".encode())))


def two_hops(messages: Sequence[Message], sampling: Sampling) -> str:
    prompt = messages[-1].content
    if "Statement 1:" in prompt:
        return json.dumps(TWO_HOPS)
    return "9 am" if "Falcon card is issued" in prompt and "opens at 9 am" in prompt else "unknown"


def new_tasks(messages: Sequence[Message], sampling: Sampling) -> str:
    prompt = messages[-1].content
    if prompt.startswith("Come up"):
        return "\n".join(f" Tell {word(f'{prompt}{n}', sampling)} {word(f'{n}{prompt}', sampling)}." for n in range(3)) + "\n\nmore"
    if prompt.startswith("Is each task"):
        return "Yes" if crc32(prompt.rsplit("\n", 2)[-2].encode()) % 2 else "No"
    return " good\nInput: a text\n\n" if prompt.endswith("Output:") else " <none>\nOutput: It is done.\n\n"


def harder(messages: Sequence[Message], sampling: Sampling) -> str:
    prompt = messages[-1].content
    if prompt.startswith("First:"):
        return "different"
    asked = prompt.rsplit("Instruction: ", 1)
    return f"{asked[1]} Use the word {word(prompt, sampling)}." if len(asked) == 2 else f"A whole answer to {len(prompt)} letters."


def expected(messages: Sequence[Message], sampling: Sampling) -> str:
    prompt = messages[-1].content
    if messages[-1].role == "user":
        return "It is like this."
    korean = "한국어" in prompt and sampling.seed % 3
    return f"{word(prompt, sampling)} 요금을 알려 주세요" if korean else f"Tell me about {word(prompt, sampling)}"


def as_persona(messages: Sequence[Message], sampling: Sampling) -> str:
    return f"Could you tell me about {word(messages[-1].content, sampling)}?"


def talk(messages: Sequence[Message], sampling: Sampling) -> str:
    prompt = messages[-1].content
    if "Write the desk's answer" in prompt:
        return prompt.split("\n\n")[0].split("\n")[-1].split(": ", 1)[1]
    return f"And what about {prompt.count('Customer:')}?"


def both_ways(messages: Sequence[Message], sampling: Sampling) -> str:
    told, text = messages[-1].content.split("\n\n", 1)
    return KOREAN[text] if "Korean" in told else next(english for english, korean in KOREAN.items() if korean == text)


def serve(messages: Sequence[Message], sampling: Sampling) -> str:
    if len(messages) == 1:
        return "I want this: " + json.dumps(goal_calls(messages[0].content))
    wanted = json.loads(messages[1].content.removeprefix("I want this: "))
    num_done = (len(messages) - 2) // 2
    return json.dumps(wanted[num_done] if num_done < len(wanted) else {"answer": "That is done."})


def ask_more(messages: Sequence[Message], sampling: Sampling) -> str:
    return f" about {word(messages[-1].content, sampling)}?\n"


@dataclass(frozen=True)
class Case:
    """A generator with knobs that make several units of it."""

    teacher: Callable[..., Any]
    say: Any
    knobs: dict[str, Any]
    sources: BuildSources = field(default_factory=lambda: BuildSources(passages=PASSAGES))


CASES: dict[str, Case] = {
    "multi_hop": Case(Constrained, two_hops, {"most_holders": 3}, BuildSources(passages=[*PASSAGES, *GUILDS])),
    "self_instruct": Case(Completing, new_tasks, {"rounds": 4, "lists_per_round": 2}, BuildSources()),
    "evolve": Case(Scripted, harder, {"rounds": 3, "seeds": 20}, BuildSources(records=RECORDS)),
    "magpie": Case(Scoring, expected, {"instructions": {"ko": 24, "en": 24}}, BuildSources()),
    "persona": Case(Scripted, as_persona, {"personas": 30}),
    "dialogue": Case(Scripted, talk, {"turns": 2}, BuildSources(passages=MANUALS)),
    "translate": Case(Scripted, both_ways, {"texts": 30}, BuildSources(passages=MANUALS)),
    "gaps": Case(Completing, ask_more, {"questions": 100}, BuildSources(passages=MANUALS, student=Scoring(ask_more))),
    "trajectories": Case(
        Constrained,
        serve,
        {"goals_per_environment": 10},
        BuildSources(environments={"telecom": TelecomAccount(), "library": LibraryLoans()}),
    ),
}
