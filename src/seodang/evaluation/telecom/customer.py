"""A customer who acts by a script: no model, and the same words to the same words.

The customer says why they call, answers from what the task says that they know and want, does on the phone what is asked for and nothing
else, and tells what the phone showed. Of several things at once they do the first and ask for one at a time, as the benchmark's own users
are told to (tau2/data/tau2/user_simulator/simulation_guidelines_tools.md). Before answering they look whether the trouble is gone, and if
so, end the talk; so they do after `patience` messages in a row that led to nothing. The task's personas do not change what is said.
"""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from seodang.evaluation.telecom import phrases
from seodang.evaluation.telecom.domain import World
from seodang.evaluation.telecom.understand import Request, requests_in, sentences

_PATIENCE = 8
_SIGNS = {  # of each family of troubles: the tool that shows whether it is gone, and the words that say so
    "service_issue": ("check_status_bar", r"📶"),
    "mobile_data_issue": ("run_speed_test", r"\(Excellent\)"),
    "mms_issue": ("can_send_mms", r"\bcan send\b"),
}
_PERSONS = (
    (r"\bYou mobile\b", "My mobile"),
    (r"\bYou are\b", "I am"),
    (r"\byou are\b", "I am"),
    (r"\bYour\b", "My"),
    (r"\byour\b", "my"),
    (r"\bYou\b", "I"),
    (r"\byou\b", "I"),
)
_ONE_AT_A_TIME = "I can only do one thing at a time, so I have not done the rest. What shall I do next?"
_UNCLEAR = "I am not sure what you want me to do. Which setting should I check or change?"


class Customer:
    """One customer in one task's world."""

    def __init__(self, instructions: Mapping[str, Any], family: str, world: World) -> None:
        self._reason = in_first_person(str(instructions["reason_for_call"]))
        self._facts = [in_first_person(line) for line in sentences(str(instructions["known_info"] or ""))]
        self._wishes = [in_first_person(line) for line in sentences(str(instructions["task_instructions"] or ""))]
        self._sign = _SIGNS[family]
        self._world = world
        self._vain = 0
        self.over = False
        self.ending = ""  # "solved" or "gave up", once it is over

    def opening(self) -> str:
        """Why they call."""
        return f"Hello. {self._reason}"

    def answer(self, text: str) -> str:
        """What they say to a message of the agent, after doing what it asks for. `over` is set where that is the last thing they say."""
        requests = requests_in(text, self._parameters())
        done = [self._carry_out(request) for request in requests[:1]] + [_ONE_AT_A_TIME] * (len(requests) > 1)
        seen = self._look()
        if re.search(self._sign[1], seen):
            self.over, self.ending = True, "solved"
            return " ".join([*done, f"It works now. {seen} Thank you, goodbye."])
        said = [*done, *self._said(text, seen)]
        self._vain = 0 if done else self._vain + 1
        if self._vain >= _PATIENCE:
            self.over, self.ending = True, "gave up"
            return "This leads nowhere. Goodbye."
        return " ".join(said) or _UNCLEAR

    def _parameters(self) -> dict[str, list[str]]:
        tools = self._world.user_tools()
        return {name: list(inspect.signature(tool).parameters) for name, tool in tools.items()}

    def _carry_out(self, request: Request) -> str:
        if request.lacks:
            return f"Which {' and which '.join(name.replace('_', ' ') for name in request.lacks)} do you mean?"
        if request.tool in phrases.SWITCHES and request.turn_on is not None:
            attribute = phrases.SWITCHES[request.tool][1]
            if getattr(self._world.phone, attribute) == request.turn_on:
                return f"That is already {'on' if request.turn_on else 'off'}: {attribute.replace('_', ' ')}."
        shown = self._world.call(request.tool, request.arguments, "user")
        return f"{'I looked' if request.tool.startswith(('check_', 'run_', 'can_')) else 'I did that'}. {shown}"

    def _look(self) -> str:
        return str(self._world.call(self._sign[0], {}, "user"))

    def _said(self, text: str, seen: str) -> list[str]:
        """Answers to what is asked in words, from what the customer knows, wants and sees."""
        said = [line for asked, word in phrases.FACTS if _has(asked, text) for line in self._facts if word in line]
        wanted = [line for asked, word in phrases.WISHES if _has(asked, text) for line in self._wishes if word in line]
        if wanted:
            said += wanted
        elif _has(phrases.CONSENT, text):
            said.append("Yes, please go ahead.")
        if _has(phrases.GONE, text):
            said.append(f"It is not solved yet. {seen}")
        if not said and _has(phrases.TROUBLE, text):
            said.append(self._reason)
        return list(dict.fromkeys(said))


def in_first_person(text: str) -> str:
    """What a task tells the customer, as the customer says it."""
    for pattern, words in _PERSONS:
        text = re.sub(pattern, words, text)
    return text


def _has(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None
