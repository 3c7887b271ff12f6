"""A teacher and a student with tokenizers of their own: likelihoods of chunks are those of texts, and what the teacher knows arrives."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from seodang.distill.align.alm import alm
from seodang.distill.align.boundary import Boundary, boundary_logprobs, boundary_tokens, merge_chunks
from seodang.distill.align.chunks import Chunks, chunk_sums, find_chunks, join
from seodang.distill.align.spans import Spans, byte_spans, encode_spans
from seodang.distill.align.uld import uld
from seodang.distill.align.vocabulary import Vocabulary
from seodang.distill.losses.target import Dense

TEACHER, STUDENT = "byte_level", "gemma_like"
ANSWERS = ["call the agent", "check the bill", "turn the line on", "transfer 회선"]
KEYS = [f"case {letter}" for letter in "abcdefgh"]
SHARES = (0.8, 0.2)  # how often the teacher has seen the first and the second answer of a key


@dataclass(frozen=True)
class Side:
    """A model with its tokenizer, on all texts at once: `ids` (B, L), padded on the right, and the places of the answers' N tokens."""

    model: LlamaForCausalLM
    ids: torch.Tensor
    rows: torch.Tensor
    predicting: torch.Tensor
    labels: torch.Tensor

    def logits(self) -> torch.Tensor:
        """Of the answers' tokens, (N, V)."""
        return self.model(self.ids).logits[self.rows, self.predicting]

    def logprobs(self) -> torch.Tensor:
        return torch.log_softmax(self.logits(), -1).gather(1, self.labels[:, None])[:, 0]


def tiny(size: int, seed: int) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=size, hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def side(tokenizer: Any, texts: list[tuple[str, str]], seed: int) -> Side:
    """The model on prompts with answers, each answer with the token that ends it."""
    prompts = [tokenizer(prompt)["input_ids"] for prompt, _ in texts]
    answers = [[*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id] for _, answer in texts]
    length = max(len(prompt) + len(answer) for prompt, answer in zip(prompts, answers, strict=True))
    ids = torch.zeros(len(texts), length, dtype=torch.long)
    places: list[tuple[int, int]] = []
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        ids[row, : len(prompt) + len(answer)] = torch.tensor([*prompt, *answer])
        places += [(row, len(prompt) + place - 1) for place in range(len(answer))]
    rows, predicting = torch.tensor(places).T
    return Side(tiny(len(tokenizer), seed), ids, rows, predicting, ids[rows, predicting + 1])


def chunks_of(tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], answers: list[str]) -> Chunks:
    def spans(kind: str, answer: str) -> Spans:
        ids = [*tokenizers[kind](answer, add_special_tokens=False)["input_ids"], tokenizers[kind].eos_token_id]
        return byte_spans(vocabularies[kind], ids, answer)

    return join([find_chunks(spans(TEACHER, answer), spans(STUDENT, answer)) for answer in answers])


@pytest.mark.parametrize("text", ["The customer calls.", "회선이 🙂 정지되면\n\n", "  a  b"])
def test_chunk_likelihoods_multiply_to_that_of_the_sequence(
    tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], text: str
) -> None:
    """The chain rule, on both sides. What transformers' own loss says about the whole sequence is the oracle."""
    spans = [encode_spans(tokenizers[kind], vocabularies[kind], "x" + text) for kind in (TEACHER, STUDENT)]
    chunks = find_chunks(*spans)
    for seed, (kind, one, slices) in enumerate(zip((TEACHER, STUDENT), spans, (chunks.teacher, chunks.student), strict=True)):
        model = tiny(len(tokenizers[kind]), seed)
        ids = torch.tensor([one.ids])
        with torch.no_grad():
            logprobs = torch.log_softmax(model(ids).logits[0, :-1].double(), -1).gather(1, ids[0, 1:, None])[:, 0]
            expected = -model(ids, labels=ids).loss.item() * (len(one.ids) - 1)
        values = torch.cat([torch.zeros(1, dtype=torch.float64), logprobs])  # the first token is given
        assert chunk_sums(values, slices).sum().item() == pytest.approx(expected, rel=1e-5)
        merged = merge_chunks(chunks, torch.full((chunks.num_teacher,), -30.0))
        assert len(merged) == 1


