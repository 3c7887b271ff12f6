"""A run: a recipe's plan is carried out, recorded in `run.json`, and reported."""

import inspect
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any

from seodang import __version__
from seodang.core.errors import ModelError, RecipeError
from seodang.core.files import write_atomically, write_json
from seodang.core.hashing import digest, digest_file
from seodang.data.build.prompt_text import prompts_digest
from seodang.data.build.run_generators import read_generators
from seodang.data.build.units import CUT
from seodang.data.documents import sources_digest
from seodang.data.ledger.check_config import file_digests
from seodang.data.verify.find import find_check
from seodang.data.verify.section import HOW_IT_IS_DONE
from seodang.distill.parallel import joined
from seodang.distill.section import LIVE_MODES, MODE_SETTINGS, DistillSection, mode_settings
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.think import ThinkMode
from seodang.pipeline import modes, own_answers, prove, teach
from seodang.pipeline.arms import GOLD_ARM
from seodang.pipeline.card import provenance
from seodang.pipeline.collect import collect_run, machine
from seodang.pipeline.context import RunContext
from seodang.pipeline.departure import announce_departure
from seodang.pipeline.estimate.against_actual import compare_cost, keep_estimate
from seodang.pipeline.gold import read_gold
from seodang.pipeline.guard import require_guard, student_is_guarded
from seodang.pipeline.ledger import recipe_policy
from seodang.pipeline.licenses import refuse_unknown_licenses
from seodang.pipeline.plan import Done, Step, execute, step_key
from seodang.pipeline.recipe import recipe_row
from seodang.pipeline.report.build import build_report
from seodang.pipeline.report.html import render_html
from seodang.pipeline.report.markdown import render_markdown
from seodang.pipeline.think import refuse_thinking_student, taught_mode
from seodang.pipeline.workspace import RUN_FILE

# Raised when a step's code computes something else from the same settings and inputs.
_VERSIONS = {
    "ingest": 3,
    "build": 6,
    "verify": 4,
    "tokenizer": 2,
    "gold": 1,
    "rollouts": 2,
    "targets": 4,
    "train": 7,
    "evaluate": 4,
    "export": 1,
}


