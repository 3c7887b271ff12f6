"""A question points back to its passage, and a message to its action: the teacher finds it likelier from there than from any rival.

The noisy-channel check: of the passages most alike in words, the one that it was written from must give the question the
highest log-probability, by a margin, after taking off what each passage gives to any question. It needs only that the
teacher can score, which a small teacher does far better than it answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from seodang.core.records import Record, Verdict
from seodang.data.build.next_steps import describe_rule
from seodang.data.build.prompt_text import load_prompts
from seodang.data.build.utterances import describe, speak_calls, spoken
from seodang.data.verify.context import CheckContext, failed, passed, unasked
from seodang.data.verify.words import content_words, rarity
from seodang.models.chat_model import Scores, require
from seodang.scoring.similarity import trigrams

VERSION = 2
READS = ("passages", "actions", "teacher", "build")
NUMBERS = ("margin_nats",)
_SOURCES_A_UNIT = 24
_REASONS = {"general": "not about the documents", "words": "made of the passage's own words"}
_SAME = 0.6  # passages at least this similar say the same thing, and are no rivals


def points_back(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Verdicts with the margin in nats. Of those that pass, each passage, action or rule keeps those with the largest margins.

    A record that nothing can be compared with passes: its documents have one passage, or name one action. One that came without teacher
    and documents is undecided.
    """
    if context.standalone and context.teacher is None:
        return [_unasked(record, context) for record in records]
    written = [record for record in records if record.author == "teacher" and record.kind != "general"]
    margins: dict[str, tuple[float, str]] = {}
    for kind in ("know", "act"):
        margins |= _margins([record for record in written if record.kind == kind], kind, context)
    best: dict[str, list[str]] = {}
    for record in sorted((r for r in written if r.id in margins), key=lambda r: -margins[r.id][0]):
        best.setdefault(_source(record, context), []).append(record.id)
    verdicts: list[Verdict] = []
    for record in records:
        if record.id not in margins:
            reason = _REASONS.get(record.kind if record.author == "teacher" else record.author, "there is nothing to compare it with")
            verdicts.append(passed(record, "points_back", reason=reason))
            continue
        margin, rival = margins[record.id]
        rank = best[_source(record, context)].index(record.id)
        limit = context.section.max_per_action if record.kind == "act" else context.section.max_per_passage
        evidence = {"margin_nats": round(margin, 3), "rival": rival}
        if margin < context.section.min_margin:
            verdicts.append(failed(record, "points_back", **evidence))
        elif rank >= limit:
            verdicts.append(failed(record, "points_back", reason=f"{limit} with larger margins are kept", **evidence))
        else:
            verdicts.append(passed(record, "points_back", **evidence))
    return verdicts


def _unasked(record: Record, context: CheckContext) -> Verdict:
    hint = "name the check in a recipe's `verify.checks` and run that: it asks the recipe's teacher about the recipe's documents"
    return unasked(record, "points_back", context, "there is nothing to compare it with", "a teacher that scores, and documents", hint)


@dataclass(frozen=True, slots=True)
class _Source:
    """Something a question can have been written from: what it says, and the text after which the teacher scores a question.

    Sources of one `owner` (an action with its rules) are no rivals of one another.
    """

    view: str
    prompt: str
    owner: str


def _source(record: Record, context: CheckContext) -> str:
    """The passage of a fact; the action that a message asks for, or the passage of the rule by which it is the next step."""
    if record.kind == "know":
        return record.passages[0]
    rule = record.passages[0]
    return f"{record.action} {rule}" if rule in {r.passage for r in context.actions[record.action].rules} else record.action


