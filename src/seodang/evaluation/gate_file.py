"""A gate as a file declares it: which models answer which tasks, and what has to hold of the answers."""

import unicodedata
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from seodang.core.errors import RecipeError
from seodang.core.hashing import digest
from seodang.core.sections import Section, load_section
from seodang.evaluation.task import Family

STUDENT, BASE, TEACHER = "student", "base", "teacher"
Share = Annotated[float, Field(gt=0, lt=1)]

_LETTERS = ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd")  # and digits, of any script, as Unicode names their kinds
_MARKS = ("Mn", "Mc", "Me")  # of a letter before them
_LONGEST, _MOST_BYTES = 64, 240  # of a gate's name: characters, and bytes in UTF-8


class Superior(Section):
    """student - `against` > 0."""

    rule: Literal["superior"]
    against: str = Field(default=BASE, description="`base`, `teacher`, or a name of `references`")
    smallest_gain: float = Field(default=0.0, ge=0, lt=1, description="gain that would matter, as a fraction; an interval below it fails")


class NonInferior(Section):
    """student - `against` > -margin."""

    rule: Literal["non_inferior"]
    margin: Share = Field(description="loss that would be accepted, as a fraction")
    against: str = Field(default=BASE, description="`base`, `teacher`, or a name of `references`")


class AtLeast(Section):
    """The student's score > threshold."""

    rule: Literal["at_least"]
    threshold: Share = Field(description="score as a fraction")


class Retained(Section):
    """student / teacher > minimum."""

    rule: Literal["retention"]
    minimum: float = Field(gt=0, le=2, description="share of the teacher's score")


Rule = Annotated[Superior | NonInferior | AtLeast | Retained, Field(discriminator="rule")]


def held_against(rule: Superior | NonInferior | AtLeast | Retained) -> str | None:
    """The model that a rule holds the student against; None: a number."""
    return TEACHER if isinstance(rule, Retained) else None if isinstance(rule, AtLeast) else rule.against


class GateTask(Section):
    """One task, how it is asked, and what has to hold of it."""

    task: str = Field(min_length=1, description="a task, as `seodang eval tasks` lists it, or package.module:value")
    name: str = Field(default="", description="what the verdict calls it; empty: the task's name")
    options: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="options of the task, as `seodang eval tasks TASK` lists them"
    )
    limit: int | None = Field(default=None, ge=1, description="items that are asked, spread over the parts; none: all")
    samples: int = Field(default=1, ge=1, le=1000, description="answers to each item; several need a temperature")
    temperature: float = Field(default=0.0, ge=0, le=2, description="0 is greedy")
    seed: int = Field(default=0, ge=0, lt=2**31, description="of the first sample")
    batch_size: int = Field(default=32, ge=1, description="items under way at once; fewer where conversations are long")
    max_reasoning_tokens: int = Field(default=2048, ge=0, description="further tokens for thinking, where a model may think")
    think: Literal["on", "off"] | None = Field(default=None, description="think mode of all models; none: each one's own")
    role: Literal["primary", "secondary"] = Field(default="secondary", description="a primary decides; a secondary is told")
    rules: tuple[Rule, ...] = Field(default=(), description="what has to hold")

    @property
    def title(self) -> str:
        return self.name or self.task


class Regression(Section):
    """On no task of a family may the student lose more than a margin."""

    family: Family = Field(description="family of tasks, as `seodang eval tasks` tells it")
    margin: Share = Field(description="loss that would be accepted on each task, as a fraction")
    against: str = Field(default=BASE, description="`base`, `teacher`, or a name of `references`")


