"""The steps from documents to trained students."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.core.files import Journal, read_json_lines, write_json_lines
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.actions import find_actions
from seodang.data.build.general import general
from seodang.data.build.keywords import keywords
from seodang.data.build.next_steps import next_steps
from seodang.data.build.prompt_text import load_prompts
from seodang.data.build.questions import questions
from seodang.data.build.units import dropped_by_generator
from seodang.data.build.utterances import utterances
from seodang.data.build.written import num_cut_off
from seodang.data.documents import read_documents
from seodang.data.engine.open import open_executor
from seodang.data.ledger.checked import KeptChecks
from seodang.data.passages import split_passages
from seodang.data.sources.document import place_rows
from seodang.data.verify.code_runs import isolation_in_force
from seodang.data.verify.context import CheckContext
from seodang.data.verify.decide import conserve, decide
from seodang.data.verify.find import find_check
from seodang.distill.section import ACROSS, LIVE_MODES
from seodang.evaluation.exam import load_exam
from seodang.models.conversation import conversation
from seodang.pipeline import modes, own_answers
from seodang.pipeline.arms import GOLD_ARM
from seodang.pipeline.context import RunContext
from seodang.pipeline.gold import kept_gold
from seodang.pipeline.held_out import documents_of, held_out_groups
from seodang.pipeline.ledger import PLACES, enter_records, enter_sources, keep_decisions, open_run_ledger, recipe_policy
from seodang.pipeline.licenses import refuse_unknown_documents
from seodang.pipeline.spent import SPENT, counted
from seodang.pipeline.think import asked_in, keep_mode, taught_lengths, thought_records
from seodang.pipeline.workspace import TARGET_CACHES

if TYPE_CHECKING:
    from seodang.distill.align.target import Likelihoods
    from seodang.distill.losses.target import Target


def ingest(context: RunContext, artifact: Artifact, progress: Progress) -> dict[str, Any]:
    """Documents to passages with exact spans, and the actions that they document."""
    reading = read_documents(context.recipe.documents, context.workspace.store, context.base)
    documents = reading.documents
    refuse_unknown_documents(context.recipe, documents)
    passages = [p for d in documents if d.taught for p in split_passages(d.name, d.text, language=d.language, license=d.license)]
    if context.recipe.documents and not passages:
        raise InputError(
            "the documents hold no statement of three words or more", hint="check that the right files are named in `documents`"
        )
    actions = find_actions(passages)
    write_json_lines(artifact.folder / "passages.jsonl", ({"id": p.id, **asdict(p)} for p in passages))
    write_json_lines(artifact.folder / "actions.jsonl", (asdict(a) for a in actions))
    by_name = {d.name: d for d in documents}
    write_json_lines(artifact.folder / PLACES, ({"passage": p.id, "places": place_rows(by_name[p.document], p)} for p in passages))
    write_json_lines(artifact.folder / "documents.jsonl", ({"name": d.name, "text": d.text} for d in documents))
    counts = Counter(p.document for p in passages)
    rows = [
        {
            "name": d.name,
            "sha256": d.sha256,
            "license": d.license,
            "language": d.language,
            "origin": d.origin,
            "num_characters": len(d.text),
            "num_passages": counts[d.name],
            "permissions": d.permissions.row(),
            "evidence": [asdict(told) for told in d.evidence],
        }
        for d in documents
    ]
    skipped = [asdict(passed) for passed in reading.skipped]
    return {"documents": rows, "num_passages": len(passages), "num_actions": len(actions), "skipped": skipped}


def build(context: RunContext, artifact: Artifact, progress: Progress) -> dict[str, Any]:
    """The teacher writes questions and customers' messages, with answers."""
    recipe = context.recipe
    with closing(Journal(artifact.folder / "partial" / "build.jsonl")) as journal, closing(Journal(artifact.folder / SPENT)) as spent:
        progress.total, progress.unit = len(context.actions) + len(context.passages), "sources"
        with counted(context.teacher, spent, "act"):
            acts = utterances(context.teacher, context.actions, recipe.build, recipe.build.prompts, recipe.seed, journal, progress)
            acts += next_steps(context.teacher, context.actions, context.passages_by_id, recipe.build, recipe.seed, journal, progress)
        with counted(context.teacher, spent, "know"):
            knows = questions(context.teacher, context.passages, recipe.build, recipe.seed, journal, progress)
        with counted(context.teacher, spent, "general"):
            others = general(context.teacher, recipe.build, recipe.seed, journal, progress)
        with counted(context.teacher, spent, "further"):
            further = _further(context, [*acts, *knows, *others], journal, progress)
        num_cut, dropped = num_cut_off(journal), dropped_by_generator(journal)
    typed = keywords(
        context.passages,
        context.actions,
        recipe.build.keywords_per_passage,
        recipe.build.keywords_per_action,
        recipe.build.prompts,
        recipe.seed,
    )
    records = [*acts, *knows, *typed, *others, *further]
    write_json_lines(artifact.folder / "records.jsonl", (record.row() for record in records))
    own_answers.keep_author(artifact, context.teacher.identity)
    return {
        "num_records": len(records),
        "act": len(acts),
        "know": len(knows),
        "keywords": len(typed),
        "general": len(others),
        "further": dict(Counter(record.kind for record in further)),
        "reasoned": sum(bool(record.reasoning) for record in records),
        "cut_off": num_cut,
        "dropped": dropped,
    }


