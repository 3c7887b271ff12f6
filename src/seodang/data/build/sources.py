"""What the generators of `run_generators` make their records from, and the knobs that all of them have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import Field

from seodang.core.records import Action, Passage, Record
from seodang.core.sections import Section
from seodang.models.chat_model import ChatModel
from seodang.scoring.tools.environment import ToolEnvironment


@dataclass(frozen=True, slots=True)
class BuildSources:
    """Everything that a generator may draw from. `records` are those that were built before; `environments` are by their names."""

    passages: Sequence[Passage] = ()
    actions: Sequence[Action] = ()
    records: Sequence[Record] = ()
    student: ChatModel | None = None
    environments: Mapping[str, ToolEnvironment] = field(default_factory=dict[str, ToolEnvironment])


class GeneratorSection(Section):
    """Knobs of every generator."""

    prompts: str = Field(default="en", description="language of the texts in data/build/prompts, and of what is written")
    temperature: float = Field(default=0.7, ge=0, le=2, description="sampling temperature of what is invented; answers are greedy")
    top_p: float = Field(default=0.95, gt=0, le=1, description="nucleus of sampling, as probability mass")
    answer_tokens: int = Field(default=192, ge=1, description="most tokens of one text; a longer one is dropped")
    reasoning_tokens: int = Field(default=512, ge=0, description="further tokens that a thinking teacher may think before each text")
