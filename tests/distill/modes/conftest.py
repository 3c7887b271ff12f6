"""A live teacher that is a real model, what it reads, and what its student is asked."""

from pathlib import Path

import pytest
import torch

from seodang.distill.modes.live import LiveTeacher
from seodang.distill.packing import Example
from seodang.models.local import LocalModel

END = 2


@pytest.fixture(scope="session")
def teacher(tiny_model_dir: Path) -> LocalModel:
    """A teacher that is surer than a random model: its weights, scaled."""
    model = LocalModel(tiny_model_dir, dtype="float32", synthetic=True)
    draw = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in model.model.parameters():
            if parameter.dim() == 2:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=draw))
    return model


@pytest.fixture(scope="session")
def prompts(examples: list[Example]) -> dict[str, tuple[int, ...]]:
    """What the teacher reads: the question behind a passage of its own."""
    draw = torch.Generator().manual_seed(4)
    return {e.record: (*torch.randint(3, 390, (9,), generator=draw).tolist(), *e.prompt_ids) for e in examples}


@pytest.fixture
def live(teacher: LocalModel, prompts: dict[str, tuple[int, ...]]) -> LiveTeacher:
    return LiveTeacher(teacher, prompts)


@pytest.fixture(scope="session")
def asked(examples: list[Example]) -> list[Example]:
    """The examples without targets, with answers that end."""
    return [Example(e.record, e.prompt_ids, (*e.answer_ids, END)) for e in examples]
