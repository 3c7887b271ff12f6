"""A fresh student: a model of the same family in other sizes, with random weights."""

from typing import Any

import torch

from seodang.core.errors import ModelError
from seodang.distill.students.family import chosen_entries, resized, sizes
from seodang.distill.students.section import StudentSection


def fresh(model_config: Any, student: StudentSection, seed: int) -> Any:
    """A float32 model of the configuration's class in the student's sizes; equal seeds give equal weights.

    Where heads are as wide as the hidden size over their number, they stay so; otherwise (multi-head latent attention, and families
    that choose it) they keep their width. Heads per key-value group stay as they are where `num_kv_heads` is not given.
    """
    from transformers import AutoModelForCausalLM

    config = resized(model_config, _changes(model_config, student))
    made = sizes(config)
    for name in made:
        if (wanted := getattr(student, name)) not in (None, made[name]):
            raise ModelError(
                f"a {config.model_type} model keeps its own `{name}`: {made[name]} instead of {wanted}",
                hint=f"leave out `student.{name}`, or name another `student_model`",
            )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoModelForCausalLM.from_config(config, dtype=torch.float32)


def _changes(config: Any, student: StudentSection) -> dict[str, Any]:
    heads, hidden = student.num_heads or config.num_attention_heads, student.hidden_size or config.hidden_size
    groups = student.num_kv_heads or max(1, heads * config.num_key_value_heads // config.num_attention_heads)
    num_layers = student.num_layers or config.num_hidden_layers
    if heads % groups:
        raise ModelError(
            f"{heads} heads cannot share {groups} heads of keys and values evenly",
            hint="give `student.num_heads` as a multiple of `student.num_kv_heads`",
        )
    changes: dict[str, Any] = {
        "hidden_size": hidden,
        "num_hidden_layers": num_layers,
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
    }
    if student.intermediate_size is not None:
        changes["intermediate_size"] = student.intermediate_size
    if getattr(config, "head_dim", None) == config.hidden_size // config.num_attention_heads:
        if hidden % heads or hidden // heads % 2:
            raise ModelError(
                f"a hidden size of {hidden} does not divide into {heads} heads of an even width",
                hint="choose `student.hidden_size` as an even multiple of `student.num_heads`",
            )
        changes["head_dim"] = hidden // heads
    last = config.num_hidden_layers - 1
    return changes | chosen_entries(config, [min(place, last) for place in range(num_layers)])