def _further(context: RunContext, records: Sequence[Record], journal: Journal, progress: Progress) -> list[Record]:
    """What the generators that the recipe names make, beside what is always built."""
    from seodang.data.build.run_generators import read_generators, run_generators
    from seodang.data.build.sources import BuildSources
    from seodang.scoring.tools.environments import ENVIRONMENTS

    generators = read_generators(context.recipe.build.generators)
    if not generators:
        return []
    student = None
    if any(generator.needs_of_student for generator in generators):
        student = context.open_student(context.student_folder, context.student_source)
    environments = {environment.name: environment for environment in (kind() for kind in ENVIRONMENTS)}
    sources = BuildSources(context.passages, context.actions, records, student, environments)
    return run_generators(generators, sources, context.teacher, context.recipe.seed, journal, progress)


def verify(context: RunContext, artifact: Artifact, progress: Progress) -> dict[str, Any]:
    """Every record is checked by way of the ledger and decided by the policy; each outcome is a file."""
    recipe, section, policy = context.recipe, context.recipe.verify, recipe_policy(context)
    records = [Record.from_row(row) for row in read_json_lines(context.artifacts["build"].folder / "records.jsonl")]
    exam = load_exam(context.resolve(recipe.evaluate.exam))
    if recipe.evaluate.general:
        exam += load_exam(context.resolve(recipe.evaluate.general))
    for line in isolation_in_force([find_check(name) for name in section.checks], records, section):
        progress.tell(line)
    executor = open_executor(section.executor, section.workers, ray_address=section.ray_address)
    with closing(Journal(artifact.folder / "partial" / "verify.jsonl")) as journal, open_run_ledger(context) as ledger, executor:
        progress.total, progress.unit = len(records), "decided"
        entities = enter_records(context, ledger, records, enter_sources(context, ledger))
        kept = KeptChecks(ledger, executor, {entity.name: entity.id for entity in entities})
        checks = CheckContext(
            passages=context.passages_by_id,
            actions={action.name: action for action in context.actions},
            teacher=context.teacher,
            exam_questions=[item.question for item in exam],
            section=section,
            build=recipe.build,
            journal=journal,
            progress=progress,
        )
        decisions = decide(records, checks, ask=kept, policy=policy)
        keep_decisions(ledger, artifact.folder, entities, kept.put, policy, decisions)
    for outcome in ("accepted", "rejected", "quarantined", "failed"):
        write_json_lines(artifact.folder / f"{outcome}.jsonl", (d.row() for d in decisions if d.outcome == outcome))
    return conserve(len(records), len(records) - len(decisions), decisions)


def targets(context: RunContext, artifact: Artifact, progress: Progress, *, seed: int | None = None) -> dict[str, Any]:
    """The teacher's distributions over the accepted answers, with the passages in view; with a seed, over what the fine-tuned student of
    that seed answers."""
    from seodang.distill.targets.cache import TargetCache, cache_name
    from seodang.distill.targets.capture import capture, lessons
    from seodang.distill.targets.uses import record_use
    from seodang.pipeline.pairing import open_pair, refuse_other_tokens

    _require_accepted(context)
    recipe = context.recipe
    thought = thought_records(context)
    if any(recipe.distill.of_arm(arm).loss not in ACROSS for arm in recipe.distilled_arms):
        reasoning = {record.id: record.reasoning for record in context.accepted if record.id in thought}
        refuse_other_tokens(open_pair(context), context.accepted, reasoning)
    template = load_prompts(recipe.build.prompts)["open_book"]
    verified = plan = lessons(context.teacher, context.accepted, context.passages_by_id, template, recipe.targets, thought)
    if seed is not None:
        plan = own_answers.rollout_lessons(context, verified, seed)
    identity = context.teacher.identity
    folder = context.workspace.store / TARGET_CACHES / cache_name(identity)
    with Artifact(folder).locked(), closing(TargetCache(folder, identity)) as cache:
        summary = capture(context.teacher, plan, recipe.targets, cache, progress, verified=None if seed is None else verified)
        record_use(
            folder,
            run=recipe.name,
            step="targets" if seed is None else f"targets.{seed}",
            key=artifact.folder.name,
            student=None,
            num_sequences=summary["num_sequences"],
            num_reused=summary["num_reused"],
        )
    write_json_lines(artifact.folder / "plan.jsonl", ({"record": lesson.record, "key": lesson.key} for lesson in plan))
    return {**summary, "cache": folder.name}


