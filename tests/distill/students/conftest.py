"""Models for the tests of students: one of six blocks, of which two do almost nothing, and one that has learned something."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from seodang.distill.packing import Example

IDS = torch.tensor([[5, 6, 7, 300, 12, 13, 90]])
NUM_STATES = 60


@pytest.fixture(scope="session")
def opened() -> Callable[[Path], Any]:
    """Opens a folder as anyone would."""
    return lambda folder: AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.fixture(scope="session")
def logits() -> Callable[..., torch.Tensor]:
    """A model's logits for a few ids, which every tiny model knows."""

    @torch.no_grad()
    def compute(model: Any, ids: torch.Tensor = IDS) -> torch.Tensor:
        return model.eval()(ids).logits

    return compute


@pytest.fixture(scope="session")
def deep_dir(tiny_tokenizer_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random llama of six blocks, whose third and fifth do almost nothing."""
    sizes: dict[str, Any] = {"vocab_size": 400, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 6}
    config = LlamaConfig(**sizes, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256, initializer_range=0.2)
    torch.manual_seed(1)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for index in (2, 4):
            for values in model.model.layers[index].parameters():
                values.mul_(0.01)
    folder = tmp_path_factory.mktemp("deep")
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_tokenizer_dir).save_pretrained(folder)
    return folder


def chain(num_sequences: int, length: int, seed: int) -> torch.Tensor:
    """Sequences (num_sequences, length) of a second-order Markov chain: the two ids before leave three likely ones."""
    draw = torch.Generator().manual_seed(7)
    table_SSK = torch.randint(3, 3 + NUM_STATES, (NUM_STATES // 6, NUM_STATES, 3), generator=draw)
    draw.manual_seed(seed)
    ids = torch.randint(3, 3 + NUM_STATES, (num_sequences, length), generator=draw)
    for place in range(2, length):
        choice = torch.multinomial(torch.tensor([0.7, 0.2, 0.1]).expand(num_sequences, -1), 1, generator=draw)[:, 0]
        ids[:, place] = table_SSK[(ids[:, place - 2] - 3) % len(table_SSK), ids[:, place - 1] - 3, choice]
    return ids


@pytest.fixture(scope="session")
def learned() -> Any:
    """A small llama (3 blocks, hidden 64, 8 heads in 4 groups, 192 neurons, untied) after a few seconds of training on the chain."""
    sizes: dict[str, Any] = {"vocab_size": 400, "hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 3}
    torch.manual_seed(0)
    model: Any = LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=8, num_key_value_heads=4, max_position_embeddings=64))
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    loss = torch.tensor(float("inf"))
    for step in range(160):
        ids = chain(48, 20, 100 + step)
        values = model(ids).logits[:, :-1].flatten(0, 1)
        loss = F.cross_entropy(values, ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 2.5, "a guess among the chain's ids costs 4.1 nats"
    return model.eval()


@pytest.fixture(scope="session")
def chained() -> list[Example]:
    """600 examples of the chain, of different lengths."""
    return [Example(f"c{row}", tuple(ids[:8]), tuple(ids[8 : 10 + row % 8])) for row, ids in enumerate(chain(600, 20, 3).tolist())]


@pytest.fixture(scope="session")
def distance(learned: Any) -> Callable[[Any], float]:
    """The mean KL (nats) from the learned model to another one, on sequences of the chain that neither has seen."""
    ids = chain(64, 20, 4)
    with torch.no_grad():
        teacher = torch.log_softmax(learned(ids).logits, -1)

    @torch.no_grad()
    def compute(model: Any) -> float:
        student = torch.log_softmax(model.eval()(ids).logits, -1)
        return (teacher.exp() * (teacher - student)).sum(-1).mean().item()

    return compute
