"""The actions that documents describe: what each one does, what is said of it elsewhere, and the rules that make it the next step."""

import re
from collections.abc import Iterator, Sequence

from seodang.core.records import Action, Passage, Rule

# Not a setting (`name=`), nor a part of a path or a file's name. A Korean particle may follow.
_IDENTIFIER = re.compile(r"(?<![\w./-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![A-Za-z0-9_/-]|\.[a-z0-9]|\s*=)")
_OWN_BULLET = re.compile(r"\w+(?:\(\))?(?:\s+[-–—]|\s*:)\s")
# How a statement begins or goes on that says under which condition something is to be done.
_CONDITION_FIRST = {
    "en": re.compile(r"(?:If|When|Whenever|Once|After|As soon as)\b"),
    "ko": re.compile(r".+?(?:면|경우(?:에는|에)?|때(?:에는|는)?|[후뒤](?:에는|에)?),?\s"),
}
_CONDITION_LAST = {"en": re.compile(r"(?<!\bcheck)(?<!\bchecks)(?<!\bsee)(?<!\btest)(?<!\bverify)\s(?=(?:if|when|once|after)\b)")}
_CLAUSE_END = re.compile(r",\s+|(?:면|때(?:에는|는)?|경우(?:에는|에)?|[후뒤](?:에는|에)?)\s+")


def find_actions(passages: Sequence[Passage]) -> list[Action]:
    """Actions named in the passages (identifiers with underscores), in order of appearance, with what describes each.

    A bullet `name - description` describes an action best. A statement that makes an action the next step under a condition is a
    rule of that action, and says nothing of the actions that only its condition names: "If check_card() shows Missing, use
    reseat_card()" is about reseating. Passages that merely mention an action come last.
    """
    mentions: dict[str, list[Passage]] = {}
    rules: dict[str, list[Rule]] = {}
    for passage in passages:
        names = list(dict.fromkeys(_IDENTIFIER.findall(passage.text)))
        condition, steps = _read_rule(passage, names)
        for name in names:
            if name in steps:
                rules.setdefault(name, []).append(Rule(passage.id, condition))
            if name in steps or not condition:
                mentions.setdefault(name, []).append(passage)
            else:
                mentions.setdefault(name, [])
    by_condition = {name: [p for p in passages if name in _IDENTIFIER.findall(p.text)] for name, found in mentions.items() if not found}
    return [_describe(name, found or by_condition[name], passages, rules.get(name, [])) for name, found in mentions.items()]


def _describe(name: str, found: list[Passage], passages: Sequence[Passage], rules: list[Rule]) -> Action:
    naming = re.compile(rf"^{name}(?:\(\))?(?:\s+[-–—]|\s*:)\s*")
    own = [p for p in found if naming.match(p.statement)]
    below = [p for p in passages if p.lead == f"{name}:"]
    ruled = {rule.passage for rule in rules}
    others = [p for p in found if p not in own and p.id not in ruled]
    if not own:
        own, others = (others[:1], others[1:]) if others else (found[:1], [])
    told = [*(naming.sub("", p.statement, count=1) for p in own), *(p.statement for p in below), *(_leaning(p) for p in others)]
    tied = [p for p in found if p.id in ruled and p not in own]
    return Action(name, tuple(p.id for p in [*own, *below, *others, *tied]), tuple(dict.fromkeys(told)), tuple(rules))


def _read_rule(passage: Passage, names: Sequence[str]) -> tuple[str, set[str]]:
    """The condition of a rule and the actions that it makes the next step; no condition where the statement is no rule."""
    if names and not _OWN_BULLET.match(passage.statement):
        for condition, step in _readings(passage.statement, passage.language):
            steps = {name for name in names if name in step and name not in condition}
            if steps:
                return condition, steps
    return "", set()


def _readings(statement: str, language: str) -> Iterator[tuple[str, str]]:
    """Ways to part a statement into a condition and what is to be done: "If A, B" with the longest condition first, then "B if A"."""
    first, last = _CONDITION_FIRST.get(language), _CONDITION_LAST.get(language)
    if first and first.match(statement):
        for match in reversed(list(_CLAUSE_END.finditer(statement))):
            yield statement[: match.end()].rstrip(" ,"), statement[match.end() :]
    if last and (match := last.search(statement)):
        yield statement[match.end() :].rstrip("."), statement[: match.start()]


def _leaning(passage: Passage) -> str:
    return f"{passage.lead} {passage.statement}".strip()
