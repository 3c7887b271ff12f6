"""The knobs of verification."""

from typing import Literal

from pydantic import Field

from seodang.core.sections import Section

CHECKS = ("well_formed", "grounded", "second_answer", "points_back", "near_duplicate", "decontaminated")
HOW_IT_IS_DONE = ("checks", "policy", "executor", "workers", "ray_address")  # knobs that change no verdict


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
    pii_confidence: float = Field(
        default=0.5, ge=0, le=1, description="pii: confidence from which a span is personal data; at 0.4 names and weak finds count too"
    )
    pii_bare_confidence: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="pii: the same for digits alone, which may be an order's number; above 0.7 only named ones count",
    )
    language_share: float = Field(
        default=0.3, gt=0, le=1, description="message_language: share of a message's letters in the expected language from which it agrees"
    )
    poison_count: int = Field(
        default=5, ge=2, description="poison: records, an absolute count, from which a trigger with its abnormal answers is a finding"
    )
    max_per_question: int = Field(default=4, ge=1, description="cap: answers kept for a question, the shortest that reason differently")
    policy: str = Field(default="", description="file that says what verdicts mean, relative to the recipe; empty: the default policy")
    executor: Literal["local", "ray"] = Field(
        default="local", description="where checks run that compare no records and ask no teacher: processes of this machine, or Ray"
    )
    workers: int = Field(default=1, ge=1, description="processes that check; 1 with `local`: this one")
    ray_address: str = Field(default="", description="of a Ray cluster, such as auto or ray://HOST:10001; empty: Ray on this machine")
    code_processor_s: int = Field(default=5, ge=1, description="code_runs: seconds of processor time for one run of an answer's code")
    code_wall_s: float = Field(default=20.0, gt=0, description="code_runs: seconds by the clock for the same")
    code_memory_mib: int = Field(default=512, ge=16, description="code_runs: memory in MiB for the same, beyond the interpreter's own")
    accept_weak_isolation: bool = Field(
        default=False, description="code_runs: run code where it cannot be isolated; only for code that somebody trustworthy wrote"
    )
    record_similarity: float = Field(
        default=0.8, gt=0, le=1, description="duplicate: Jaccard similarity of 5-character shingles of question and answer, as one record"
    )
    exam_coverage: float = Field(
        default=0.5, gt=0, le=1, description="contamination: share of an exam item's n-grams in a record, or of a record's in an item"
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
    judge_precision: float = Field(
        default=0.8,
        gt=0,
        lt=1,
        description="judged: share of what it failed in its calibration that was wrong, by the lower bound, from which it may reject",
    )
