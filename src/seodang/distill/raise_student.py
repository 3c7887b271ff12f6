"""A student before and after teaching: made from given weights, trained, and saved as an ordinary Hugging Face checkpoint."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from seodang.core.files import storage_errors
from seodang.core.progress import Progress
from seodang.distill.modes.lessons import Lessons
from seodang.distill.objective import named_divergence
from seodang.distill.packing import Example
from seodang.distill.parallel import Team
from seodang.distill.section import DistillSection
from seodang.distill.students.family import sizes
from seodang.distill.students.lora import deltas, save_adapter
from seodang.distill.students.make import make_student, open_weights
from seodang.distill.students.section import StudentSection
from seodang.distill.train import Trainer
from seodang.models.precision import best_dtype

CHECKPOINT = "checkpoint"
PARTIAL = "partial"
EVENTS = "events"


def raise_student(
    start: Path,
    folder: Path,
    examples: Sequence[Example],
    student: StudentSection,
    section: DistillSection,
    *,
    divergence: str | None,
    seed: int,
    progress: Progress,
    team: Team | None = None,
    lessons: Callable[[], Lessons] = Lessons,
    num_steps: int | None = None,
    taught: Sequence[Example] | None = None,
    verified: Sequence[Example] | None = None,
) -> dict[str, Any]:
    """Trains a student from the weights in `start`; writes `folder/checkpoint` (float16), TensorBoard's curves into `folder/events` and,
    for LoRA, `folder/adapter`.

    `divergence` names a loss of `distill/losses`, or None for cross-entropy alone. An interrupted call goes on from its last checkpoint.
    The processes of a `team` call this together, and the first of them writes. `section` has one learning rate.

    `lessons` makes what says how packs are taught (modes), and `num_steps` stands in place of the section's epochs. `taught` examples are
    taught in place of `examples`, which still make and watch the student, so that it starts and is judged as one that is taught them.
    `verified` are the answers whose held-out part `held_out_cross_entropy` is measured on, where `examples` are others.
    """
    team = team or Team()
    torch.manual_seed(seed)
    lora = student.method == "lora"
    model = make_student(start, student, examples, seed, _frozen_dtype(section))
    trainer = Trainer(
        model,
        examples,
        section,
        seed=seed,
        divergence=named_divergence(divergence, section.temperature, section.loss_settings) if divergence else None,
        weight=section.weight,
        first_layer=min(student.first_layer, len(model.base_model.layers) - 1) if lora else 0,
        team=team,
        taught=taught,
        lessons=lessons(),
        num_steps=num_steps,
    )
    trainer.run(folder / PARTIAL, progress, events=folder / EVENTS)
    held_out_cross_entropy = trainer.held_out_cross_entropy(verified)
    if team.first:
        _save(model, start, folder, student)
    return {
        "learning_rate": trainer.peak,
        "held_out_cross_entropy": held_out_cross_entropy,
        "num_steps": trainer.step,
        "best_step": trainer.early_stop.step,
        "num_tokens": trainer.num_tokens,
        "num_answer_tokens": trainer.num_answer_tokens,
        "num_examples": len(trainer.examples),
        "num_parameters": sum(p.numel() for name, p in model.named_parameters() if "lora_" not in name),
        "num_trained_parameters": sum(p.numel() for p in trainer.parameters),
        "sizes": sizes(model.config),
        "loss_curve": trainer.loss_curve,
        "held_out_curve": trainer.held_out_curve,
        **trainer.lessons.summary(),
    }


def _frozen_dtype(section: DistillSection) -> torch.dtype:
    return best_dtype("cpu") if section.precision == "auto" else getattr(torch, section.precision)


def _save(model: Any, start: Path, folder: Path, student: StudentSection) -> None:
    with storage_errors(folder):
        if student.method == "lora":
            save_adapter(model, folder / "adapter", rank=student.rank, alpha=student.alpha, base=start.name)
            added = deltas(model)
            model = open_weights(start, torch.float32)
            weights = model.state_dict()
            with torch.no_grad():
                for name, delta in added.items():
                    weights[name] += delta
        model.to(torch.float16).save_pretrained(folder / CHECKPOINT)
        AutoTokenizer.from_pretrained(start, local_files_only=True).save_pretrained(folder / CHECKPOINT)
