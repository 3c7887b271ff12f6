"""Questions with choices: by the likelihood of each choice, or by the letter that an answer names.

Items: the examples of KMMLU and MMLU that travel in lm-eval's wheel (`multiple_choice.harness`), read from the user's own download, or
somebody's own files. Of KMMLU's 225 three are left out, of MMLU's 282 one, since two of their choices are alike; some of KMMLU's have
`OPTION` where a letter stood, as upstream has it. KMMLU is under CC BY-ND 4.0: none of it is in this package. `acc`, `acc_norm` and
`acc_bytes` are lm-eval's: the choice with the largest log-probability, per character, and per UTF-8 byte of the choice.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from seodang.core.hashing import digest
from seodang.evaluation.multiple_choice.harness import read_harness
from seodang.evaluation.multiple_choice.letter import named_letter
from seodang.evaluation.multiple_choice.question import LETTERS, Question, read_files
from seodang.evaluation.multiple_choice.templates import Ranked, chat_context, continuations, plain_context
from seodang.evaluation.task import Ask, Item, Judgement, Likelihood, Options, Rank, Solving, Task
from seodang.models.chat_model import ChatModel, Completion, Scores, require


class KnowledgeOptions(Options):
    """Which questions, and how they are put. What the others leave without a use is checked and then as if it had not been given, so that
    equal questions have equal options."""

    benchmark: Literal["kmmlu", "mmlu", "file"] = Field(default="kmmlu", description="kmmlu, mmlu, or file: your own `files`")
    files: tuple[str, ...] = Field(default=(), description="JSON lines with question, choices, answer (letter or text) and subject")
    language: Literal["en", "ko"] = Field(default="ko", description="language of `files`; kmmlu and mmlu have their own")
    mode: Literal["choose", "generate"] = Field(
        default="choose", description="choose: the most likely choice, of a model that scores; generate: the letter that is named"
    )
    template: Literal["plain", "chat"] = Field(default="plain", description="of mode choose; generate is always a conversation")
    ranked: Ranked = Field(default="letter", description="of mode choose: the letters below listed choices, or the choices' texts")
    num_fewshot: int = Field(default=0, ge=0, le=5, description="worked questions of its subject before each one, or all there are")
    max_new_tokens: int = Field(default=32, ge=1, description="of mode generate: tokens an answer may have")

    @model_validator(mode="wrap")
    @classmethod
    def _without_idle(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        options = handler(given)
        idle = {"template", "ranked"} if options.mode == "generate" else {"max_new_tokens"}
        idle |= set() if options.benchmark == "file" else {"files", "language"}
        return handler({name: value for name, value in given.items() if name not in idle}) if isinstance(given, dict) else options


def load(options: KnowledgeOptions, store: Path) -> Sequence[Item]:
    """Every question, with its worked questions. Questions of a subject are questions of their own, so that none shares a group."""
    own = options.benchmark == "file"
    questions = read_files(options.files) if own else read_harness(options.benchmark, store)[0]
    language = options.language if own else {"kmmlu": "ko", "mmlu": "en"}[options.benchmark]
    subjects: defaultdict[str, list[Question]] = defaultdict(list)
    for question in questions:
        subjects[question.subject].append(question)
    return [_item(one, _shots(one, subjects[one.subject], options), options.benchmark, language) for one in questions]


def solve(item: Item, options: KnowledgeOptions) -> Solving:
    """Ranks the choices or asks for a letter."""
    if options.mode == "generate":
        messages = chat_context(item.content, item.content["shots"], item.language, "letter")
        reply: Completion = yield Ask(messages, options.max_new_tokens)
        named = named_letter(reply.text, len(item.content["choices"]))
        evidence = {"named": None if named is None else LETTERS[named], "right": LETTERS[item.content["answer"]]}
        return Judgement(float(named == item.content["answer"]), reply.text, evidence)
    content, ranked = item.content, options.ranked
    if options.template == "chat":
        request = Rank(chat_context(content, content["shots"], item.language, ranked), continuations(content, ranked))
    else:
        context = plain_context(content, content["shots"], content["about"], item.language, ranked)
        request = Rank(context, continuations(content, ranked, " "))
    likelihoods: tuple[Likelihood, ...] = yield request
    return _judge(content["answer"], continuations(content, ranked), [one.logprob for one in likelihoods])


def check(model: ChatModel, options: KnowledgeOptions) -> None:
    """ModelError where choices are to be ranked by a model that cannot score."""
    if options.mode == "choose":
        require(model, Scores, "the task `knowledge` with `mode=choose` (`--option mode=generate` does without it)")


def _item(question: Question, shots: list[dict[str, Any]], benchmark: str, language: str) -> Item:
    about = question.subject if benchmark == "mmlu" else ""
    content = {**_told(question), "subject": question.subject, "shots": shots, "about": about}
    return Item(question.id, question.area, question.question, content, language=language)


def _told(question: Question) -> dict[str, Any]:
    return {"question": question.question, "choices": list(question.choices), "answer": question.answer}


def _shots(question: Question, subject: Sequence[Question], options: KnowledgeOptions) -> list[dict[str, Any]]:
    others = sorted((one for one in subject if one.id != question.id), key=lambda one: digest([options.seed, question.id, one.id]))
    return [_told(one) for one in others[: options.num_fewshot]]


def _judge(answer: int, choices: Sequence[str], logprobs: Sequence[float]) -> Judgement:
    rated = {
        "acc": list(logprobs),
        "acc_norm": [value / len(choice) for value, choice in zip(logprobs, choices, strict=True)],
        "acc_bytes": [value / len(choice.encode()) for value, choice in zip(logprobs, choices, strict=True)],
    }
    chosen = {name: values.index(max(values)) for name, values in rated.items()}
    best, second = sorted(logprobs, reverse=True)[:2]
    measures = {name: float(place == answer) for name, place in chosen.items()}
    evidence: dict[str, Any] = measures | {
        "right": LETTERS[answer],
        "margin": best - second,
        "logprobs": [round(value, 6) for value in logprobs],
    }
    confidence = 1 / sum(math.exp(value - best) for value in logprobs)
    return Judgement(measures["acc"], LETTERS[chosen["acc"]], evidence, confidence)


task = Task(
    name="knowledge",
    title="Questions with choices: KMMLU, MMLU, or your own",
    family="knowledge",
    languages=("ko", "en"),
    load=load,
    solve=solve,
    options=KnowledgeOptions,
    source="KMMLU (arXiv 2402.11548), MMLU (arXiv 2009.03300): the examples in PyPI lm-eval 0.4.13; templates and measures of lm-eval",
    license="CC-BY-ND-4.0 AND MIT",
    version=4,
    chance=0.25,
    item_chance=lambda item: 1 / len(item.content["choices"]),
    check=check,
)
