"""A teacher whose truth is known, and trainers that start from equal weights."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from seodang.distill.losses import forward_kl
from seodang.distill.modes.lessons import Lessons
from seodang.distill.objective import Taught
from seodang.distill.packing import Example
from seodang.distill.section import DistillSection
from seodang.distill.students.lora import add_lora
from seodang.distill.train import Trainer
from seodang.models.chat_model import Completion, Message, Sampling

FORWARD = forward_kl.divergence()
SETTINGS: dict[str, Any] = {"epochs": 1.5, "learning_rate": 1e-2, "pack_tokens": 64, "checkpoint_steps": 2, "held_out": 0.1}


class Table:
    """A teacher whose next token hangs on the last one alone: logits (last, next). It has no weights, and it counts what it is asked."""

    name, synthetic = "table", True

    def __init__(self, logits_VV: torch.Tensor) -> None:
        self.logits_VV, self.num_asked = logits_VV, 0

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "table"}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        raise NotImplementedError

    def states(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]) -> Iterator[tuple[int, torch.Tensor]]:
        for place in reversed(range(len(prompts))):  # in any order, it says
            self.num_asked += 1
            before = [prompts[place][-1], *continuations[place][:-1]]
            yield place, torch.nn.functional.one_hot(torch.tensor(before), len(self.logits_VV)).float()

    def distribution(self, states_TH: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(states_TH @ self.logits_VV, -1)

    def plain_head(self) -> torch.Tensor:
        return self.logits_VV.T.contiguous()


def section(**settings: Any) -> DistillSection:
    return DistillSection.model_validate({**SETTINGS, **settings})


def trainer(
    folder: Path,
    examples: Sequence[Example],
    lessons: Lessons | None,
    *,
    first_layer: int | None = None,
    divergence: Taught = FORWARD,
    weight: float = 0.6,
    settings: DistillSection | None = None,
    change: Callable[[Any], None] | None = None,
) -> Trainer:
    """With all weights, or with adapters from `first_layer` on; `change` changes the model before."""
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    if change is not None:
        change(model)
    if first_layer is not None:
        add_lora(model, 4, 8.0, first_layer)
    given = settings or section()
    return Trainer(model, examples, given, seed=5, divergence=divergence, weight=weight, first_layer=first_layer or 0, lessons=lessons)
