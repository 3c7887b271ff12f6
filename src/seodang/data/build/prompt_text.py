"""The texts that a teacher is asked with, one file a language, and the knobs of building."""

from functools import cache
from importlib import resources
from typing import Any

import yaml
from pydantic import Field

from seodang.core.errors import RecipeError
from seodang.core.hashing import digest
from seodang.core.sections import Section


class BuildSection(Section):
    """What the teacher is asked to write."""

    question_openers: int = Field(default=12, ge=1, description="questions a passage is asked for, each with another first word")
    question_samples: int = Field(default=1, ge=1, description="samples for each opener of a question")
    answer_samples: int = Field(default=2, ge=1, description="open-book answers to each question; the first is greedy")
    utterances_per_action: int = Field(
        default=48, ge=0, description="customers' messages asked for each action, over openers and situations; 0: none"
    )
    messages_per_rule: int = Field(
        default=32, ge=0, description="messages asked for each rule that makes an action the next step, over openers; 0: none"
    )
    keywords_per_passage: int = Field(
        default=2, ge=0, description="search-like messages made of each passage's own words, without the teacher"
    )
    keywords_per_action: int = Field(default=16, ge=0, description="the same for each action")
    general_questions: int = Field(
        default=128, ge=0, description="questions on everyday subjects, with the teacher's answers, against forgetting; 0: none"
    )
    temperature: float = Field(default=0.5, ge=0, le=2, description="sampling temperature of questions and messages")
    top_p: float = Field(default=0.95, gt=0, le=1, description="nucleus of sampling, as probability mass")
    reasoning_tokens: int = Field(
        default=512, ge=1, description="tokens that a thinking teacher (`teacher.thinking: on`) may think before each of its answers"
    )
    generators: tuple[dict[str, Any], ...] = Field(
        default=(), description="further generators, in order: `name`, a file of data/build, and its knobs beside it"
    )
    prompts: str = Field(default="en", description="language of the texts in data/build/prompts")


@cache
def load_prompts(language: str) -> dict[str, Any]:
    """The texts of one language; RecipeError where there are none."""
    folder = resources.files("seodang.data.build") / "prompts"
    file = folder / f"{language}.yaml"
    if not file.is_file():
        known = sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))
        raise RecipeError(f"no build prompts for language `{language}`", where="build.prompts", hint=f"there are: {', '.join(known)}")
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def prompts_digest(language: str) -> str:
    """Digest of a language's texts, part of the key of what is built with them."""
    return digest(load_prompts(language))
