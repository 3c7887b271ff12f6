"""A student that strays from what its teacher writes learns the way back on its own answers alone, in the training loop itself."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from oracles.teaching import Table
from seodang.core.progress import Progress
from seodang.distill.losses import forward_kl
from seodang.distill.modes.live import LiveTeacher
from seodang.distill.modes.on_policy import OnPolicy
from seodang.distill.modes.rollouts import write
from seodang.distill.packing import Example
from seodang.distill.section import DistillSection
from seodang.distill.train import Trainer

FIRST, PLACES, TURNS = 3, 21, 15  # ids of places on a line begin here; tokens of a text
HOME = FIRST + PLACES // 2
SURE = 0.98  # the teacher's probability of its move
TEMPERATURE = 1.5  # at which the student answers, so that it slips


def move(place: int) -> int:
    """Where the teacher goes from a place: a step towards home, and from home to a neighbour and back."""
    return place + 1 if place <= HOME else place - 1


def steering() -> torch.Tensor:
    """Logits (last, next): nearly always its move, otherwise any place."""
    logits = torch.full((FIRST + PLACES, FIRST + PLACES), -12.0)
    logits[:, FIRST:] = torch.log(torch.tensor((1 - SURE) / PLACES))
    for last in range(FIRST + PLACES):
        logits[last, move(last) if last >= FIRST else HOME] = torch.log(torch.tensor(SURE))
    return logits


def student(seed: int) -> Any:
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {"vocab_size": FIRST + PLACES, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1}
    return LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=64))


def texts() -> list[Example]:
    """What the teacher writes from home and from the places around it, without a slip."""
    found: list[Example] = []
    for number, start in zip(range(48), itertools.cycle(range(HOME - 1, HOME + 2))):
        places = [start]
        for _ in range(TURNS):
            places.append(move(places[-1]))
        found.append(Example(f"r{number}", (1, places[0]), tuple(places[1:])))
    return found


def missed(share: float, seed: int, folder: Path) -> float:
    """How often a student does not do, in its own texts, what the teacher does from there: after 48 steps of 12 texts, its own or the
    teacher's."""
    taught = texts()
    section = DistillSection(
        mode="on_policy",
        on_policy_share=share,
        rollout_temperature=TEMPERATURE,
        rollout_tokens=TURNS,
        epochs=12,
        learning_rate=2e-2,
        pack_tokens=12 * (TURNS + 1) + 1,
        held_out=0,
        checkpoint_steps=1000,
    )
    teacher = LiveTeacher(Table(steering()), {example.record: example.prompt_ids for example in taught})
    lessons = OnPolicy(teacher, section, seed=seed, end=2, stop_ids=frozenset([2]))
    run = Trainer(student(seed), taught, section, seed=seed, divergence=forward_kl.divergence(), weight=1.0, first_layer=0, lessons=lessons)
    run.run(folder, Progress("train"))
    assert run.step == 48
    assert lessons.stopped_at is None
    options: dict[str, Any] = {"max_new_tokens": TURNS, "temperature": TEMPERATURE, "stop_ids": frozenset()}
    rows = write(run.model, [example.prompt_ids for example in taught], seed=7, num_samples=4, **options)
    taken = [pair for samples in rows for row in samples for pair in itertools.pairwise(row.token_ids)]
    return sum(place < FIRST or after != move(place) for place, after in taken) / len(taken)


@pytest.mark.parametrize("seed", range(2))
def test_a_student_that_slips_learns_more_from_its_own_answers(seed: int, tmp_path: Path) -> None:
    """The same teacher, divergence, weights and number of texts (arXiv 2306.13649).

    Over four seeds 17 to 18 % of its steps against 30 to 32 %; 17 % are slips of one who knows the teacher's moves.
    """
    own, given = missed(1.0, seed, tmp_path / "own"), missed(0.0, seed, tmp_path / "given")
    assert own < 0.75 * given
