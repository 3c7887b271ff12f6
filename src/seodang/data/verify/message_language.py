"""Each message is in the language that its record claims: question, answer, samples and the messages of a conversation, one by one."""

from collections.abc import Iterator, Sequence
from typing import Any

from seodang.core.records import Record, Verdict
from seodang.data.message_language import LANGUAGES, Written, written_in
from seodang.data.verify.context import CheckContext, failed, passed, undecided

VERSION = 1
PER_RECORD = True
READS: tuple[str, ...] = ()
_SOME = 0.05  # share of letters below which a message is not in a language at all
_LEAST_LETTERS = 20  # below which a message in another language may be a name or a word that was asked for
_BIG = ("ko", "ja", "zh")
_LEAST_BIG = 8


def message_language(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Fails a record with a message in another language, by the share of its letters outside code, formulas, addresses and identifiers.

    Undecided where a message is mixed beyond `language_share`, where no message is long enough to say, or where the record's language
    is not one of `LANGUAGES`. `truth["language"]` is the language of the answer and its samples where it is another than the question's,
    as in a translation. System messages, results of tools and reasoning are not judged.
    """
    return [_check(record, context.section.language_share) for record in records]


def _check(record: Record, share: float) -> Verdict:
    if record.language not in LANGUAGES:
        return undecided(record, "message_language", reason="no language that can be told", languages=list(LANGUAGES))
    found: dict[str, dict[str, Any]] = {}
    outcomes: set[str] = set()
    for where, text, expected in _messages(record):
        written = written_in(text)
        if not written.shares:
            continue
        outcome = _judge(written, expected, share)
        outcomes.add(outcome)
        if outcome != "agrees":
            shares = {name: round(part, 2) for name, part in sorted(written.shares.items(), key=lambda item: -item[1])[:3]}
            found[where] = {"expected": expected, "found": shares, "says": outcome}
    if "other" in outcomes:
        return failed(record, "message_language", messages=found)
    if "mixed" in outcomes or "agrees" not in outcomes:
        return undecided(record, "message_language", messages=found, **({} if outcomes else {"reason": "no words"}))
    return passed(record, "message_language", **({"messages": found} if found else {}))


def _messages(record: Record) -> Iterator[tuple[str, str, str]]:
    answered = record.truth.get("language", record.language)
    yield "question", record.question, record.language
    yield "answer", record.answer, answered
    for index, sample in enumerate(record.samples):
        yield f"samples[{index}]", sample, answered
    for index, turn in enumerate(record.turns):
        content = turn.get("content")
        parts = [part.get("text") for part in content if isinstance(part, dict)] if isinstance(content, list) else [content]
        text = "\n".join(part for part in parts if isinstance(part, str))
        if turn.get("role") in ("user", "assistant"):
            yield f"turns[{index}].content", text, answered if turn["role"] == "assistant" else record.language


def _judge(written: Written, expected: str, share: float) -> str:
    """ "agrees", "mixed", "other", or "short" where another language, or none, is seen in too few letters."""
    mine = written.shares.get(expected, 0.0)
    latin = written.shares.get("latin", 0.0)  # words without function words, which may be of any language with these letters
    if mine >= share or (expected in ("en", "es") and mine + latin >= 0.7):
        return "agrees"
    least = _LEAST_BIG if written.most in _BIG else _LEAST_LETTERS
    if written.num_letters < least or (expected == "ja" and written.most == "zh" and written.num_letters < 2 * _LEAST_BIG):
        return "short"
    return "mixed" if mine + latin * (expected in ("en", "es")) >= _SOME else "other"
