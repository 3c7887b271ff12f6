"""Understanding in English, Korean, Chinese, Japanese and Spanish: one scenario told in five languages, and names from Unicode CLDR.

All the languages are asked about the same worlds, so that their scores can be compared pair by pair; the texts are of our own.
An answer must also be in the script of the language that is asked for.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Literal

from pydantic import Field

from seodang.evaluation.adherence import adheres, script_share
from seodang.evaluation.scenarios.lexical import LANGUAGES, ask_for_names, read_lexicon
from seodang.evaluation.scenarios.short_answer import names_only
from seodang.evaluation.scenarios.tell import tell, texts_of
from seodang.evaluation.scenarios.worlds import WORLDS
from seodang.evaluation.task import Ask, Item, Judgement, Likelihood, Options, Rank, Solving, Task
from seodang.models.chat_model import ChatModel, Completion, Message, Scores, require

_COPIED = frozenset({"person", "thing"})  # kinds whose candidates all stand in the text


class MultilingualOptions(Options):
    """Which languages, how many scenarios and names, and how the model answers."""

    languages: tuple[Literal["en", "ko", "zh", "ja", "es"], ...] = Field(
        default=LANGUAGES, min_length=1, description="languages of the answers"
    )
    per_scenario: int = Field(default=4, ge=0, le=1000, description="variants of each scenario")
    lexical: int = Field(default=24, ge=0, description="names from CLDR, which take the package babel; 0: none")
    mode: Literal["generate", "choose"] = Field(
        default="generate", description="generate: a short answer; choose: the likeliest of four candidates, which needs log-probabilities"
    )
    max_new_tokens: int = Field(default=48, ge=1, description="tokens that an answer may have")


def load(options: MultilingualOptions, store: Path) -> Sequence[Item]:
    """Every question about every variant in every language, then the names. One scenario is one cluster with all its variants, since who
    cannot follow it fails in most of them; so is one thing in all languages."""
    languages = tuple(dict.fromkeys(options.languages))
    return [*_scenarios(options, languages), *(_names(options, languages, store) if options.lexical else ())]


def check(model: ChatModel, options: MultilingualOptions) -> None:
    """ModelError where candidates are to be ranked by a model that cannot score."""
    if options.mode == "choose":
        require(model, Scores, "the task `multilingual` with `mode=choose` (`--option mode=generate` does without it)")


def _scenarios(options: MultilingualOptions, languages: Sequence[str]) -> Iterator[Item]:
    for name in WORLDS:
        for variant in range(options.per_scenario):
            for language in languages:
                for told in tell(name, language, options.seed, variant):
                    content = {"candidates": told.candidates, "kind": told.kind, "chance": _chance(options, told.kind in _COPIED)}
                    identity = f"{name}/{variant}/{told.question_name}/{language}"
                    yield Item(identity, language, told.prompt, content, name, language)


def _names(options: MultilingualOptions, languages: Sequence[str], store: Path) -> Iterator[Item]:
    lexicon, texts = read_lexicon(store), texts_of("language")["lexical"]
    for asked in ask_for_names(lexicon, options.lexical, languages, options.seed):
        prompt = texts[asked.source].format(word=asked.entry.names[asked.source], language=lexicon.languages[asked.source][asked.target])
        group = f"{asked.entry.kind}/{asked.entry.code}"
        content = {"candidates": asked.candidates, "kind": "thing", "chance": _chance(options, copied=False)}
        yield Item(f"{group}/{asked.source}-{asked.target}", asked.target, prompt, content, group, asked.target)


def _chance(options: MultilingualOptions, copied: bool) -> float:
    """What guessing gives: one of four candidates, where they are shown or stand in the text."""
    return 1 / 4 if copied or options.mode == "choose" else 0.0


def solve(item: Item, options: MultilingualOptions) -> Solving:
    """Asks for a short answer, or ranks the four candidates."""
    message = (Message("user", item.question),)
    if options.mode == "choose":
        order = Random(item.id).sample(item.content["candidates"], len(item.content["candidates"]))
        likelihoods: tuple[Likelihood, ...] = yield Rank(message, tuple(order))
        return _ranked(item, order, likelihoods)
    reply: Completion = yield Ask(message, options.max_new_tokens)
    return _written(item, reply.text)


def _ranked(item: Item, order: Sequence[str], likelihoods: Sequence[Likelihood]) -> Judgement:
    """Right where the right candidate alone has the highest log-probability of a character; the confidence is its share among the four."""
    values = {text: one.logprob / len(text) for text, one in zip(order, likelihoods, strict=True)}
    best = max(values.values())
    winners = [text for text, value in values.items() if value == best]
    right = item.content["candidates"][0]
    confidence = 1 / sum(math.exp(value - best) for value in values.values())
    return Judgement(float(winners == [right]), winners[0], {"right": right, "ties": len(winners) - 1}, confidence)


def _written(item: Item, text: str) -> Judgement:
    right, *others = item.content["candidates"]
    named = names_only(text, right, others, item.content["kind"], item.language)
    in_script = adheres(text, item.language)
    evidence = {"right": right, "named": named, "in_script": in_script, "script_share": script_share(text, item.language)}
    return Judgement(float(named and in_script), text.strip(), evidence)


task = Task(
    name="multilingual",
    title="Understanding in five languages",
    family="multilingual",
    languages=LANGUAGES,
    load=load,
    solve=solve,
    options=MultilingualOptions,
    source="scenarios of our own; names of Unicode CLDR as babel 2.19.0 carries them",
    license="Apache-2.0 AND Unicode-3.0",
    version=4,
    item_chance=lambda item: item.content["chance"],
    check=check,
)
