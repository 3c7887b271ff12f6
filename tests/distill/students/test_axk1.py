"""A synthetic model of A.X K1's shape (latent attention, routed experts) teaches a small llama, and is taught itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seodang.core.progress import Progress
from seodang.distill.losses.target import Sparse
from seodang.distill.packing import Example
from seodang.distill.raise_student import raise_student
from seodang.distill.section import DistillSection
from seodang.distill.students.section import StudentSection
from seodang.models.chat_model import Message
from seodang.models.local import LocalModel

QUESTIONS = [
    "Is the line active?",
    "The phone has no signal.",
    "Turn mobile data on.",
    "요금을 확인합니다.",
    "What next?",
    "Check the bill.",
]
ANSWERS = ["Turn it off.", "Run the speed test again.", "It is active.", "Yes.", "transfer", "확인합니다."]
TOP_K = 8


@pytest.fixture(scope="module")
def taught(tiny_axk1_dir: Path) -> list[Example]:
    """Examples with the targets of the synthetic teacher, captured as a run captures them."""
    teacher = LocalModel(tiny_axk1_dir, dtype="float32", synthetic=True)
    prompts = [teacher.encode_chat([Message("user", question)]) for question in QUESTIONS]
    answers = [teacher.encode_answer(answer) for answer in ANSWERS]
    scored = teacher.score(prompts, answers, TOP_K)
    found: list[Example] = []
    for row, (prompt, answer, t) in enumerate(zip(prompts, answers, scored, strict=True)):
        offsets = torch.arange(0, TOP_K * len(answer) + 1, TOP_K)
        target = Sparse(torch.tensor(t.top_ids).flatten(), torch.tensor(t.top_logprobs).flatten(), offsets)
        found.append(Example(f"a{row}", tuple(prompt), tuple(answer), target))
    return found


@torch.no_grad()
def logprobs(model: Any, example: Example) -> torch.Tensor:
    """The model's own natural-log probabilities (T, V) at an answer's tokens, one plain row."""
    ids = torch.tensor([[*example.prompt_ids, *example.answer_ids]])
    return torch.log_softmax(model(ids).logits[0, len(example.prompt_ids) - 1 : -1].float(), -1)


def test_its_targets_are_those_of_plain_rows(tiny_axk1_dir: Path, taught: list[Example], opened: Callable[[Path], Any]) -> None:
    model = opened(tiny_axk1_dir)
    for example in taught:
        best = logprobs(model, example).topk(TOP_K, -1)
        assert isinstance(example.target, Sparse)
        torch.testing.assert_close(example.target.logprobs, best.values.flatten(), atol=2e-5, rtol=1e-4)
        assert torch.equal(example.target.ids, best.indices.flatten())


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("llama", {"method": "full"}),
        ("llama", {"method": "fresh", "num_layers": 1, "hidden_size": 32}),
        ("axk1", {"method": "full"}),
        ("axk1", {"method": "lora", "rank": 8, "alpha": 16, "first_layer": 1}),
        ("axk1", {"method": "fresh", "num_layers": 2, "hidden_size": 32}),
    ],
    ids=["llama full", "llama fresh", "axk1 full", "axk1 lora", "axk1 fresh"],
)
def test_students_of_a_synthetic_ax_k1_come_nearer_to_it(
    tiny_model_dir: Path,
    tiny_axk1_dir: Path,
    taught: list[Example],
    tmp_path: Path,
    opened: Callable[[Path], Any],
    kind: str,
    values: dict[str, Any],
) -> None:
    start = tiny_model_dir if kind == "llama" else tiny_axk1_dir
    section = DistillSection(epochs=12, learning_rate=5e-3, pack_tokens=128, checkpoint_steps=100, held_out=0, weight=0.5)
    student = StudentSection.model_validate(values)
    with Progress("train") as progress:
        summary = raise_student(start, tmp_path, taught, student, section, divergence="forward_kl", seed=0, progress=progress)
    losses = [loss for _, loss in summary["loss_curve"]]
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])
    model = opened(tmp_path / "checkpoint")
    assert type(model).__name__ == ("LlamaForCausalLM" if kind == "llama" else "AXK1ForCausalLM")

    def said(folder_model: Any) -> float:
        answers = [torch.tensor(example.answer_ids)[:, None] for example in taught]
        rows = [logprobs(folder_model, example).gather(1, answer) for example, answer in zip(taught, answers, strict=True)]
        return torch.cat(rows).mean().item()

    assert said(model) > said(opened(start)) + 0.2
    ours = LocalModel(tmp_path / "checkpoint", dtype="float32", synthetic=True)
    again = ours.score([list(taught[0].prompt_ids)], [list(taught[0].answer_ids)], TOP_K)[0]
    torch.testing.assert_close(torch.tensor(again.top_logprobs), logprobs(model, taught[0]).topk(TOP_K, -1).values, atol=2e-4, rtol=1e-3)
