"""Questions that need two passages: both name the same rare thing, and neither alone has the answer.

The pairs are found without the teacher. It writes a question, its answer and a quote from each passage under a schema; then it answers
with one passage, with the other and with both, and only what both together give is kept: without that, most two-hop questions can be
answered from one hop (Trivedi et al. 2022, MuSiQue, arXiv 2108.00573).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log

from pydantic import Field

from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.data.build.asking import answer, write_json
from seodang.data.build.generator_texts import load_texts
from seodang.data.build.sources import BuildSources, GeneratorSection
from seodang.data.build.units import Dropped, in_units
from seodang.data.verify.words import content_words
from seodang.models.chat_model import ChatModel, Constrains, require
from seodang.scoring.similarity import trigrams
from seodang.scoring.text_match import contains_answer, normalise

NEEDS = (Constrains,)
NEEDS_SOURCES = ("passages",)
SOURCE = "MuSiQue, arXiv 2108.00573"
VERSION = 1

_PAIRS_A_UNIT = 8
_PARTICLES = re.compile(r"(?<=[가-힣]{2})(?:에서는|에서|으로|까지|부터|에게|은|는|이|가|을|를|의|에|로|와|과|도|만)$")
_ANSWER_TOKENS = 48


class MultiHopSection(GeneratorSection):
    """Knobs of questions over two passages."""

    pairs: int = Field(default=64, ge=1, description="most pairs of passages that a question is asked for")
    pairs_per_passage: int = Field(default=2, ge=1, description="most pairs that one passage is in")
    most_holders: int = Field(default=4, ge=2, description="a word joins passages only if so few of them have it")
    most_alike: float = Field(
        default=0.5, gt=0, le=1, description="Jaccard similarity of trigrams from which two passages say the same and are no pair"
    )


SECTION = MultiHopSection


@dataclass(frozen=True, slots=True)
class Pair:
    """Two passages and the rare words that both have, the rarest first."""

    one: Passage
    other: Passage
    bridge: tuple[str, ...]


def multi_hop(
    sources: BuildSources, section: MultiHopSection, teacher: ChatModel, seed: int, journal: Journal, progress: Progress
) -> list[Record]:
    """Records of kind "multi_hop" with two passages. The unit of work is eight pairs. `truth` has the quotes, the words that join the
    passages, and the answers that one passage alone and both together gave."""
    writer = require(teacher, Constrains, "building questions over two passages")
    pairs = find_pairs(sources.passages, section)
    text = load_texts("multi_hop", section.prompts)

    def write_unit(first: int, group: Sequence[Pair], so_far: Sequence[Record]) -> Iterator[Record | Dropped]:
        asked = [text["ask"].format(one=pair.one.view, other=pair.other.view, bridge=", ".join(pair.bridge[:3])) for pair in group]
        for pair, written in zip(group, write_json(writer, asked, [_SCHEMA] * len(asked), section, seed + first), strict=True):
            if isinstance(written, Dropped):
                yield written
            else:
                yield _fault(pair, written) or _proved(teacher, pair, written, text, section)

    return in_units("multi_hop", section, pairs, _PAIRS_A_UNIT, write_unit, journal, progress)


def find_pairs(passages: Sequence[Passage], section: MultiHopSection) -> list[Pair]:
    """Pairs that share rare words and are not alike, those with the rarest shared words first; at most `pairs`."""
    terms = [{_PARTICLES.sub("", word) for word in content_words(passage.view)} for passage in passages]
    holders: dict[str, list[int]] = {}
    for place, found in enumerate(terms):
        for term in found:
            if not term[0].isdecimal() and (len(term) > 2 or ("가" <= term[0] <= "힣" and len(term) > 1)):
                holders.setdefault(term, []).append(place)
    shared: dict[tuple[int, int], list[str]] = {}
    for term, places in sorted(holders.items()):
        if 2 <= len(places) <= section.most_holders:
            for pair in combinations(places, 2):
                shared.setdefault(pair, []).append(term)
    worth = {pair: sum(log(len(passages) / len(holders[term])) for term in found) for pair, found in shared.items()}
    views = [trigrams(passage.view) for passage in passages]
    used = [0] * len(passages)
    pairs: list[Pair] = []
    for one, other in sorted(shared, key=lambda pair: (-worth[pair], pair)):
        alike = len(views[one] & views[other]) / max(1, len(views[one] | views[other]))
        if alike >= section.most_alike or max(used[one], used[other]) >= section.pairs_per_passage:
            continue
        used[one] += 1
        used[other] += 1
        bridge = sorted(shared[one, other], key=lambda term: (len(holders[term]), term))
        pairs.append(Pair(passages[one], passages[other], tuple(bridge)))
        if len(pairs) == section.pairs:
            break
    return pairs


_SCHEMA = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "minLength": 8, "maxLength": 300},
        "answer": {"type": "string", "minLength": 1, "maxLength": 120},
        "quote_one": {"type": "string", "minLength": 4, "maxLength": 300},
        "quote_other": {"type": "string", "minLength": 4, "maxLength": 300},
    },
    "required": ["question", "answer", "quote_one", "quote_other"],
    "additionalProperties": False,
}


def _fault(pair: Pair, written: dict[str, str]) -> Dropped | None:
    """Why a question cannot be used, as far as it shows without the teacher."""
    for passage, name in ((pair.one, "quote_one"), (pair.other, "quote_other")):
        quote = normalise(written[name])
        if len(quote.split()) < 2 or f" {quote} " not in f" {normalise(passage.view)} ":
            return Dropped("a quote does not stand in its passage")
    if not content_words(written["answer"]) <= content_words(f"{pair.one.view} {pair.other.view}"):
        return Dropped("the answer is not made of the passages' words")
    if contains_answer(written["question"], [written["answer"]], []):
        return Dropped("the question holds its answer")
    return None


def _proved(teacher: ChatModel, pair: Pair, written: dict[str, str], text: dict[str, str], section: MultiHopSection) -> Record | Dropped:
    """The record, where both passages lead to the answer and neither does alone."""
    views = (pair.one.view, pair.other.view, f"{pair.one.view}\n{pair.other.view}")
    asked = [text["open_book"].format(passages=view, question=written["question"]) for view in views]
    found = ["" if isinstance(said, Dropped) else said for said in answer(teacher, asked, section, tokens=_ANSWER_TOKENS)]
    right = [contains_answer(said, [written["answer"]], []) for said in found]
    if right[0] or right[1]:
        return Dropped("one passage is enough")
    if not right[2]:
        return Dropped("both passages do not lead to the answer")
    truth = {
        "quotes": [written["quote_one"], written["quote_other"]],
        "bridge": list(pair.bridge),
        "alone": found[:2],
        "together": found[2],
    }
    passages = (pair.one.id, pair.other.id)
    return Record("multi_hop", written["question"], written["answer"], passages, pair.one.language, truth=truth, capability="knowledge")