class Gate(Section):
    """What is declared before anything is asked. `alpha` is one-sided: 0.025 agrees with intervals of 95 %."""

    kind_of_file: ClassVar[str] = "a gate"
    example: ClassVar[str] = "packs/telecom/gate.yaml"
    guide: ClassVar[str] = "`seodang explain gate`"

    name: str = Field(
        description="folder of its declaration and verdict, below RUNS/eval/gates: letters and digits of any script and `. _ -`"
    )
    student: str = Field(min_length=1, description="RUN[:ARM], a model's folder, FILE.yaml, or URL#MODEL")
    base: str | None = Field(default=None, min_length=1, description="the same of the untaught model")
    teacher: str | None = Field(default=None, min_length=1, description="the same of the teacher")
    references: dict[str, str] = Field(default_factory=dict[str, str], description="further models by name, such as the last release")
    alpha: float = Field(default=0.025, gt=0, le=0.05, description="rate of false passes, one-sided")
    tasks: tuple[GateTask, ...] = Field(min_length=1, description="tasks with their rules")
    regression: tuple[Regression, ...] = Field(default=(), description="families in which nothing may be lost")

    @property
    def digest(self) -> str:
        return digest(self.model_dump(mode="json"))

    @property
    def models(self) -> dict[str, str]:
        """Every model by its name in the gate."""
        named = {STUDENT: self.student, BASE: self.base, TEACHER: self.teacher, **self.references}
        return {name: spec for name, spec in named.items() if spec is not None}

    @field_validator("name")
    @classmethod
    def _is_a_folder(cls, name: str) -> str:
        composed = unicodedata.normalize("NFC", name)
        kinds = [unicodedata.category(letter) for letter in composed]
        allowed = all(kind in _LETTERS + _MARKS or letter in "._-" for letter, kind in zip(composed, kinds, strict=True))
        begins = bool(kinds) and kinds[0] in _LETTERS
        if not (allowed and begins) or len(kinds) > _LONGEST or len(composed.encode()) > _MOST_BYTES:
            raise RecipeError(
                f"`name`: `{name}` cannot be a folder's name",
                hint="begin with a letter or digit, then letters, digits and `. _ -`, at most 64 in all; no blanks or slashes",
            )
        return composed

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if clash := {STUDENT, BASE, TEACHER} & set(self.references):
            raise RecipeError(f"`references`: `{min(clash)}` has a key of its own", hint="name the reference otherwise")
        titles = Counter(task.title for task in self.tasks)
        for index, task in enumerate(self.tasks):
            if titles[task.title] > 1:
                raise RecipeError(f"`tasks.{index}.task`: two tasks are called `{task.title}`", hint="give one of them a `name`")
            if task.samples > 1 and task.temperature == 0:
                raise RecipeError(f"`tasks.{index}.samples`: greedy samples are all one answer", hint="add `temperature: 0.7`")
            if task.role == "primary" and not task.rules:
                raise RecipeError(f"`tasks.{index}.role`: a primary without a rule decides nothing", hint="add `rules`")
            for place, rule in enumerate(task.rules):
                if (other := held_against(rule)) is not None:
                    self._refuse_unknown(f"tasks.{index}.rules.{place}", other)
        for index, regression in enumerate(self.regression):
            self._refuse_unknown(f"regression.{index}", regression.against)
        if not self.regression and not any(task.role == "primary" for task in self.tasks):
            raise RecipeError(
                "`tasks`: no primary task and no regression: nothing would decide", hint="add `role: primary` to a task with rules"
            )
        return self

    def _refuse_unknown(self, key: str, name: str) -> None:
        others = [other for other in self.models if other != STUDENT]
        if name not in others:
            known = ", ".join(others) or "none"
            raise RecipeError(f"`{key}`: held against `{name}`, which is not declared", hint=f"declared beside the student: {known}")


class Waiver(Section):
    """Somebody takes it upon themselves that a rule was not decided. What failed cannot be waived."""

    kind_of_file: ClassVar[str] = "a waiver"
    example: ClassVar[str] = "the one in docs/evaluation.md"
    guide: ClassVar[str] = "docs/evaluation.md"

    waived_by: str = Field(min_length=1, description="name of who answers for it")
    reason: str = Field(min_length=1, description="why")
    rules: tuple[str, ...] = Field(default=(), description="ids of the rules, as the verdict tells them; empty: every inconclusive one")
    gate: str = Field(default="", description="digest of the gate, so that it holds for no other; empty: any")


def load_gate(path: Path) -> Gate:
    """Reads a gate. RecipeError for the first fault, with file, line, key and a hint."""
    return load_section(Gate, path)


def parse_waiver(text: str) -> Waiver:
    """A waiver from `NAME: REASON`. RecipeError for anything else."""
    name, colon, reason = text.partition(":")
    if not colon or not name.strip() or not reason.strip():
        raise RecipeError("a waiver is NAME: REASON", where=text, hint='write it as `--waive "Kim: a gap of 20 items, decided on 3 May"`')
    return Waiver(waived_by=name.strip(), reason=reason.strip())
