"""Pieces of data with their lineage, as they pass from room to room."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from seodang.core.hashing import digest


@dataclass(frozen=True, slots=True)
class Passage:
    """One statement of a document: `document_text[start:end] == text`, offsets in characters.

    `heading` is the heading it stands under and `lead` the sentence it leans on (the line above a list, or what "it" means);
    `statement` is the text without markup.
    """

    document: str
    start: int
    end: int
    text: str
    heading: str
    lead: str
    statement: str
    language: str
    license: str

    @property
    def id(self) -> str:
        return digest([self.document, self.start, self.end, self.text])[:16]

    @property
    def view(self) -> str:
        """What a reader needs to understand the statement: its heading, what it leans on, and itself."""
        return f"{self.heading}: " * bool(self.heading) + f"{self.lead} " * bool(self.lead) + self.statement


@dataclass(frozen=True, slots=True)
class Rule:
    """A statement that makes an action the next step: the id of its passage, and the words of its condition."""

    passage: str
    condition: str


@dataclass(frozen=True, slots=True)
class Action:
    """Something a document says can be done, such as a tool.

    `passages` are the ids of those that describe it, the most telling first; `situations` are the statements of those that tell
    what it does or shows, and `rules` those that say when it is the next step. `description` is the first situation.
    """

    name: str
    passages: tuple[str, ...]
    situations: tuple[str, ...]
    rules: tuple[Rule, ...] = ()

    @property
    def description(self) -> str:
        return self.situations[0]

    @staticmethod
    def from_row(row: dict[str, Any]) -> "Action":
        return Action(row["name"], tuple(row["passages"]), tuple(row["situations"]), tuple(Rule(**rule) for rule in row["rules"]))


_LATER_FIELDS = ("turns", "truth", "domain", "capability")  # not written where they are empty


@dataclass(frozen=True, slots=True)
class Record:
    """One question and its answer. The id is the hash of the content; equal content is one record.

    A conversation has its user's last message as `question`, the text that ends it as `answer` (empty where it ends with a call), and
    all messages before that answer in `turns`, in OpenAI's format (`role`, `content`, `tool_calls`, `tool_call_id`).
    """

    kind: str  # "know": a fact or rule; "act": a customer's words and the action; "general": anything but the domain; or a generator's own
    question: str
    answer: str
    passages: tuple[str, ...]  # ids of the passages, or of the records, that it was made from
    language: str
    samples: tuple[str, ...] = field(default=())  # further answers of the teacher to the same question
    action: str = ""  # the action's name, for kind "act"
    author: str = "teacher"  # "teacher", or "words": made of the documents' own words
    reasoning: str = ""  # what the teacher thought before it answered
    turns: tuple[Mapping[str, Any], ...] = ()
    truth: Mapping[str, Any] = field(default_factory=dict[str, Any])  # what checks hold the answer against, by the names that they read
    domain: str = ""
    capability: str = ""  # "mathematics", "multilingual", "coding", "agent", "knowledge", "instruction"; empty: not said

    @property
    def id(self) -> str:
        thought = [self.reasoning] if self.reasoning else []
        more = [list(self.turns), dict(self.truth)] if self.turns or self.truth else []
        return digest([self.kind, self.question, self.answer, sorted(self.passages), *thought, *more])[:16]

    def row(self) -> dict[str, Any]:
        told = {"id": self.id, **asdict(self)}
        return {name: value for name, value in told.items() if value or name not in _LATER_FIELDS}

    @staticmethod
    def from_row(row: Mapping[str, Any]) -> "Record":
        fields: dict[str, Any] = {key: value for key, value in row.items() if key != "id"}
        for name in ("passages", "samples", "turns"):
            if name in fields:
                fields[name] = tuple(fields[name])
        return Record(**fields)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found about one record. `evidence` says why, in a few words or numbers."""

    record: str
    check: str
    outcome: str  # "pass", "fail", "undecided" or "error"
    evidence: dict[str, Any]
