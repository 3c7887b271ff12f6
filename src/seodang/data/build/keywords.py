"""Search-like messages: some of the words that carry a statement's meaning, in their order, as people type who are in a hurry.

Made without the teacher. They cover every word of the documents evenly, which a small teacher's questions do not, and teach the
student to go by the words that matter instead of by how a question begins.
"""

import random
from collections.abc import Sequence

from seodang.core.records import Action, Passage, Record
from seodang.data.build.utterances import call_answer, speak_calls, spoken
from seodang.data.verify.words import content_words, rarity

_SHARE = 0.6  # of a statement's content words that one message keeps
_MIN_WORDS, _MAX_WORDS = 3, 8


def keywords(
    passages: Sequence[Passage], actions: Sequence[Action], per_passage: int, per_action: int, language: str, seed: int
) -> list[Record]:
    """`per_passage` messages about each passage, answered by its statement, and `per_action` about each action, answered by its call."""
    draw = random.Random(seed)
    weights = rarity([passage.view for passage in passages])
    records: dict[str, Record] = {}
    for passage in passages:
        for _ in range(per_passage):
            if words := _pick(passage.view, weights, draw):
                record = Record("know", f"{words}?", passage.statement, (passage.id,), passage.language, author="words")
                records[record.id] = record
    by_id = {passage.id: passage for passage in passages}
    for action in actions:
        conditions = [f"{by_id[rule.passage].heading}: {rule.condition}" for rule in action.rules]
        situations = [s if turn % 2 else f"{spoken(action.name)} {s}" for turn, s in enumerate(action.situations)]
        told_of = [speak_calls(told.replace(action.name, "")) for told in [*situations, *conditions]]
        for turn in range(per_action):
            if words := _pick(told_of[turn % len(told_of)], weights, draw):
                record = Record("act", f"{words}.", call_answer(action), action.passages, language, action=action.name, author="words")
                records[record.id] = record
    return list(records.values())


def _pick(text: str, weights: dict[str, float], draw: random.Random) -> str:
    """Some of the text's words that carry meaning, the rarer the likelier, in their order; empty where there are too few."""
    words = list(dict.fromkeys(word.strip(".,;:()[]\"'“”").lower() for word in text.split()))
    telling = [word for word in words if content_words(word)]
    if len(telling) < _MIN_WORDS:
        return ""
    count = max(_MIN_WORDS, min(_MAX_WORDS, round(_SHARE * len(telling))))
    chance = {word: draw.random() ** (1 / max(weights.get(stem, 1.0) for stem in content_words(word))) for word in telling}
    kept = set(sorted(telling, key=lambda word: -chance[word])[:count])
    return " ".join(word for word in telling if word in kept)
