"""What a message of the agent asks the customer to do on the phone: calls of the phone's tools, in the order in which they are asked for.

A tool is asked for by its name in code form, with or without arguments, or in words of `phrases`. What is denied ("do not ..."), what the
agent does itself ("I have ...") and what hangs on a condition that the customer would have to judge is not asked for.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seodang.evaluation.telecom import phrases

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_READS = ("check_", "run_", "can_")
_SWITCHED = {tool: phrases.switched(topic) for tool, (topic, _) in phrases.SWITCHES.items()}
_WORDS = {tool: re.compile(pattern, re.IGNORECASE) for tool, pattern in phrases.ACTIONS.items()}
_ON = ("on", "enable", "activate")


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to do: a tool with its arguments. `turn_on` says to which side a switch should go, None to the other one; `lacks` names
    arguments that were not said."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    turn_on: bool | None = None
    lacks: tuple[str, ...] = ()


def sentences(text: str) -> list[str]:
    """The sentences and lines of a message."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def requests_in(text: str, parameters: Mapping[str, Sequence[str]]) -> list[Request]:
    """What is asked for, each thing once. `parameters` has the names of each tool's arguments; only these tools exist."""
    found: list[Request] = []
    topic = ""
    for sentence in sentences(text):
        named = list(_by_name(sentence, parameters))
        asked = named or [*_by_words(sentence, text, parameters), *_by_pronoun(sentence, topic)]
        found += [request for _, request in sorted(asked, key=lambda row: row[0])]
        topic = _topic(sentence) or topic
    distinct = {repr(request): request for request in found if request.tool in parameters}
    return list(distinct.values())


def _by_name(sentence: str, parameters: Mapping[str, Sequence[str]]) -> Iterator[tuple[int, Request]]:
    for match in re.finditer(r"\b([a-z]+(?:_[a-z]+)+)\b\s*(\((?:[^()]|\([^()]*\))*\))?", sentence):
        tool = match[1]
        if tool in parameters and _is_asked(sentence, match, tool, tool in phrases.SWITCHES):
            given = _arguments(match[2] or "()", parameters[tool])
            for request in _complete(tool, given, sentence, sentence, parameters[tool]):
                yield match.start(), request


def _by_words(sentence: str, text: str, parameters: Mapping[str, Sequence[str]]) -> Iterator[tuple[int, Request]]:
    for tool, pattern in _SWITCHED.items():
        if (match := pattern.search(sentence)) and _is_asked(sentence, match, tool, True):
            said = next((group for group in match.groups() if group), None)
            yield match.start(), Request(tool, turn_on=None if said is None else said.lower() in _ON)
    for tool, pattern in _WORDS.items():
        if (match := pattern.search(sentence)) and _is_asked(sentence, match, tool, False):
            for request in _complete(tool, {}, sentence, text, parameters.get(tool, ())):
                yield match.start(), request


def _by_pronoun(sentence: str, topic: str) -> Iterator[tuple[int, Request]]:
    """ "Turn it off", of the switch that was spoken of last."""
    match = phrases.TURN_IT.search(sentence)
    if match is None or not _is_asked(sentence, match, topic, True):
        return
    tool = _topic(sentence[: match.start()]) or topic
    turn_on = (match[1] or match[2]).lower() in _ON
    if tool == "vpn":
        yield match.start(), Request("connect_vpn" if turn_on else "disconnect_vpn")
    elif tool:
        yield match.start(), Request(tool, turn_on=turn_on)


def _topic(text: str) -> str:
    """The tool of the switch that a text speaks of last; "vpn" for that."""
    topics = {**{tool: topic for tool, (topic, _) in phrases.SWITCHES.items()}, "vpn": r"\bvpn\b"}
    ends = {tool: [match.end() for match in re.finditer(topic, text, re.IGNORECASE)] for tool, topic in topics.items()}
    last = max(ends, key=lambda tool: max(ends[tool], default=-1))
    return last if ends[last] else ""


def _is_asked(sentence: str, match: re.Match[str], tool: str, by_state: bool) -> bool:
    """Whether these words are asked of the customer. A switch is looked at before it is turned: its "if" does no harm."""
    before = sentence[: match.start()]
    if phrases.NEGATED.search(sentence[: match.end()]) or phrases.BY_AGENT.search(before):
        return False
    return by_state or tool.startswith(_READS) or not phrases.ON_CONDITION.search(before)


def _arguments(text: str, names: Sequence[str]) -> dict[str, Any]:
    """The arguments in brackets, also without their names; none where they are no literals."""
    try:
        call = ast.parse(f"f{text}", mode="eval").body
        if not isinstance(call, ast.Call):
            return {}
        placed = dict(zip(names, [ast.literal_eval(value) for value in call.args], strict=False))
        return placed | {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg is not None and word.arg in names}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}


def _complete(tool: str, given: dict[str, Any], sentence: str, text: str, names: Sequence[str]) -> Iterator[Request]:
    """The request with the arguments that the words around it say; one for each of several permissions."""
    if tool in phrases.SWITCHES:
        yield Request(tool, turn_on=_side(sentence))
        return
    if "mode" in names and "mode" not in given:
        mode = next((name for name, words in phrases.MODES if re.search(words, sentence, re.IGNORECASE)), None)
        given |= {} if mode is None else {"mode": mode}
    if "app_name" in names and "app_name" not in given:
        app = next((name for name in phrases.APPS if name in text.lower()), None)
        given |= {} if app is None else {"app_name": app}
    if "permission" in names and "permission" not in given:
        wanted = [name for name in phrases.PERMISSIONS if re.search(rf"\b{name}\b", sentence, re.IGNORECASE)]
        for name in wanted:
            yield _request(tool, {**given, "permission": name}, names)
        if wanted:
            return
    yield _request(tool, given, names)


def _request(tool: str, given: Mapping[str, Any], names: Sequence[str]) -> Request:
    return Request(tool, dict(given), lacks=tuple(name for name in names if name not in given))


def _side(sentence: str) -> bool | None:
    """To which side a switch should go that is asked for by its tool's name."""
    said = {(match[1] or match[2]).lower() in _ON for match in phrases.TURNED.finditer(sentence)}
    return said.pop() if len(said) == 1 and not phrases.ON_OR_OFF.search(sentence) else None