def make_plan(context: RunContext) -> list[Step]:
    """The steps of a recipe, in order, each with a key made of its settings and its inputs' keys."""
    recipe = context.recipe
    # A misspelt check is told before an hour's work, not after; one from outside is known by its source.
    checks = {name: find_check(name) for name in recipe.verify.checks}
    outside = {name: inspect.getsource(inspect.getmodule(check) or check) for name, check in checks.items() if ":" in name}
    versions = {name: getattr(inspect.getmodule(check), "VERSION", 1) for name, check in checks.items()}
    policy, settings = recipe_policy(context).digest, recipe.verify.model_dump(exclude={*HOW_IT_IS_DONE} - {"checks"})
    files = [file_digests(name, recipe.verify.model_dump()) for name in checks]
    prompts = prompts_digest(recipe.build.prompts)
    teacher, student = context.source_key(recipe.teacher), context.weights_key(context.student_source)
    exam = digest([digest_file(path) for path in context.resolve(recipe.evaluate.exam)])
    general = digest([digest_file(path) for path in context.resolve(recipe.evaluate.general)])
    modes.refuse_mode(context)
    _refuse_codec(context)
    steps: list[Step] = []

    def add(name: str, work: Any, line: Any, *parts: Any) -> str:
        key = step_key(name, _VERSIONS[name.split(".", 1)[0]], *parts)
        steps.append(Step(name, key, partial(work, context), line, by_team=name.startswith("train.")))
        context.artifacts[name] = context.workspace.artifact(name, key)
        return key

    ingest = add("ingest", teach.ingest, _ingest_line, sources_digest(recipe.documents, context.base))
    further = read_generators(recipe.build.generators)
    written = [generator.key for generator in further] + [student for generator in further if generator.needs_of_student]
    build = add("build", teach.build, _build_line, ingest, teacher, recipe.build.model_dump(), prompts, recipe.seed, written)
    verify = add("verify", teach.verify, _verify_line, build, settings, versions, policy, exam, general, outside, files)
    trained: dict[tuple[str, int], str] = {}
    arms = recipe.evaluate.arms
    by_loss = {"loss", "temperature", "loss_settings", "weight", "general_weight"}
    by_mode = {"mode", *(name for names in MODE_SETTINGS.values() for name in names)}
    loop = recipe.distill.model_dump(exclude={*by_loss, *by_mode, "variants"})
    size = recipe.student.vocabulary_size
    own = [add("tokenizer", teach.own_tokenizer, _tokenizer_line, verify, student, size)] if size and recipe.trained_arms else []
    # Which records are taught in think mode is measured in the student's tokens.
    chosen = [recipe.distill.think_share, student, *own] if recipe.distill.think_share else []
    # A remote teacher is asked in the student's tokens.
    asks = [recipe.targets.model_dump(), prompts, *chosen, *([student] if isinstance(recipe.teacher, OpenAIHTTPTeacher) else [])]
    taught_modes = {recipe.distill.of_arm(arm).mode for arm in recipe.distilled_arms}
    targets = add("targets", teach.targets, _targets_line, verify, *asks) if "cached" in taught_modes else ""
    gold = _add_gold(context, add, exam, general) if GOLD_ARM in arms else ""

    @cache
    def own_targets(seed: int) -> list[str]:
        """Keys of the fine-tuned student's own answers, and of the teacher's distributions at them."""
        settings = {name: getattr(recipe.distill, name) for name in MODE_SETTINGS["offline_on_policy"]}
        answers = add(f"rollouts.{seed}", partial(own_answers.rollouts, seed=seed), _rollouts_line, trained["sft", seed], seed, settings)
        return [answers, add(f"targets.{seed}", partial(teach.targets, seed=seed), _targets_line, answers, *asks)]

    def taught_from(distill: DistillSection, seed: int) -> list[Any]:
        """Keys of what a distilled arm is taught from, beside the verified answers."""
        if distill.mode in LIVE_MODES:
            return [teacher, prompts, *chosen]
        return [targets] if distill.mode == "cached" else own_targets(seed)

    for seed in recipe.evaluate.seeds:
        for arm in ("sft",) * ("offline_on_policy" in taught_modes and "sft" not in arms) + recipe.trained_arms:
            parts = [verify, student, recipe.student.model_dump(), loop, seed, *own]
            if arm in recipe.distilled_arms:
                distill = recipe.distill.of_arm(arm)
                parts += [*taught_from(distill, seed), distill.model_dump(include=by_loss), mode_settings(distill)]
            elif arm == GOLD_ARM:
                parts.append(gold)
            trained[arm, seed] = add(f"train.{arm}.{seed}", partial(teach.train, arm=arm, seed=seed), _train_line, *parts)
    section = recipe.evaluate
    asked = [ingest, exam, general, section.max_items, section.max_general, section.max_new_tokens, prove.ASKED_AS]
    thinking = {arm: recipe.teacher.thinking if arm.startswith("teacher") else taught_mode(recipe.distill.think_share) for arm in arms}
    for arm in arms:
        asked_in = ["on", recipe.evaluate.max_reasoning_tokens] if thinking[arm] is ThinkMode.ON else []
        if arm in recipe.trained_arms:
            for seed in recipe.evaluate.seeds:
                work = partial(prove.evaluate, arm=arm, seed=seed)
                add(f"evaluate.{arm}.{seed}", work, _evaluate_line, trained[arm, seed], *asked, *asked_in)
        else:
            model = student if arm == "base" else teacher
            add(
                f"evaluate.{arm}",
                partial(prove.evaluate, arm=arm, seed=None),
                _evaluate_line,
                model,
                *asked,
                prompts if arm == "teacher_open" else "",
                *asked_in,
            )
    if "distilled" in arms and recipe.export.formats:
        seed = recipe.evaluate.seeds[0]
        add(
            "export",
            partial(prove.export, seed=seed),
            _export_line,
            trained["distilled", seed],
            recipe.export.model_dump(),
            exam,
            recipe.evaluate.max_items,
            provenance(context),
        )
    return steps


