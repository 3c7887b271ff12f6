"""The knobs of verification."""

from pydantic import Field

from seodang.core.sections import Section

CHECKS = ("well_formed", "grounded", "second_answer", "points_back", "near_duplicate", "decontaminated")


class VerifySection(Section):
    """Which checks a record passes, and their thresholds."""

    checks: tuple[str, ...] = Field(
        default=CHECKS, description="in order, cheap before dear; a record that fails one is not put to the next"
    )
    min_agreement: float = Field(
        default=0.4, ge=0, le=1, description="second_answer: share of an open-book answer's content words that stand in the passage"
    )
    rivals: int = Field(
        default=4, ge=1, description="points_back: other passages or actions with which a question is compared, the most alike first"
    )
    min_margin: float = Field(
        default=0.5, description="points_back: nats by which a question must be likelier from its own passage than from any rival"
    )
    calibration: int = Field(
        default=24, ge=1, description="points_back: records on which it is measured how likely a passage or action makes any question"
    )
    max_per_passage: int = Field(default=8, ge=1, description="points_back: questions kept for a passage, those with the largest margins")
    max_per_action: int = Field(
        default=24, ge=1, description="points_back: messages kept for an action, and for each of its rules, those with the largest margins"
    )
    duplicate_similarity: float = Field(
        default=0.85, gt=0, le=1, description="near_duplicate: Jaccard similarity of character trigrams from which two questions are one"
    )
    exam_similarity: float = Field(
        default=0.7, gt=0, le=1, description="decontaminated: the same measure, from which a question counts as one of the exam's"
    )
    tool_environments: tuple[str, ...] = Field(
        default=(), description="tool_calls: environments that records may name, as `package.module:Class`; those of seodang always may"
    )
    entailment: str = Field(
        default="", description="quoted: a model that may object, `package.module:function` of (evidence, answer) → share 0..1; empty: none"
    )
    min_entailment: float = Field(default=0.5, ge=0, le=1, description="quoted: the model's share below which an answer fails")
    judge: str = Field(
        default="", description="judged: the model that judges, `package.module:function` that returns a ChatModel; empty: none"
    )
    judge_calibration: str = Field(default="", description="judged: file of the judge's calibration on a labelled set; empty: none")
