"""A student before and after teaching: made from given weights, trained, and saved as an ordinary Hugging Face checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from seodang.core.files import storage_errors
from seodang.core.progress import Progress
from seodang.core.registry import find_function
from seodang.distill.packing import Example
from seodang.distill.section import DistillSection
from seodang.distill.students.family import sizes
from seodang.distill.students.lora import deltas, save_adapter
from seodang.distill.students.make import make_student, open_weights
from seodang.distill.students.section import StudentSection
from seodang.distill.train import Trainer

CHECKPOINT = "checkpoint"
PARTIAL = "partial"


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
) -> dict[str, Any]:
    """Trains a student from the weights in `start`; writes `folder/checkpoint` (float16) and, for LoRA, `folder/adapter`.

    `divergence` names a loss of `distill/losses`, or None for cross-entropy alone. An interrupted call goes on from its last checkpoint.
    """
    torch.manual_seed(seed)
    lora = student.method == "lora"
    model = make_student(start, student, examples, seed)
    trainer = Trainer(
        model,
        examples,
        section,
        seed=seed,
        divergence=find_function("seodang.distill.losses", divergence) if divergence else None,
        weight=section.weight,
        first_layer=min(student.first_layer, len(model.base_model.layers) - 1) if lora else 0,
    )
    trainer.run(folder / PARTIAL, progress)
    with storage_errors(folder):
        if lora:
            save_adapter(model, folder / "adapter", rank=student.rank, alpha=student.alpha, base=start.name)
            added = deltas(model)
            model = open_weights(start, torch.float32)
            weights = model.state_dict()
            with torch.no_grad():
                for name, delta in added.items():
                    weights[name] += delta
        model.to(torch.float16).save_pretrained(folder / CHECKPOINT)
        AutoTokenizer.from_pretrained(start, local_files_only=True).save_pretrained(folder / CHECKPOINT)
    return {
        "num_steps": trainer.step,
        "num_tokens": trainer.num_tokens,
        "num_answer_tokens": trainer.num_answer_tokens,
        "num_examples": len(trainer.examples),
        "num_parameters": sum(p.numel() for p in model.parameters()),
        "num_trained_parameters": sum(p.numel() for p in trainer.parameters),
        "sizes": sizes(model.config),
        "loss_curve": trainer.loss_curve,
        "held_out_curve": trainer.held_out_curve,
    }