def _add_gold(context: RunContext, add: Callable[..., str], exam: str, general: str) -> str:
    recipe = context.recipe
    files = [digest_file(path) for path in context.resolve(recipe.gold.files if recipe.gold else ())]
    return add("gold", read_gold, _gold_line, files, exam, general, recipe.verify.exam_similarity)


def _refuse_codec(context: RunContext) -> None:
    """Told before an hour's work and not after: an endpoint gives no whole distributions."""
    recipe = context.recipe
    if isinstance(recipe.teacher, OpenAIHTTPTeacher) and recipe.distilled_arms and recipe.targets.codec != "top_k":
        raise ModelError(
            f"a remote teacher gives its best tokens only, and `targets.codec: {recipe.targets.codec}` needs whole distributions",
            hint="set `targets: {codec: top_k, top_k: N}` with as many as the endpoint gives, or leave out the distilled arms",
        )


def run_recipe(context: RunContext, until: str | None = None) -> Path:
    """Carries the recipe out, or what is left of it, and returns the run's folder with its report; with `until`, a step's name, no further
    than that step, and without a report. GuardError, after the report is written
    and before anything is exported, where the recipe requires a guard that the student did not pass.

    Started by `torchrun`, the processes train together; all else is done by the first of them, while the others wait.
    """
    refuse_unknown_licenses(context.recipe, context.file)
    with joined() as context.team:
        if context.team.size > 1:
            context.team.require_work(context.recipe.distill.packs_per_step)
        return _run_together(context, until)


def _run_together(context: RunContext, until: str | None) -> Path:
    recipe, first = context.recipe, context.team.first
    if isinstance(recipe.teacher, OpenAIHTTPTeacher) and first:
        announce_departure(context, recipe.teacher)
    folder = context.workspace.run_folder(recipe.name)
    if first:
        refuse_thinking_student(context)
    steps = _first_steps(make_plan(context), until)
    synthetic = context.synthetic
    row: dict[str, Any] = {
        "name": recipe.name,
        "recipe": recipe_row(recipe),
        "base": str(context.base),
        "student_source": context.student_source.model_dump(mode="json"),
        "synthetic": synthetic,
        "steps": [{"name": step.name, "key": step.key} for step in steps],
    }
    if first:
        row["estimate"] = keep_estimate(context, folder, row["steps"])
        write_json(folder / RUN_FILE, row)
    surroundings = {"machine": machine(), "versions": _versions()}
    carry_out = partial(execute, workspace=context.workspace, synthetic=synthetic, surroundings=surroundings, team=context.team)
    done = carry_out([step for step in steps if step.name != "export"])
    if until is not None:
        return folder
    guarded = student_is_guarded(context)
    if guarded:
        done += carry_out([step for step in steps if step.name == "export"])
    elif first:
        write_json(folder / RUN_FILE, {**row, "steps": [told for told in row["steps"] if told["name"] != "export"]})
    if first:
        _write_report(context, folder, done, row)
        require_guard(folder)
    return folder


def _first_steps(steps: list[Step], until: str | None) -> list[Step]:
    """The steps up to the one of that name. RecipeError where there is none."""
    names = [step.name for step in steps]
    if until is None:
        return steps
    if until not in names:
        raise RecipeError(f"no step `{until}` in this recipe", where="--until", hint=f"its steps are: {', '.join(names)}")
    return steps[: names.index(until) + 1]


def _write_report(context: RunContext, folder: Path, done: Sequence[Done], row: dict[str, Any]) -> None:
    collected = collect_run(context, done, synthetic=row["synthetic"])
    report = build_report({**collected, "cost": compare_cost(row["estimate"], collected["steps"])})
    write_json(folder / "report.json", report)
    write_atomically(folder / "report.html", render_html(report))
    write_atomically(folder / "report.md", render_markdown(report))


