"""Made-up records that go through the ledger in a second or two: documents, records of which many are faulty, and a fixed teacher."""

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seodang.core.files import Journal, write_json_lines
from seodang.core.hashing import digest
from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.data.engine.executor import Executor
from seodang.data.ledger.checked import KeptChecks
from seodang.data.ledger.enter import by_name, document_entity, enter_made, sample_entity, span_entity
from seodang.data.ledger.facts import Activity, Entity
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.policy import DECISIONS, Policy, load_policy
from seodang.data.ledger.view import Ruled
from seodang.data.verify.context import CheckContext
from seodang.data.verify.decide import decide
from seodang.data.verify.section import VerifySection
from seodang.models.chat_model import Completion, Message, Sampling, TokenTargets
from seodang.models.think import ThinkMode
from seodang.pipeline.ledger import keep_decisions

EXAM = ("How much oil does lamp 3 burn?", "Who trims the wick of lamp 5?")
_OILS = ("rapeseed oil", "paraffin", "whale oil", "olive oil", "lard")
_KEEPERS = ("Ada", "Boris", "Chloe", "Dmitri", "Edith", "Farid", "Greta")


class FixedTeacher:
    """A teacher of which equal calls give equal scores: a question is likelier the more of its words stand in what it was asked from."""

    name = "fixed"
    synthetic = True

    def __init__(self, pause_s: float = 0.0) -> None:
        self.pause_s = pause_s
        self.num_scored = 0

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "fixed", "weights": digest("words"), "engine": "none"}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        raise AssertionError("no check asks for text")

    def encode_chat(self, messages: Sequence[Message], thinking: ThinkMode | None = None) -> list[int]:
        return self.encode_text(" ".join(message.content for message in messages))

    def encode_answer(self, text: str, reasoning: str = "") -> list[int]:
        return self.encode_text(text)

    def encode_text(self, text: str) -> list[int]:
        return [int(digest(word.strip("?.,:").lower())[:8], 16) for word in text.split()]

    def score(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], top_k: int) -> list[TokenTargets]:
        self.num_scored += len(prompts)
        time.sleep(self.pause_s)
        told = [(set(prompt), words) for prompt, words in zip(prompts, continuations, strict=True)]
        return [TokenTargets([], [], [-1.0 if word in prompt else -3.0 for word in words]) for prompt, words in told]


def make_documents(num_passages: int) -> tuple[dict[str, Any], str, list[Passage]]:
    """One document as step `ingest` tells it, its text, and a passage for each of its lines."""
    draw = random.Random(1)
    lines = [
        f"Lamp {n} burns {draw.choice(_OILS)}, and {draw.choice(_KEEPERS)} trims its wick at {n % 12} o'clock." for n in range(num_passages)
    ]
    text = "\n".join(lines) + "\n"
    passages: list[Passage] = []
    start = 0
    for line in lines:
        passages.append(Passage("lamps.md", start, start + len(line), line, "Lamps", "", line, "en", "CC0-1.0"))
        start += len(line) + 1
    row = {"name": "lamps.md", "sha256": digest(text), "origin": "lamps.md", "language": "en", "license": "CC0-1.0"}
    return row, text, passages


def make_records(passages: Sequence[Passage], num_records: int, seed: int = 0) -> list[Record]:
    """Questions about the passages. Some are cut off, name what no passage does, are nearly or wholly the same, or are the exam's."""
    draw = random.Random(seed)
    records: list[Record] = []
    while len(records) < num_records:
        number = draw.randrange(len(passages))
        passage = passages[number]
        oil = next(oil for oil in _OILS if oil in passage.text)
        keeper = next(name for name in _KEEPERS if name in passage.text)
        question, answer = draw.choice(
            [
                (f"Which oil does lamp {number} burn?", oil),
                (f"What sort of oil is it that lamp {number} burns?", oil),
                (f"Who trims the wick of lamp {number}?", keeper),
                (f"At which hour is the wick of lamp {number} trimmed?", f"{number % 12} o'clock"),
                (f"How much oil does lamp {number} burn?", oil),
                (f"Which oil does lamp {number}", oil),
                (f"Which oil does lamp {number} burn in 1887?", oil),
                ("Which oil does it burn?", oil),
            ]
        )
        samples = (passage.text,) if draw.random() < 0.8 else ("Nobody knows it.",)
        records.append(Record("know", question, answer, (passage.id,), "en", samples))
        if draw.random() < 0.1:
            records.append(draw.choice(records))
    return records[:num_records]


def enter_project(ledger: Ledger, passages: list[Passage], records: Sequence[Record], row: dict[str, Any], text: str) -> list[Entity]:
    """Enters the document, its passages and the records, and returns the records' entities in order."""
    started = time.time()
    documents = by_name([document_entity(row, text)])
    spans = by_name(span_entity(passage, documents) for passage in passages)
    enter_made(ledger, Activity("ingest", "1", digest(text)), [*documents.values(), *spans.values()], None, started)
    entities = [sample_entity(record, spans, "CC0-1.0") for record in records]
    activity = Activity("build.know", "1", digest("questions"), used=tuple(entity.id for entity in spans.values()))
    enter_made(ledger, activity, entities, {"num_new_tokens": 0}, started)
    return entities


def verify_project(
    folder: Path,
    executor: Executor,
    *,
    num_records: int = 400,
    num_passages: int = 120,
    group: int = 32,
    policy: Policy | None = None,
    section: VerifySection | None = None,
    teacher: FixedTeacher | None = None,
) -> list[Ruled]:
    """Verifies the made-up records with the ledger in `folder`/ledger, on from where a killed process was, and writes the files of
    step `verify`. Returns the view."""
    policy, teacher = policy or load_policy(), teacher or FixedTeacher()
    row, text, passages = make_documents(num_passages)
    records = make_records(passages, num_records)
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder / "partial" / "verify.jsonl")
    try:
        with Ledger(folder / "ledger", create=True) as ledger, executor:
            entities = enter_project(ledger, passages, records, row, text)
            kept = KeptChecks(ledger, executor, {entity.name: entity.id for entity in entities}, group=group)
            context = CheckContext(
                journal=journal,
                progress=Progress("verify"),
                passages={passage.id: passage for passage in passages},
                teacher=teacher,
                exam_questions=EXAM,
                section=section or VerifySection(calibration=4, rivals=2, min_margin=0.3),
            )
            decisions = decide(records, context, ask=kept, policy=policy)
            for outcome in DECISIONS:
                write_json_lines(folder / f"{outcome}.jsonl", (one.row() for one in decisions if one.outcome == outcome))
            return keep_decisions(ledger, folder, entities, kept.put, policy, decisions)
    finally:
        journal.close()


def hashed_files(folder: Path) -> dict[str, bytes]:
    """The bytes of each file of a ledger that must not depend on kills and workers: the shards and the decisions."""
    files = [*folder.glob("ledger/*/*.parquet"), *folder.glob("ledger/decisions/*.jsonl"), *folder.glob("ledger.json")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(files)}
