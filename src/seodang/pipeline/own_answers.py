"""The fine-tuned student's own answers: written once, scored by the teacher that wrote what it was tuned on, and taught.

On-policy distillation without a live teacher, which holds only where both are one teacher (arXiv 2604.13010).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seodang.core.artifact import Artifact
from seodang.core.errors import ModelError
from seodang.core.files import Journal, read_json, read_json_lines, write_json, write_json_lines
from seodang.core.hashing import canonical_json
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.distill.students.section import StudentSection
from seodang.models.conversation import conversation
from seodang.pipeline.context import RunContext
from seodang.pipeline.modes import Taught
from seodang.pipeline.think import asked_in, open_student, thought_records

if TYPE_CHECKING:
    from seodang.distill.losses.target import Target
    from seodang.distill.packing import Example
    from seodang.distill.targets.capture import Lesson
    from seodang.models.local import LocalModel
    from seodang.pipeline.pairing import Pair

AUTHOR = "teacher.json"  # beside the records: the identity of the model that wrote them
_TOGETHER = 32  # answers that are written together, and a unit of work that a kill cannot undo


def rollouts(context: RunContext, artifact: Artifact, progress: Progress, *, seed: int) -> dict[str, Any]:
    """The fine-tuned student answers every accepted question; its answers are guarded (distill/modes/guards.py) and kept as token ids."""
    from seodang.distill.modes.guards import Counts
    from seodang.models.local import use_threads
    from seodang.pipeline.pairing import open_pair

    use_threads()
    section, pair = context.recipe.distill, open_pair(context)
    student, thought = open_student(_fine_tuned(context, seed), section.think_share, dtype="float32"), thought_records(context)
    accepted, size = context.accepted, max(1, _TOGETHER // section.rollout_samples)
    progress.total, progress.unit = len(accepted), "questions"
    found: list[dict[str, Any]] = []
    with closing(Journal(artifact.folder / "partial" / "rollouts.jsonl")) as journal:
        for first in range(0, len(accepted), size):
            group, unit = accepted[first : first + size], str(first)
            if unit not in journal:
                journal.append(unit, list(_answers(student, pair, group, thought, section.model_dump(), (seed, first))))
            found += journal[unit]
            progress.advance(len(group))
    write_json_lines(artifact.folder / "rollouts.jsonl", ({k: v for k, v in row.items() if k != "counts"} for row in found))
    return {"num_questions": len(accepted), **sum((Counts(**row["counts"]) for row in found), Counts()).told()}


def _answers(
    student: "LocalModel",
    pair: "Pair",
    records: Sequence[Record],
    thought: Collection[str],
    settings: Mapping[str, Any],
    drawn_by: tuple[int, int],
) -> Iterator[dict[str, Any]]:
    """The rows of some records' answers. They end as the verified ones do, with the pair's token: a tokenizer may name another end."""
    from seodang.distill.modes.guards import count, guard
    from seodang.distill.modes.rollouts import drawn, write

    prompts = [student.encode_chat(conversation(record), asked_in(student, record, thought)) for record in records]
    written = write(
        student.model,
        prompts,
        max_new_tokens=settings["rollout_tokens"],
        temperature=settings["rollout_temperature"],
        seed=drawn(*drawn_by, "own answers"),
        stop_ids=student.stop_ids,
        num_samples=settings["rollout_samples"],
    )
    for record, rows in zip(records, written, strict=True):
        verified = pair.answer_ids(record.answer, record.reasoning if record.id in thought else "")
        for number, row in enumerate(rows):
            guarded = guard(row, pair.end)
            own = bool(guarded.answer_ids)
            yield {
                "id": f"{record.id}.{number}",
                "record": record.id,
                "own": own,  # otherwise it was empty, and the verified answer stands in its place
                "answer_ids": list(guarded.answer_ids if own else verified),
                "ended": guarded.ended or not own,
                "text": student.tokenizer.decode(guarded.answer_ids, skip_special_tokens=True) if own else record.answer,
                "counts": count(row, guarded, len(verified)).row(),
            }


def rollout_lessons(context: RunContext, verified: "Sequence[Lesson]", seed: int) -> "list[Lesson]":
    """What the teacher reads of the fine-tuned student's answers; `verified` are the lessons of the verified ones.

    ModelError where the verified answers, on which that student was tuned, were written by another teacher than the one that is asked now:
    what is learned on the student's answers then contradicts what it was tuned on.
    """
    from seodang.distill.targets.cache import sequence_key
    from seodang.distill.targets.capture import Lesson, describe_codec

    identity = context.teacher.identity
    refuse_other_author(context.artifacts["build"].folder / AUTHOR, identity)
    by_record, codec = {lesson.record: lesson for lesson in verified}, describe_codec(context.recipe.targets)
    found: list[Lesson] = []
    for row in _rows(context, seed):
        prompt, answer = by_record[row["record"]].teacher_prompt, tuple(row["answer_ids"])
        found.append(Lesson(row["id"], prompt, answer, sequence_key(identity, prompt, answer, codec)))
    return found


def on_rollouts(context: RunContext, examples: "Sequence[Example]", kept: "Mapping[str, Target]", seed: int) -> Taught:
    """The mode `offline_on_policy`: the fine-tuned student goes on from its checkpoint, on its own answers with the divergence alone, for
    as many steps as the recipe's epochs over the verified answers have.

    Adapters are made anew on the weights into which the first ones were merged; a pruned or fresh student is not made again but trained
    with all its weights. An empty answer was replaced by the verified one, which has its usual loss.
    """
    from seodang.distill.modes.lessons import Lessons
    from seodang.distill.schedule import count_steps

    recipe, by_record = context.recipe, {example.record: example for example in examples}
    own = [
        replace(
            by_record[row["record"]],
            answer_ids=tuple(row["answer_ids"]),
            target=kept[row["id"]],
            weight=1.0 if row["own"] else by_record[row["record"]].weight,
        )
        for row in _rows(context, seed)
    ]
    student = recipe.student if recipe.student.method == "lora" else StudentSection(method="full")
    return Taught(_fine_tuned(context, seed), student, own, Lessons, count_steps(examples, recipe.distill, seed))


def keep_author(artifact: Artifact, identity: Mapping[str, Any]) -> None:
    """Writes beside the records which model wrote them."""
    write_json(artifact.folder / AUTHOR, dict(identity))


def refuse_other_author(path: Path, identity: Mapping[str, Any]) -> None:
    """ModelError where the records' author, as `path` has it, is another model than the one with this identity. Another version of the
    engine is no other model."""
    hint = "remove the step `build` of this run from the store and run the recipe again, so that one teacher writes and scores"
    if not path.is_file():
        raise ModelError("it is not known which teacher wrote the records", where=str(path), hint=hint)
    author = read_json(path)
    fields = sorted(name for name in {*author, *identity} - {"engine"} if _differs(author.get(name), identity.get(name)))
    if fields:
        raise ModelError(f"the records were written by another teacher than the one that scores (other: {', '.join(fields)})", hint=hint)


def _differs(a: Any, b: Any) -> bool:
    return canonical_json(a) != canonical_json(b)


def _fine_tuned(context: RunContext, seed: int) -> Path:
    return context.artifacts[f"train.sft.{seed}"].folder / "checkpoint"


def _rows(context: RunContext, seed: int) -> list[dict[str, Any]]:
    return read_json_lines(context.artifacts[f"rollouts.{seed}"].folder / "rollouts.jsonl")
