"""A recipe joins the rooms' sections. It is the only place that knows them all."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from seodang.core.errors import RecipeError
from seodang.core.sections import Section, load_section
from seodang.data.build.prompt_text import BuildSection
from seodang.data.documents import DocumentSource
from seodang.data.verify.section import VerifySection
from seodang.distill.section import ACROSS, DistillSection, TargetsSection, kept_kind, refuse_loss
from seodang.distill.students.section import StudentSection
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.source import LocalTeacher
from seodang.models.think import ThinkMode

ARMS = ("base", "sft", "distilled", "teacher_closed", "teacher_open")
Arm = Literal["base", "sft", "distilled", "teacher_closed", "teacher_open"]


class EvaluateSection(Section):
    """What is asked, of whom."""

    exam: tuple[str, ...] = Field(description="JSON-lines files of the domain's exam, relative to the recipe")
    general: tuple[str, ...] = Field(default=(), description="JSON-lines files of a suite that has nothing to do with the domain")
    arms: tuple[Arm, ...] = Field(default=ARMS, min_length=1, description="models that sit the exam")
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] = Field(
        default=(0,), min_length=1, description="seeds with which the trained arms are trained"
    )
    max_items: int | None = Field(default=None, ge=1, description="items of the exam that are asked, spread over its parts; none: all")
    max_general: int | None = Field(default=None, ge=1, description="items of the general suite that are asked; none: all")
    max_new_tokens: int = Field(default=64, ge=1, description="tokens an answer may have")
    max_reasoning_tokens: int = Field(default=512, ge=0, description="further tokens that are for thinking, where it is turned on")


class ExportSection(Section):
    """What the student is written as, beside its checkpoint."""

    formats: tuple[Literal["F16", "Q8_0"], ...] = Field(default=("F16", "Q8_0"), description="GGUF types")
    parity_prompts: int = Field(default=24, ge=1, description="exam questions on which each format is compared with the checkpoint")


class Recipe(Section):
    """From documents to a proven, runnable student."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="the run's folder below --runs")
    title: str = Field(default="", description="one line for people")
    seed: int = Field(default=0, ge=0, lt=2**31, description="seed of everything random outside of training")
    documents: tuple[DocumentSource, ...] = Field(min_length=1, description="where the documents come from")
    teacher: Annotated[LocalTeacher | OpenAIHTTPTeacher, Field(discriminator="kind")]
    student_model: LocalTeacher | None = Field(default=None, description="the student's weights before teaching; none: the teacher's")
    student: StudentSection = StudentSection()
    build: BuildSection = BuildSection()
    verify: VerifySection = VerifySection()
    targets: TargetsSection = TargetsSection()
    distill: DistillSection = DistillSection()
    evaluate: EvaluateSection
    export: ExportSection = ExportSection()

    @model_validator(mode="after")
    def _student_has_weights(self) -> "Recipe":
        if isinstance(self.teacher, OpenAIHTTPTeacher) and self.student_model is None:
            raise ValueError("a teacher behind an endpoint has no weights here, so `student_model` must say which model is taught")
        return self

    @model_validator(mode="after")
    def _somebody_thinks(self) -> "Recipe":
        if self.distill.think_share > 0 and self.teacher.thinking is not ThinkMode.ON:
            raise ValueError("`distill.think_share` needs the reasoning of a teacher that thinks, so `teacher.thinking` must be on")
        if self.student_model is not None and self.student_model.thinking is not ThinkMode.NONE:
            raise ValueError("`student_model.thinking` has no effect: the student's think mode follows from `distill.think_share`")
        return self

    @model_validator(mode="after")
    def _targets_serve_the_loss(self) -> "Recipe":
        if "distilled" in self.evaluate.arms:
            if self.student.vocabulary_size is not None and self.distill.loss not in ACROSS:
                raise RecipeError(
                    f"`student.vocabulary_size`: a tokenizer of the student's own has other tokens than `{self.distill.loss}` compares",
                    hint="set `distill.loss: alm` and `targets.codec: likelihoods`, or leave out `student.vocabulary_size`",
                )
            refuse_loss(self.distill, kept_kind(self.targets))
        return self


def load_recipe(path: Path) -> Recipe:
    """Reads a recipe; RecipeError names file, line, key and a near match."""
    return load_section(Recipe, path)


def recipe_row(recipe: Recipe) -> dict[str, Any]:
    """The recipe as JSON values, for the run's record. Keys to endpoints are named in it by variable or file, never written."""
    return recipe.model_dump(mode="json")