def own_tokenizer(context: RunContext, artifact: Artifact, progress: Progress) -> dict[str, Any]:
    """What a fresh student with a tokenizer of its own starts from: trained on the documents and on the accepted records."""
    from seodang.distill.students.own_tokenizer import make_own_start

    _require_accepted(context)
    taught = {passage.document for passage in context.passages}
    rows = read_json_lines(context.artifacts["ingest"].folder / "documents.jsonl")
    texts = [row["text"] for row in rows if row["name"] in taught]
    texts += [text for record in context.accepted for text in (record.question, record.answer)]
    size = context.recipe.student.vocabulary_size
    assert size is not None
    return make_own_start(context.student_folder, artifact.folder, texts, size)


def _require_accepted(context: RunContext) -> None:
    if not context.accepted:
        raise InputError(
            "no record passed verification, so there is nothing to teach",
            where=str(context.artifacts["verify"].folder / "rejected.jsonl"),
            hint="the file says why each was rejected; loosen `verify`, or ask for more in `build`",
        )


def train(context: RunContext, artifact: Artifact, progress: Progress, *, arm: str, seed: int) -> dict[str, Any]:
    """One student: supervised fine-tuning on the verified answers or on gold ones, or distillation as `distill.mode` says."""
    from seodang.distill.grid import raise_best
    from seodang.distill.modes.lessons import Lessons
    from seodang.distill.packing import Example
    from seodang.models.chat_model import Message
    from seodang.models.local import use_threads
    from seodang.pipeline.pairing import align, open_pair, refuse_other_tokens

    use_threads(context.team.num_threads)
    _require_accepted(context)
    recipe = context.recipe
    distilled, section = arm in recipe.distilled_arms, recipe.distill.of_arm(arm)
    mode = section.mode if distilled else None
    context.team.begin_turn()
    pair, thought = open_pair(context), thought_records(context)
    reader, reasoning = pair.student, {record.id: record.reasoning for record in context.accepted if record.id in thought}
    captured = {"cached": "targets", "offline_on_policy": f"targets.{seed}"}.get(mode or "")
    kept: dict[str, Any] = _targets_of(context, artifact, f"train.{arm}.{seed}", captured) if captured else {}
    counts: dict[str, int] = {}
    if distilled and section.loss in ACROSS:
        kept, counts = align(pair, context.accepted, kept, reasoning)
    elif distilled:
        refuse_other_tokens(pair, context.accepted, reasoning)
    examples = [
        Example(
            record=record.id,
            prompt_ids=tuple(reader.encode_chat(conversation(record), asked_in(reader, record, thought))),
            answer_ids=pair.answer_ids(record.answer, reasoning.get(record.id, "")),
            target=kept[record.id] if mode == "cached" else None,
            weight=section.general_weight if distilled and record.kind == "general" else None,
        )
        for record in context.accepted
    ]
    documents = documents_of(context, context.accepted)
    held_out = held_out_groups(examples, context.accepted, documents, section.held_out, section.held_out_by)
    examples, watched = held_out.examples, held_out.told(section.held_out, seed)
    gold = [
        Example(
            record=f"gold:{row.id}",
            prompt_ids=tuple(reader.encode_chat([Message("user", row.question)], asked_in(reader, None, thought))),
            answer_ids=pair.answer_ids(row.answer),
        )
        for row in (kept_gold(context) if arm == GOLD_ARM else [])
    ]
    taught = modes.Taught(context.student_start, recipe.student, examples, Lessons)
    if mode in LIVE_MODES:
        taught = modes.by_live_teacher(context, section, pair, examples, thought, seed)
        use_threads(context.team.num_threads)
    elif mode == "offline_on_policy":
        taught = own_answers.on_rollouts(context, examples, kept, seed)
    told = taught_lengths(reader, context.accepted, thought)
    context.team.end_turn()
    progress.unit = "steps"
    summary = raise_best(
        taught.start,
        artifact.folder,
        taught.examples,
        taught.student,
        section,
        divergence=section.loss if distilled else None,
        seed=seed,
        progress=progress,
        team=context.team,
        lessons=taught.lessons,
        num_steps=taught.num_steps,
        taught=gold or None,
        verified=examples,
    )
    if context.team.first:
        keep_mode(artifact.folder / "checkpoint", recipe.distill.think_share)
    return {"thinking": told, "held_out": watched, **summary, **counts}


def _targets_of(context: RunContext, artifact: Artifact, step: str, captured_by: str) -> "dict[str, Target | Likelihoods]":
    """The cached target of each accepted record, or of each own answer of a student, by its id."""
    from seodang.distill.targets.cache import TargetCache
    from seodang.distill.targets.uses import record_use
    from seodang.models.chat_model import Distributions, require

    captured = context.artifacts[captured_by]
    rows = read_json_lines(captured.folder / "plan.jsonl")
    folder = context.workspace.store / TARGET_CACHES / captured.manifest["summary"]["cache"]
    with Artifact(folder).locked(), closing(TargetCache(folder)) as cache:

        def head() -> Any:
            return require(context.teacher, Distributions, "teaching from hidden states").plain_head()

        kept = {row["record"]: cache.get(row["key"], head) for row in rows}
        if context.team.first:
            student = context.student_source.name
            record_use(
                folder,
                run=context.recipe.name,
                step=step,
                key=artifact.folder.name,
                student=student,
                num_sequences=len(kept),
                num_reused=len(kept),
            )
    return kept
