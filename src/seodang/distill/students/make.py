"""Makes the student that a recipe asks for, ready to be trained."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

from seodang.core.errors import ModelError
from seodang.distill.packing import Example
from seodang.distill.students.family import blocks, chosen_entries, resized, sizes
from seodang.distill.students.fresh import fresh
from seodang.distill.students.lora import add_lora
from seodang.distill.students.prune_depth import prune_depth
from seodang.distill.students.prune_width import prune_width
from seodang.distill.students.section import StudentSection
from seodang.models.precision import best_dtype

_WIDTHS = ("intermediate_size", "num_kv_heads", "hidden_size")


def make_student(start: Path, student: StudentSection, examples: Sequence[Example], seed: int, frozen: torch.dtype | None = None) -> Any:
    """The model before teaching. Equal weights, examples, settings and seed give an equal one.

    Weights that are trained are float32; those under adapters `frozen`, or as coarse as the processor is fast at.
    ModelError for sizes that the architecture cannot have, or has no room for.
    """
    if student.method == "fresh":
        model = fresh(AutoConfig.from_pretrained(start, local_files_only=True), student, seed)
        if (start / "generation_config.json").is_file():
            model.generation_config = GenerationConfig.from_pretrained(start, local_files_only=True)
        return model
    dtype = (frozen or best_dtype("cpu")) if student.method == "lora" else torch.float32
    model: Any = open_weights(start, dtype)
    if student.method == "lora":
        add_lora(model, student.rank, student.alpha, min(student.first_layer, len(blocks(model)) - 1))
        return model
    if student.method.endswith("prune"):
        _refuse_sizes(model.config, student)
        widths = {name: getattr(student, name) for name in _WIDTHS}
        if any(widths.values()):
            model = prune_width(model, examples, student.num_samples, **widths)
        if student.num_layers is not None:
            prune_depth(model, examples, student.num_layers, student.num_samples)
    return model


def open_weights(folder: Path, dtype: torch.dtype) -> Any:
    """The causal language model in a folder of safetensors."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True, use_safetensors=True)


def _refuse_sizes(config: Any, student: StudentSection) -> None:
    """ModelError before anything is measured: for a size that would grow, and for sizes that the configuration's class refuses."""
    has = sizes(config)
    for name in (*_WIDTHS, "num_layers"):
        wanted = getattr(student, name)
        if wanted is not None and wanted > has.get(name, 0):
            raise ModelError(
                f"pruning cannot make `{name}` {wanted}: the model has {has.get(name, 'none')}",
                hint=f"lower `student.{name}`, or leave it out",
            )
    changes: dict[str, Any] = {}
    if student.intermediate_size is not None:
        changes["intermediate_size"] = student.intermediate_size
    if student.num_kv_heads is not None:
        each = config.num_attention_heads // config.num_key_value_heads
        changes |= {"num_key_value_heads": student.num_kv_heads, "num_attention_heads": each * student.num_kv_heads}
    if student.hidden_size is not None:
        changes["hidden_size"] = student.hidden_size
    if student.num_layers is not None:
        kept = max(student.num_layers, min(2, config.num_hidden_layers))
        changes |= {"num_hidden_layers": kept} | chosen_entries(config, list(range(kept)))
    resized(config, changes)
