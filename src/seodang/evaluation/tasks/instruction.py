"""Following instructions about the form of an answer that a program can check, in English and Korean.

After Zhou et al. 2023, arXiv 2311.07911 (IFEval), with kinds, topics and wordings of our own. The score is that of whole prompts, strictly:
1 where every constraint is kept. Constraint by constraint, and loosely, it stands in the evidence.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from seodang.evaluation.constraints.instructions import Constraint, instructions, keeps, keeps_loosely
from seodang.evaluation.task import Ask, Item, Judgement, Options, Solving, Task
from seodang.models.chat_model import Completion, Message


class InstructionOptions(Options):
    """Which languages, how many prompts of how many constraints, and how much may be said."""

    languages: tuple[Literal["en", "ko"], ...] = Field(default=("en", "ko"), min_length=1, description="languages of the prompts")
    per_topic: int = Field(default=12, ge=1, le=1000, description="prompts about each topic")
    most_constraints: int = Field(default=3, ge=1, le=3, description="constraints that a prompt has at most")
    max_new_tokens: int = Field(default=640, ge=1, description="tokens that an answer may have")


def load(options: InstructionOptions, store: Path) -> Sequence[Item]:
    """The prompts; those about one topic are one cluster."""
    return [
        Item(
            f"{language}/{one.topic}/{one.index}",
            language,
            one.prompt,
            {"constraints": [{"kind": constraint.kind, "params": dict(constraint.params)} for constraint in one.constraints]},
            f"{language}/{one.topic}",
            language,
        )
        for language in dict.fromkeys(options.languages)
        for one in instructions(language, options.per_topic, options.most_constraints, options.seed)
    ]


def solve(item: Item, options: InstructionOptions) -> Solving:
    """Asks once and checks every constraint."""
    reply: Completion = yield Ask((Message("user", item.question),), options.max_new_tokens)
    constraints = [Constraint(row["kind"], row["params"]) for row in item.content["constraints"]]
    strict = {one.kind: keeps(one, reply.text) for one in constraints}
    loose = {one.kind: keeps_loosely(one, reply.text) for one in constraints}
    evidence = {"strict": strict, "loose": loose, "prompt_loose": all(loose.values())}
    return Judgement(float(all(strict.values())), reply.text, evidence)


task = Task(
    name="instruction",
    title="Checkable instructions about an answer's form",
    family="instruction",
    languages=("en", "ko"),
    load=load,
    solve=solve,
    options=InstructionOptions,
    source="items of our own, after Zhou et al. 2023, arXiv 2311.07911",
    version=2,
    chance=0.1,  # what a reply that repeats the prompt gets; no constant one gets more
)
