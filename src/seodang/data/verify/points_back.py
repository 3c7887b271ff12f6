"""A question points back to its passage, and a message to its action: the teacher finds it likelier from there than from any rival.

The noisy-channel check: of the passages most alike in words, the one that it was written from must give the question the
highest log-probability, by a margin, after taking off what each passage gives to any question. It needs only that the
teacher can score, which a small teacher does far better than it answers.
"""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.build.prompt_text import load_prompts
from seodang.data.build.utterances import describe, spoken
from seodang.data.verify.context import CheckContext, failed, passed
from seodang.data.verify.words import content_words, rarity
from seodang.models.chat_model import Scores, require
from seodang.scoring.similarity import trigrams

_SOURCES_A_UNIT = 24
_SAME = 0.6  # passages at least this similar say the same thing, and are no rivals


def points_back(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Verdicts with the margin in nats. Of those that pass, each passage or action keeps those with the largest margins."""
    written = [record for record in records if record.author == "teacher"]
    margins: dict[str, tuple[float, str]] = {}
    for kind in ("know", "act"):
        margins |= _margins([record for record in written if record.kind == kind], kind, context)
    best: dict[str, list[str]] = {}
    for record in sorted(written, key=lambda r: -margins[r.id][0]):
        best.setdefault(_source(record), []).append(record.id)
    verdicts: list[Verdict] = []
    for record in records:
        if record.author != "teacher":
            verdicts.append(passed(record, "points_back", reason="made of the passage's own words"))
            continue
        margin, rival = margins[record.id]
        rank = best[_source(record)].index(record.id)
        limit = context.section.max_per_action if record.kind == "act" else context.section.max_per_passage
        evidence = {"margin_nats": round(margin, 3), "rival": rival}
        if margin < context.section.min_margin:
            verdicts.append(failed(record, "points_back", **evidence))
        elif rank >= limit:
            verdicts.append(failed(record, "points_back", reason=f"{limit} with larger margins are kept", **evidence))
        else:
            verdicts.append(passed(record, "points_back", **evidence))
    return verdicts


def _source(record: Record) -> str:
    return record.action or record.passages[0]


def _margins(records: Sequence[Record], kind: str, context: CheckContext) -> dict[str, tuple[float, str]]:
    if not records:
        return {}
    scorer = require(context.teacher, Scores, "the check points_back")
    views, prompts = _sources(kind, context)
    words = {source: content_words(view) for source, view in views.items()}
    weights = rarity(list(views.values()))
    grams = {source: trigrams(view) for source, view in views.items()}
    rivals = {record.id: _rivals(record, words, grams, weights, context.section.rivals) for record in records}
    # Some sources make any words likely; what each one gives to the same sample of records is taken off its scores.
    sample = list(records[:: max(1, len(records) // context.section.calibration)])[: context.section.calibration]
    by_source: dict[str, dict[str, Record]] = {}
    for record in records:
        for source in (_source(record), *rivals[record.id]):
            by_source.setdefault(source, {})[record.id] = record
    for asked in by_source.values():
        asked.update({record.id: record for record in sample})
    scores: dict[tuple[str, str], float] = {}
    sources = list(by_source)
    for first in range(0, len(sources), _SOURCES_A_UNIT):
        group = sources[first : first + _SOURCES_A_UNIT]
        unit = f"points_back/{kind}/{first}"
        if unit not in context.journal:
            rows = [(source, record) for source in group for record in by_source[source].values()]
            targets = scorer.score(
                [scorer.encode_text(prompts[source]) for source, _ in rows],
                [scorer.encode_text(f" {record.question}") for _, record in rows],
                top_k=0,
            )
            context.journal.append(unit, [[s, r.id, round(sum(t.logprobs), 4)] for (s, r), t in zip(rows, targets, strict=True)])
        scores |= {(source, record): value for source, record, value in context.journal[unit]}
        context.progress.advance(0, f"{kind} scored from {min(first + _SOURCES_A_UNIT, len(sources))}/{len(sources)} sources")
    usual = {source: sum(scores[source, record.id] for record in sample) / len(sample) for source in sources}
    margins: dict[str, tuple[float, str]] = {}
    for record in records:
        lift = {source: scores[source, record.id] - usual[source] for source in (_source(record), *rivals[record.id])}
        rival = max(rivals[record.id], key=lambda source: lift[source])
        margins[record.id] = (lift[_source(record)] - lift[rival], views[rival][:60])
    return margins


def _sources(kind: str, context: CheckContext) -> tuple[dict[str, str], dict[str, str]]:
    """What each source says, and the text after which the teacher scores a question from it."""
    text = load_prompts(context.build.prompts)["question" if kind == "know" else "utterance"]
    opening = text["preamble"].split("\n", 1)[0] + "\n\n"
    if kind == "know":
        views = {source: passage.view for source, passage in context.passages.items()}
        return views, {source: f"{opening}{text['passage'].format(view=view)}{text['ask']}" for source, view in views.items()}
    views = {name: f"{spoken(name)}. {' '.join(action.situations)}" for name, action in context.actions.items()}
    prompts = {name: f"{opening}{describe(text, name, action.description)}{text['ask']}" for name, action in context.actions.items()}
    return views, prompts


def _rivals(
    record: Record, words: dict[str, set[str]], grams: dict[str, frozenset[str]], weights: dict[str, float], count: int
) -> list[str]:
    """The sources that share the rarest words with the question, without its own and without those that say the same."""
    own = _source(record)
    asked = content_words(record.question)

    def overlap(source: str) -> float:
        return sum(weights[word] for word in asked & words[source])

    others = [s for s in words if s != own and len(grams[s] & grams[own]) < _SAME * len(grams[s] | grams[own])]
    return sorted(others, key=lambda source: (-overlap(source), source))[:count]