def _versions() -> dict[str, str]:
    found = {"seodang": __version__}
    for package in ("torch", "transformers", "xllamacpp", "gguf"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _ingest_line(s: dict[str, Any]) -> str:
    skipped = f"; {len(s['skipped'])} files, rows or pages passed over" if s.get("skipped") else ""
    return f"{len(s['documents'])} documents, {s['num_passages']} passages, {s['num_actions']} actions{skipped}"


def _build_line(s: dict[str, Any]) -> str:
    counts = f"{s['know']} questions, {s['act']} customers' messages, {s['keywords']} search-like ones, {s['general']} general questions"
    reasoned = f", {s['reasoned']} of them with reasoning" if s["reasoned"] else ""
    cut_off = f"; {s['cut_off']} texts cut off and dropped" if s["cut_off"] else ""
    further = "".join(f", {number} of {kind}" for kind, number in s["further"].items())
    others = {name: sum(n for reason, n in told.items() if reason != CUT.reason) for name, told in s.get("dropped", {}).items()}
    dropped = "".join(f"; {number} dropped by {name}" for name, number in others.items() if number)
    return f"{s['num_records']} records: {counts}{further}{reasoned}{cut_off}{dropped}"


def _verify_line(s: dict[str, Any]) -> str:
    return (
        f"accepted {s['accepted']} + rejected {s['rejected']} + quarantined {s['quarantined']} + failed {s['failed']} = input {s['input']}"
    )


def _tokenizer_line(s: dict[str, Any]) -> str:
    return f"{s['num_tokens']} tokens of the student's own, {len(s['special_tokens'])} of them special"


def _gold_line(s: dict[str, Any]) -> str:
    return f"kept {s['kept']} + near the exam {s['near_exam']} + repeated {s['repeated']} = input {s['input']}"


def _targets_line(s: dict[str, Any]) -> str:
    counts = f"{s['num_sequences']} sequences, {s['num_tokens']} tokens, {s['codec']} at {s['bytes_per_token']:.1f} bytes a token"
    found = s["certificate"]
    kl = "" if found is None or found["kl"] is None else f", KL(full || stored) {found['kl']:.4f} nats"
    cosine = "" if found is None or found["gradient_cosine"] is None else f", gradient cosine {found['gradient_cosine']:.4f}"
    return f"{counts}{kl}{cosine}, {s['num_reused']} from the cache"


def _rollouts_line(s: dict[str, Any]) -> str:
    shares = f"{100 * s['ended']:.0f} % ended, {100 * s['cut']:.0f} % cut where they repeat, {100 * s['replaced']:.0f} % empty"
    return f"{s['num']} own answers to {s['num_questions']} questions, {s['mean_length']:.1f} tokens each, {shares}"


def _train_line(s: dict[str, Any]) -> str:
    curve = s["loss_curve"]
    chosen = f", rate {s['learning_rate']:g} of {len(s['grid'])}" if "grid" in s else ""
    losses = f"loss {curve[0][1]:.3f} to {curve[-1][1]:.3f} nats a token"
    return f"{s['num_steps']} steps, {s['num_tokens']} tokens, {losses}{chosen}{_own_answers_words(s)}"


def _own_answers_words(s: dict[str, Any]) -> str:
    """What a training tells of its student's own answers; nothing in the other modes."""
    if "rollouts" not in s:
        return ""
    stopped = s["on_policy_stopped_at"]
    until = "" if stopped is None else f", none after step {stopped}, because {s['on_policy_stopped_because']}"
    return f", {s['rollouts']['num']} own answers of {s['rollouts']['mean_length']:.1f} tokens{until}"


def _evaluate_line(s: dict[str, Any]) -> str:
    general = f", general {s['general_right']}/{s['general_n']}" if "general_n" in s else ""
    errors = s["errors"] + s.get("general_errors", 0)
    failed = f"; {errors} answers ended in an error and count as wrong" if errors else ""
    return f"{s['right']}/{s['n']} right ({100 * s['right'] / s['n']:.1f} %){general}{failed}"


def _export_line(s: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {row['bytes'] / 1e6:.0f} MB, KL {row['kl']:.5f} nats, top-1 {row['top1']:.3f}" for name, row in s["formats"].items()
    )
