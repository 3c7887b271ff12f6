"""Gathers what a run's steps left behind into the one value that its report is made of."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seodang.core.files import read_json_lines
from seodang.evaluation.arms import Arm, arm_differences, arm_score
from seodang.evaluation.exam import ExamItem, count_unapproved
from seodang.evaluation.result import read_evaluation
from seodang.evaluation.similarity import dissimilar_half, nearest_questions
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.pipeline.card import student_license, terms
from seodang.pipeline.context import RunContext
from seodang.pipeline.licenses import licenses
from seodang.pipeline.plan import Done
from seodang.pipeline.prove import EXAM, GENERAL, exam_items, general_items
from seodang.pipeline.recipe import Recipe

_NUM_EXAMPLES = 12


def collect_run(context: RunContext, done: Sequence[Done], *, synthetic: bool) -> dict[str, Any]:
    """The report's input: a function of the recipe and the finished steps' folders. Machine and versions are those of the last step."""
    recipe = context.recipe
    summaries = {step.name: step.summary for step in done}
    items, general = exam_items(context), general_items(context)
    near = nearest_questions(items, [record.question for record in context.accepted]) if context.accepted else []
    exam_arms = _arms(context, EXAM, recipe.evaluate.arms)
    general_arms = _arms(context, GENERAL, [arm for arm in recipe.evaluate.arms if arm != "teacher_open"]) if general else []
    teacher = recipe.teacher
    measured = context.artifacts[done[-1].name].manifest["measured"]
    half = dissimilar_half(near) if near else None
    return {
        "name": recipe.name,
        "title": recipe.title,
        "recipe": recipe.model_dump(mode="json"),
        "synthetic": synthetic,
        "machine": measured.get("machine", {}),
        "versions": measured.get("versions", {}),
        "steps": [asdict(step) for step in done],
        "documents": summaries["ingest"]["documents"],
        "teacher": {
            "name": teacher.model if isinstance(teacher, OpenAIHTTPTeacher) else teacher.name,
            "license": teacher.license,
            "identity": teacher.model_dump(mode="json", exclude={"api_key_env", "api_key_file"}),
        },
        "student": {
            "name": context.student_source.name,
            "method": recipe.student.method,
            "license": student_license(context, summaries["ingest"]["documents"]),
            "terms": terms(context),
            "num_parameters": next((s["num_parameters"] for n, s in summaries.items() if n.startswith("train.")), None),
            "bytes": summaries.get("export", {}).get("checkpoint_bytes"),
        },
        "licenses": licenses(recipe, context.student_source, summaries["ingest"]["documents"]),
        "thinking": _thinking(recipe, done),
        "data": {**summaries["verify"], "dropped": summaries["build"].get("dropped", {}), **_record_examples(context)},
        "targets": next((summary for name, summary in summaries.items() if name.split(".")[0] == "targets"), None),
        "training": _training(recipe, done),
        "gold": {**recipe.gold.model_dump(mode="json"), **summaries["gold"]} if recipe.gold and "gold" in summaries else None,
        "variants": {
            arm: recipe.distill.of_arm(arm).model_dump(include={"mode", "loss", "temperature", "loss_settings", "weight", "general_weight"})
            for arm in recipe.distilled_arms
            if arm in recipe.distill.variants
        },
        "guard": recipe.evaluate.guard.model_dump() if general else None,
        "arms": [arm_score(arm, half) for arm in exam_arms],
        "general": [arm_score(arm) for arm in general_arms],
        "paired": _pairs(exam_arms, recipe.trained_arms),
        "paired_by_seed": _pairs_by_seed(exam_arms, recipe.evaluate.seeds),
        "paired_general": _pairs(general_arms, recipe.trained_arms),
        "export": summaries.get("export", {}).get("formats"),
        "examples": _answers_beside(items, exam_arms),
        "nearest": [asdict(row) for row in near],
        "unapproved_items": count_unapproved(context.resolve(recipe.evaluate.exam)),
    }


def _thinking(recipe: Recipe, done: Sequence[Done]) -> dict[str, Any]:
    """The teacher's think mode, and the student's with what it was taught in it; `taught` is absent where nothing was trained."""
    taught = next((step.summary["thinking"] for step in done if step.name.startswith("train.")), None)
    return {"teacher": str(recipe.teacher.thinking), "think_share": recipe.distill.think_share} | ({"taught": taught} if taught else {})


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "platform": platform.system(),
    }


def _arms(context: RunContext, suite: str, names: Sequence[str]) -> list[Arm]:
    arms: list[Arm] = []
    for name in names:
        steps = [step for step in context.artifacts if step == f"evaluate.{name}" or step.startswith(f"evaluate.{name}.")]
        arms.append(Arm(name, [read_evaluation(context.artifacts[step].folder / suite) for step in steps]))
    return arms


def compare_general(context: RunContext, names: tuple[str, str]) -> list[Any]:
    """The second arm against the first on the general suite."""
    before, after = _arms(context, GENERAL, names)
    return list(arm_differences(after, before))


def _pairs(arms: Sequence[Arm], trained: Sequence[str]) -> list[Any]:
    """The distilled student against every arm that is no variant of it; then each other trained arm against the untaught one and against
    the trained ones before it, so that every two trained arms are compared once; the latter over the whole exam only."""
    by_name = {arm.name: arm for arm in arms}
    present = [name for name in trained if name in by_name]
    earlier = {name: present[:place] for place, name in enumerate(present)}
    pairs = [("distilled", name) for name in by_name if "distilled" in earlier and (name not in earlier or name in earlier["distilled"])]
    for name in present:
        if name != "distilled":
            pairs += [(name, other) for other in (*[arm for arm in by_name if arm == "base"], *earlier[name])]
    rows = [row for a, b in pairs for row in arm_differences(by_name[a], by_name[b])]
    return [row for row in rows if row["part"] == "all" or row["a"] == "distilled" or row["b"] == "base"]


def _pairs_by_seed(arms: Sequence[Arm], seeds: Sequence[int]) -> list[dict[str, Any]]:
    """The distilled student of each seed against the untaught one and against the fine-tuned one of that seed; none with one seed."""
    by_name = {arm.name: arm.runs for arm in arms}
    if len(seeds) < 2 or "distilled" not in by_name:
        return []
    others = [name for name in ("base", "sft") if name in by_name]
    return [
        {"seed": seed, **row}
        for place, seed in enumerate(seeds)
        for name in others
        for row in arm_differences(
            Arm("distilled", [by_name["distilled"][place]]), Arm(name, [by_name[name][place if name == "sft" else 0]])
        )
    ]


def _training(recipe: Recipe, done: Sequence[Done]) -> dict[str, list[dict[str, Any]]]:
    """Every training by its arm. `num_tokens_before` are those of the fine-tuning that a student went on from."""
    found: dict[str, list[dict[str, Any]]] = {}
    tuned = {step.name: step.summary.get("num_tokens") for step in done}
    for step in done:
        if step.name.startswith("train."):
            _, arm, seed = step.name.split(".")
            row = {"seed": int(seed), "seconds": step.seconds, **step.summary}
            if arm in recipe.distilled_arms and recipe.distill.of_arm(arm).mode == "offline_on_policy":
                row["num_tokens_before"] = tuned[f"train.sft.{seed}"]
            found.setdefault(arm, []).append(row)
    return found


def _record_examples(context: RunContext) -> dict[str, Any]:
    folder = context.artifacts["verify"].folder
    accepted, rejected = read_json_lines(folder / "accepted.jsonl"), read_json_lines(folder / "rejected.jsonl")
    step = max(1, len(accepted) // _NUM_EXAMPLES)
    by_check: dict[str, dict[str, Any]] = {}
    for row in rejected:
        by_check.setdefault(row["check"], row)
    return {
        "examples": [{key: row[key] for key in ("kind", "question", "answer")} for row in accepted[::step][:_NUM_EXAMPLES]],
        "rejected_examples": [
            {"check": check, "question": row["question"], "answer": row["answer"], "evidence": row["verdicts"][-1]["evidence"]}
            for check, row in by_check.items()
        ],
    }


def _answers_beside(items: Sequence[ExamItem], arms: Sequence[Arm]) -> list[dict[str, Any]]:
    chosen = items[:: max(1, len(items) // _NUM_EXAMPLES)][:_NUM_EXAMPLES]
    rows: list[dict[str, Any]] = []
    for item in chosen:
        said = {arm.name: arm.runs[0].results[item.id][0] for arm in arms}
        rows.append(
            {
                "id": item.id,
                "part": item.part,
                "question": item.question,
                "accepted": list(item.accepted),
                "answers": {name: {"text": result.answer or result.error, "right": result.score == 1} for name, result in said.items()},
            }
        )
    return rows
