"""A student before and after teaching: made from given weights, trained, and saved as an ordinary Hugging Face checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from seodang.core.files import storage_errors
from seodang.core.progress import Progress
from seodang.core.registry import find_function
from seodang.distill.lora import add_lora, deltas, save_adapter
from seodang.distill.packing import Example
from seodang.distill.prune import prune_depth
from seodang.distill.section import DistillSection
from seodang.distill.student import StudentSection
from seodang.distill.train import Trainer
from seodang.models.precision import best_dtype

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
    # Frozen weights may be coarse; weights that are trained stay float32.
    dtype = best_dtype("cpu") if lora else torch.float32
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
        divergence=find_function("seodang.distill.losses", divergence) if divergence else None,
        weight=section.weight,
        first_layer=first_layer,
    )
    trainer.run(folder / PARTIAL, progress)
    with storage_errors(folder):
        if lora:
            save_adapter(model, folder / "adapter", rank=student.rank, alpha=student.alpha, base=start.name)
            added = deltas(model)
            model = AutoModelForCausalLM.from_pretrained(start, dtype=torch.float32, local_files_only=True, use_safetensors=True)
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
        "loss_curve": trainer.loss_curve,
        "held_out_curve": trainer.held_out_curve,
    }
