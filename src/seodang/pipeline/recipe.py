"""A recipe joins the rooms' sections. It is the only place that knows them all."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from seodang.core.errors import RecipeError
from seodang.core.sections import Section, load_section
from seodang.data.build.prompt_text import BuildSection
from seodang.data.documents import DocumentSource
from seodang.data.gold import GoldSection
from seodang.data.verify.section import VerifySection
from seodang.distill.section import ACROSS, DistillSection, TargetsSection, refuse_loss, taught_kind
from seodang.distill.students.section import StudentSection
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.source import LocalTeacher
from seodang.models.think import ThinkMode
from seodang.pipeline.arms import ARMS, distilled_arms, refuse_arms, trained_arms


class GuardSection(Section):
    """Whether the student lost more than a margin on the general suite; judged where `evaluate.general` names one."""

    margin: float = Field(
        default=0.1,
        gt=0,
        le=1,
        description="loss that would be accepted, as a share of right answers. The guard passes where the 95 % interval of the difference "
        "from the untaught student lies above minus this, fails where it lies below, and is inconclusive otherwise",
    )
    require: bool = Field(
        default=False,
        description="true: a run whose distilled student does not pass ends with exit code 9 after its report, and exports nothing",
    )


class EvaluateSection(Section):
    """What is asked, of whom."""

    exam: tuple[str, ...] = Field(description="JSON-lines files of the domain's exam, relative to the recipe")
    general: tuple[str, ...] = Field(default=(), description="JSON-lines files of a suite that has nothing to do with the domain")
    arms: tuple[str, ...] = Field(
        default=ARMS,
        min_length=1,
        description="models that sit the exam: base, sft, distilled, teacher_closed, teacher_open, sft_gold (with `gold`) and the names in "
        "`distill.variants`",
    )
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] = Field(
        default=(0,), min_length=1, description="seeds with which the trained arms are trained"
    )
    max_items: int | None = Field(default=None, ge=1, description="items of the exam that are asked, spread over its parts; none: all")
    max_general: int | None = Field(default=None, ge=1, description="items of the general suite that are asked; none: all")
    max_new_tokens: int = Field(default=64, ge=1, description="tokens an answer may have")
    guard: GuardSection = GuardSection()
    max_reasoning_tokens: int = Field(default=512, ge=0, description="further tokens that are for thinking, where it is turned on")


class ExportSection(Section):
    """What the student is written as, beside its checkpoint."""

    formats: tuple[Literal["F16", "Q8_0"], ...] = Field(default=("F16", "Q8_0"), description="GGUF types")
    parity_prompts: int = Field(default=24, ge=1, description="exam questions on which each format is compared with the checkpoint")


class LicensesSection(Section):
    """What is done where a licence is not known."""

    unknown: Literal["refuse", "train"] = Field(
        default="refuse",
        description="refuse: a run with an unknown licence ends before any work; train: it goes on, and its report says that the student "
        "cannot be released",
    )


class Recipe(Section):
    """From documents to a proven, runnable student."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="the run's folder below --runs")
    title: str = Field(default="", description="one line for people")
    seed: int = Field(default=0, ge=0, lt=2**31, description="seed of everything random outside of training")
    documents: tuple[DocumentSource, ...] = Field(
        default=(), description="where the documents come from; may be left out where `build.generators` need none"
    )
    licenses: LicensesSection = LicensesSection()
    gold: GoldSection | None = Field(default=None, description="questions with answers that people wrote, for the arm `sft_gold`")
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
    def _something_to_build_from(self) -> "Recipe":
        if not self.documents and not self.build.generators:
            raise RecipeError("`documents`: missing", hint="name where the documents come from, or generators that need none")
        return self

    @model_validator(mode="after")
    def _student_has_weights(self) -> "Recipe":
        if isinstance(self.teacher, OpenAIHTTPTeacher) and self.student_model is None:
            raise ValueError("a teacher behind an endpoint has no weights here, so `student_model` must say which model is taught")
        return self

    @model_validator(mode="after")
    def _somebody_thinks(self) -> "Recipe":
        if self.distill.think_share > 0 and self.teacher.thinking is not ThinkMode.ON:
            raise RecipeError(
                f"`distill.think_share` is {self.distill.think_share:g}, and the teacher does not think",
                hint="set `teacher.thinking` to `on`: its reasoning is what is taught in think mode; or leave `distill.think_share` out",
            )
        if self.student_model is not None and self.student_model.thinking is not ThinkMode.NONE:
            raise RecipeError(
                "`student_model.thinking` has no effect",
                hint="leave it out: the student's think mode follows from `distill.think_share`",
            )
        return self

    @model_validator(mode="after")
    def _targets_serve_the_loss(self) -> "Recipe":
        for arm in self.distilled_arms:
            key = f"distill.variants.{arm}" if arm in self.distill.variants else "distill"
            taught = self.distill.of_arm(arm)
            if self.student.vocabulary_size is not None and taught.loss not in ACROSS:
                raise RecipeError(
                    f"`student.vocabulary_size`: a tokenizer of the student's own has other tokens than `{taught.loss}` compares",
                    hint=f"set `{key}.loss: alm` and `targets.codec: likelihoods`, or leave out `student.vocabulary_size`",
                )
            refuse_loss(taught, taught_kind(taught, self.targets), key)
        return self

    @model_validator(mode="after")
    def _arms_exist(self) -> "Recipe":
        refuse_arms(self.evaluate.arms, self.distill.variants, self.gold is not None)
        if self.evaluate.guard.require and not (self.evaluate.general and {"base", "distilled"} <= set(self.evaluate.arms)):
            raise RecipeError(
                "`evaluate.guard.require`: nothing to judge by",
                hint="name a general suite in `evaluate.general`, and the arms `base` and `distilled`",
            )
        return self

    @property
    def distilled_arms(self) -> tuple[str, ...]:
        """The arms that are taught from the teacher's targets."""
        return distilled_arms(self.evaluate.arms, self.distill.variants)

    @property
    def trained_arms(self) -> tuple[str, ...]:
        """The arms that are trained, in the order in which that is done."""
        return trained_arms(self.evaluate.arms, self.distill.variants)


def load_recipe(path: Path) -> Recipe:
    """Reads a recipe; RecipeError names file, line, key and a near match."""
    return load_section(Recipe, path)


def recipe_row(recipe: Recipe) -> dict[str, Any]:
    """The recipe as JSON values, for the run's record. Keys to endpoints are named in it by variable or file, never written."""
    return recipe.model_dump(mode="json")