def _margins(records: Sequence[Record], kind: str, context: CheckContext) -> dict[str, tuple[float, str]]:
    if not records:
        return {}
    scorer = require(context.asked_teacher("points_back"), Scores, "the check points_back")
    sources = _sources(kind, context)
    own = {record.id: _source(record, context) for record in records}
    words = {name: content_words(source.view) for name, source in sources.items()}
    weights = rarity([source.view for source in sources.values()])
    grams = {name: trigrams(source.view) for name, source in sources.items()}
    rivals = {record.id: _rivals(record, own[record.id], sources, words, grams, weights)[: context.section.rivals] for record in records}
    records = [record for record in records if rivals[record.id]]
    if not records:
        return {}
    # Some sources make any words likely; what each one gives to the same sample of records is taken off its scores.
    sample = list(records[:: max(1, len(records) // context.section.calibration)])[: context.section.calibration]
    by_source: dict[str, dict[str, Record]] = {}
    for record in records:
        for name in (own[record.id], *rivals[record.id]):
            by_source.setdefault(name, {})[record.id] = record
    for asked in by_source.values():
        asked.update({record.id: record for record in sample})
    scores: dict[tuple[str, str], float] = {}
    names = list(by_source)
    for first in range(0, len(names), _SOURCES_A_UNIT):
        group = names[first : first + _SOURCES_A_UNIT]
        unit = f"points_back/{kind}/{first}"
        if unit not in context.journal:
            rows = [(name, record) for name in group for record in by_source[name].values()]
            targets = scorer.score(
                [scorer.encode_text(sources[name].prompt) for name, _ in rows],
                [scorer.encode_text(f" {record.question}") for _, record in rows],
                top_k=0,
            )
            context.journal.append(unit, [[n, r.id, round(sum(t.logprobs), 4)] for (n, r), t in zip(rows, targets, strict=True)])
        scores |= {(name, record): value for name, record, value in context.journal[unit]}
        context.progress.advance(0, f"{kind} scored from {min(first + _SOURCES_A_UNIT, len(names))}/{len(names)} sources")
    usual = {name: sum(scores[name, record.id] for record in sample) / len(sample) for name in names}
    margins: dict[str, tuple[float, str]] = {}
    for record in records:
        lift = {name: scores[name, record.id] - usual[name] for name in (own[record.id], *rivals[record.id])}
        rival = max(rivals[record.id], key=lambda name: lift[name])
        margins[record.id] = (lift[own[record.id]] - lift[rival], sources[rival].view[:60])
    return margins


def _sources(kind: str, context: CheckContext) -> dict[str, _Source]:
    texts = load_prompts(context.build.prompts)
    if kind == "know":
        text = texts["question"]
        opening = _first_line(text["preamble"])
        return {
            name: _Source(passage.view, f"{opening}{text['passage'].format(view=passage.view)}{text['ask']}", name)
            for name, passage in context.passages.items()
        }
    text, ruled = texts["utterance"], texts["next_step"]
    found: dict[str, _Source] = {}
    for name, action in context.actions.items():
        view = f"{spoken(name)}. {' '.join(action.situations)}"
        found[name] = _Source(view, f"{text['opening']}{describe(text, name, action.description)}{text['ask']}", name)
        for rule in action.rules:
            passage = context.passages[rule.passage]
            prompt = f"{_first_line(ruled['preamble'])}{describe_rule(ruled, passage)}{ruled['ask']}"
            found[f"{name} {passage.id}"] = _Source(speak_calls(passage.view), prompt, name)
    return found


def _first_line(preamble: str) -> str:
    return preamble.split("\n", 1)[0] + "\n\n"


def _rivals(
    record: Record,
    own: str,
    sources: Mapping[str, _Source],
    words: Mapping[str, set[str]],
    grams: Mapping[str, frozenset[str]],
    weights: Mapping[str, float],
) -> list[str]:
    """The sources that share the rarest words with the question, most first, without its own and those that say the same."""
    asked = content_words(record.question)

    def overlap(name: str) -> float:
        return fsum(weights[word] for word in asked & words[name])  # the same in any order, as sets have none

    others = [
        name
        for name, source in sources.items()
        if source.owner != sources[own].owner and len(grams[name] & grams[own]) < _SAME * len(grams[name] | grams[own])
    ]
    return sorted(others, key=lambda name: (-overlap(name), name))