@pytest.fixture(scope="module")
def lesson(tokenizers: dict[str, Any]) -> tuple[list[tuple[str, str]], Side]:
    """Every key with both of its answers, and a teacher that gives them at 0.8 and 0.2: each answer has a weight in its training."""
    texts = [(f"{key}: ", ANSWERS[(place + other) % len(ANSWERS)]) for place, key in enumerate(KEYS) for other in range(2)]
    teacher = side(tokenizers[TEACHER], texts, seed=0)
    weights = torch.tensor(SHARES).repeat(len(KEYS))[teacher.rows]
    train(teacher, lambda: -(weights * teacher.logprobs()).sum() / len(KEYS), 120)
    return texts, teacher


def train(learner: Side, loss: Any, steps: int) -> list[float]:
    """The loss at each step."""
    optimizer = torch.optim.AdamW(learner.model.parameters(), lr=4e-3, weight_decay=0.0)
    losses: list[float] = []
    for _ in range(steps):
        value = loss()
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(learner.model.parameters(), 1.0)
        optimizer.step()
        losses.append(value.item())
    return losses


def answer_probabilities(one: Side, num_texts: int) -> torch.Tensor:
    with torch.no_grad():
        return torch.zeros(num_texts).index_add(0, one.rows, one.logprobs()).exp()


@pytest.mark.parametrize("debiased", [False, True])
def test_a_student_with_another_tokenizer_learns_how_likely_the_teacher_finds_each_answer(
    tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], lesson: tuple[list[tuple[str, str]], Side], debiased: bool
) -> None:
    """Both answers of a key are shown equally often; that the teacher gives them at 0.8 and 0.2 is in the likelihoods alone."""
    texts, teacher = lesson
    known = answer_probabilities(teacher, len(texts))
    assert (known - torch.tensor(SHARES).repeat(len(KEYS))).abs().max() < 0.1
    student = side(tokenizers[STUDENT], texts, seed=1)
    chunks = chunks_of(tokenizers, vocabularies, [answer for _, answer in texts])
    boundary = None
    with torch.no_grad():
        logprobs = teacher.logprobs()
        if debiased:
            begins = boundary_logprobs(teacher.logits(), boundary_tokens(vocabularies[TEACHER], len(tokenizers[TEACHER])))
            boundary = Boundary(begins, boundary_tokens(vocabularies[STUDENT], len(tokenizers[STUDENT])))
            fine, chunks = chunks, merge_chunks(chunks, begins)
            assert len(texts) < len(chunks) < len(fine)
    untaught = answer_probabilities(student, len(texts))
    losses = train(student, lambda: alm(student.logits(), student.labels, logprobs, chunks, boundary=boundary), 150)
    taught = answer_probabilities(student, len(texts))
    assert losses[-1] < 0.05 * losses[0]
    assert untaught.max() < 0.01
    assert (taught - known).abs().max() < 0.1


def test_texts_alone_do_not_teach_how_likely_the_teacher_finds_them(
    tokenizers: dict[str, Any], lesson: tuple[list[tuple[str, str]], Side]
) -> None:
    """The control of the test above: the same student, texts and steps, with cross-entropy."""
    texts, _ = lesson
    student = side(tokenizers[STUDENT], texts, seed=1)
    train(student, lambda: -student.logprobs().mean(), 150)
    assert (answer_probabilities(student, len(texts)) - 0.5).abs().max() < 0.1


def test_the_baseline_brings_sorted_probabilities_together(
    tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], lesson: tuple[list[tuple[str, str]], Side]
) -> None:
    texts, teacher = lesson
    student = side(tokenizers[STUDENT], texts, seed=1)
    chunks = chunks_of(tokenizers, vocabularies, [answer for _, answer in texts])
    with torch.no_grad():
        target = Dense(teacher.logits())
    losses = train(student, lambda: uld(student.logits(), target, chunks), 60)
    assert losses[-1] < 0.5 * losses[0]
