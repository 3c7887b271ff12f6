"""A student before and after teaching: made from given weights, trained, and saved as an ordinary Hugging Face checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from seodang.core.files import storage_errors
from seodang.core.progress import Progress
from seodang.distill.lora import add_lora, deltas, save_adapter
from seodang.distill.objective import named_divergence
from seodang.distill.packing import Example
from seodang.distill.parallel import Team
from seodang.distill.prune import prune_depth
from seodang.distill.section import DistillSection
from seodang.distill.student import StudentSection
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
) -> dict[str, Any]:
    """Trains a student from the weights in `start`; writes `folder/checkpoint` (float16), TensorBoard's curves into `folder/events` and,
    for LoRA, `folder/adapter`.

    `divergence` names a loss of `distill/losses`, or None for cross-entropy alone. An interrupted call goes on from its last checkpoint.
    The processes of a `team` call this together, and the first of them writes.
    """
    team = team or Team()
    torch.manual_seed(seed)
    lora = student.method == "lora"
    # Frozen weights may be coarse; weights that are trained stay float32.
    dtype = _frozen_dtype(section) if lora else torch.float32
    model: Any = AutoModelForCausalLM.from_pretrained(start, dtype=dtype, local_files_only=True, use_safetensors=True)
    first_layer = 0
    if lora:
        first_layer = min(student.first_layer, len(model.base_model.layers) - 1)
        add_lora(model, student.rank, student.alpha, first_layer)
    else:
        prune_depth(model, examples, student.keep_layers)
    trainer = Trainer(
        model,
        examples,
        section,
        seed=seed,
        divergence=named_divergence(divergence, section.temperature, section.loss_settings) if divergence else None,
        weight=section.weight,
        first_layer=first_layer,
        team=team,
    )
    trainer.run(folder / PARTIAL, progress, events=folder / EVENTS)
    if team.first:
        _save(model, start, folder, student)
    return {
        "num_steps": trainer.step,
        "best_step": trainer.early_stop.step,
        "num_tokens": trainer.num_tokens,
        "num_answer_tokens": trainer.num_answer_tokens,
        "num_examples": len(trainer.examples),
        "num_parameters": sum(p.numel() for name, p in model.named_parameters() if "lora_" not in name),
        "num_trained_parameters": sum(p.numel() for p in trainer.parameters),
        "loss_curve": trainer.loss_curve,
        "held_out_curve": trainer.held_out_curve,
    }


def _frozen_dtype(section: DistillSection) -> torch.dtype:
    return best_dtype("cpu") if section.precision == "auto" else getattr(torch, section.precision)


def _save(model: Any, start: Path, folder: Path, student: StudentSection) -> None:
    with storage_errors(folder):
        if student.method == "lora":
            save_adapter(model, folder / "adapter", rank=student.rank, alpha=student.alpha, base=start.name)
            added = deltas(model)
            model = AutoModelForCausalLM.from_pretrained(start, dtype=torch.float32, local_files_only=True, use_safetensors=True)
            weights = model.state_dict()
            with torch.no_grad():
                for name, delta in added.items():
                    weights[name] += delta
        model.to(torch.float16).save_pretrained(folder / CHECKPOINT)
        AutoTokenizer.from_pretrained(start, local_files_only=True).save_pretrained(folder / CHECKPOINT)
