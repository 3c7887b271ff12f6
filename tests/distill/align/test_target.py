"""What is taught across tokenizers reaches training: joined over a pack, mixed with cross-entropy, and exact against float64 autograd."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from kills import KilledError, StopsAt
from seodang.core.progress import Progress
from seodang.distill.align.alm import alm, coin_divergence
from seodang.distill.align.boundary import Boundary, boundary_logprobs, boundary_tokens, merge_chunks
from seodang.distill.align.chunks import Chunks
from seodang.distill.align.target import Across, Aligner, Likelihoods, chosen_chunks, join_across, join_taught
from seodang.distill.align.vocabulary import Vocabulary
from seodang.distill.losses.target import Dense, Hidden, Sparse, Target
from seodang.distill.objective import Objective, named_divergence
from seodang.distill.packing import Example, build_pack, common_prefix
from seodang.distill.train import Trainer
from seodang.distill.train_section import TrainSection

TEACHER, STUDENT = "byte_level", "gemma_like"
ANSWERS = ["call the agent", "check the bill", "전화를 받을 수 없으면 🙂", "for index in range(10):\n    print(index)", "ok"]
WIDER = 5  # rows that the student's model has beyond its tokenizer


def tiny(size: int, seed: int = 0) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=size, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def divergence_of(loss: str, temperature: float, options: dict[str, float]) -> Any:
    """One loss that is given what belongs to another one is among what is tested."""
    return named_divergence(loss, temperature, options)


def ids_of(tokenizer: Any, text: str) -> tuple[int, ...]:
    return (*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id)


def kept_of(vocabulary: Vocabulary, ids: Sequence[int], seed: int, kind: str) -> Likelihoods | Dense | Hidden:
    """What a random teacher gives the tokens of an answer."""
    draw = torch.Generator().manual_seed(seed)
    hidden, head = (
        torch.randn(len(ids), 8, generator=draw),
        torch.randn(len(vocabulary.pieces), 8, generator=torch.Generator().manual_seed(9)),
    )
    if kind == "hidden":
        return Hidden(hidden, head)
    logits = (hidden @ head.T).index_put((torch.arange(len(ids)), torch.tensor(ids)), torch.tensor(12.0), accumulate=True)
    if kind == "dense":
        return Dense(logits)
    own = torch.log_softmax(logits, -1)[torch.arange(len(ids)), torch.tensor(ids)]
    return Likelihoods(own, boundary_logprobs(logits, boundary_tokens(vocabulary)))


def lessons(tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], kind: str, answers: Sequence[str] = ANSWERS) -> list[Example]:
    """Examples in the student's tokens, which begin with the token that begins its texts and the teacher's do not have."""
    aligner = Aligner(tokenizers[TEACHER], tokenizers[STUDENT])
    found: list[Example] = []
    for number, answer in enumerate(answers):
        teacher_ids, student_ids = ids_of(tokenizers[TEACHER], answer), ids_of(tokenizers[STUDENT], answer)
        kept = kept_of(vocabularies[TEACHER], teacher_ids, number % len(ANSWERS), kind)
        target = aligner.align((answer, answer), (teacher_ids, student_ids), kept)
        prompt = tuple(tokenizers[STUDENT](f"Question: number {number}?")["input_ids"])
        assert prompt[0] == tokenizers[STUDENT].bos_token_id
        found.append(Example(f"r{number}", prompt, student_ids, target, weight=0.8 if number == 1 else None))
    assert aligner.num_unaligned == 0
    return found


def logits_alone(model: Any, example: Example) -> torch.Tensor:
    """An example's rows by a plain pass over it alone."""
    ids = torch.tensor([[*example.prompt_ids, *example.answer_ids]])
    return model(ids).logits[0, len(example.prompt_ids) - 1 : -1]


def plain_alm(logits: torch.Tensor, target: Across, tau: float, threshold: float) -> torch.Tensor:
    """The sum over an answer's chunks, chunk by chunk, with torch's log_softmax and its divergence of heads and tails."""
    teacher = target.teacher
    assert isinstance(teacher, Likelihoods)
    chunks = merge_chunks(target.chunks, teacher.boundary, threshold) if threshold else target.chunks
    logprobs, total = torch.log_softmax(logits, -1), logits.new_zeros(())
    begins = F.pad(target.begins, (0, WIDER))
    for place, ((start, stop), (first, last)) in enumerate(zip(chunks.teacher.tolist(), chunks.student.tolist(), strict=True)):
        log_p = teacher.logprobs[start:stop].double().sum()
        log_q = logprobs[torch.arange(first, last), target.ids[first:last]].sum()
        if threshold and chunks.followed[place]:
            log_p, log_q = log_p + teacher.boundary[stop].double(), log_q + logprobs[last].exp()[begins].sum().log()
        p, q = (torch.stack([x / tau, torch.log(-torch.expm1(x / tau))]) for x in (log_p, log_q))
        total = total + tau * F.kl_div(q, p, reduction="sum", log_target=True)
    return total


def plain_uld(logits: torch.Tensor, target: Across) -> torch.Tensor:
    teacher = target.teacher
    assert isinstance(teacher, Dense | Hidden)
    rows = teacher.logits if isinstance(teacher, Dense) else teacher.hidden @ teacher.head.T
    p, q = (torch.softmax(x.double(), -1).sort(-1, descending=True).values for x in (rows, logits))
    width = max(p.shape[1], q.shape[1])
    p, q = (F.pad(x, (0, width - x.shape[1])) for x in (p, q))
    starts = zip(target.chunks.teacher[:, 0].tolist(), target.chunks.student[:, 0].tolist(), strict=True)
    return sum(((p[start] - q[first]).abs().sum() for start, first in starts), logits.new_zeros(()))


@pytest.mark.parametrize(
    ("loss", "kind", "options"),
    [
        ("alm", "likelihoods", {}),
        ("alm", "likelihoods", {"tau": 3.0, "threshold": 0.0}),
        ("alm", "likelihoods", {"threshold": 0.9}),
        ("uld", "dense", {}),
        ("uld", "hidden", {}),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_a_packs_loss_and_the_gradients_of_all_weights_are_those_of_float64_autograd(
    tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], loss: str, kind: str, options: dict[str, float], dtype: torch.dtype
) -> None:
    """The oracle reads each answer alone with the model's own logits and adds up what torch's functions give, one chunk at a time."""
    examples = lessons(tokenizers, vocabularies, kind)
    model: Any = tiny(len(tokenizers[STUDENT]) + WIDER)
    model = model.to(dtype)
    exact = copy.deepcopy(model).double()
    num_tokens = sum(len(example.answer_ids) for example in examples) + 7.0  # a step of more packs than this one
    expected = torch.zeros((), dtype=torch.float64)
    for example in examples:
        logits, target, weight = logits_alone(exact, example), example.target, 0.3 if example.weight is None else example.weight
        assert isinstance(target, Across)
        value = (
            plain_alm(logits, target, options.get("tau", 100.0), options.get("threshold", 0.1))
            if loss == "alm"
            else plain_uld(logits, target)
        )
        written = F.cross_entropy(logits, torch.tensor(example.answer_ids), reduction="sum")
        expected = expected + (weight * value + (1 - weight) * written) / num_tokens
    expected.backward()
    objective = Objective(model, divergence_of(loss, 1.0, options), 0.3)
    found = objective(build_pack(examples, common_prefix(examples)), examples, num_tokens)["loss"]
    found.backward()
    tolerance = 1e-9 if dtype == torch.float64 else 1e-4
    assert found.item() == pytest.approx(expected.item(), rel=tolerance)
    size = max(p.grad.abs().max().item() for p in exact.parameters() if p.grad is not None)
    for (name, parameter), oracle in zip(model.named_parameters(), exact.parameters(), strict=True):
        assert parameter.grad is not None, name
        assert oracle.grad is not None, name
        torch.testing.assert_close(parameter.grad.double(), oracle.grad, rtol=10 * tolerance, atol=tolerance * size)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_with_one_tokenizer_and_tau_1_it_is_the_divergence_of_each_tokens_coin(seed: int, length: int) -> None:
    """Heads for the written token. The oracle is torch's divergence of two outcomes."""
    draw = torch.Generator().manual_seed(seed)
    logits, ids = torch.randn(length, 11, generator=draw) * 3, torch.randint(11, (length,), generator=draw)
    teacher = -torch.rand(length, generator=draw) * 6 - 0.01
    slices = torch.stack([torch.arange(length), torch.arange(1, length + 1)], -1)
    target = across(slices, slices, Likelihoods(teacher, torch.zeros(length)), ids)
    found = divergence_of("alm", 1.0, {"tau": 1.0, "threshold": 0.0}).on_logits(logits, target, torch.ones(length).bool(), 2.5)
    own = torch.log_softmax(logits.double(), -1)[torch.arange(length), ids]
    p, q = (torch.stack([x, torch.log(-torch.expm1(x))], -1) for x in (teacher.double(), own))
    assert found.item() == pytest.approx(F.kl_div(q, p, reduction="sum", log_target=True).item() / 2.5, rel=1e-5)
    assert found.item() == pytest.approx(coin_divergence(-teacher.double(), -own, 1.0).sum().item() / 2.5, rel=1e-5)


def across(teacher: torch.Tensor, student: torch.Tensor, kept: Likelihoods | Dense | Hidden, ids: torch.Tensor) -> Across:
    followed = torch.arange(len(teacher)) < len(teacher) - 1
    chunks = Chunks(teacher, student, followed, int(teacher[-1, 1]), int(student[-1, 1]))
    return Across(kept, chunks, ids, torch.arange(11) % 3 == 0)


def test_answers_in_one_pack_are_worth_what_they_are_worth_alone(tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary]) -> None:
    """Shares over the whole step: the sum over single answers, each divided by the step's tokens, is the pack's."""
    targets = [example.target for example in lessons(tokenizers, vocabularies, "likelihoods")]
    parts = [target for target in targets if isinstance(target, Across)]
    joined = join_across(parts)
    draw, divergence = torch.Generator().manual_seed(1), divergence_of("alm", 1.0, {})
    logits = [torch.randn(len(part.ids), len(tokenizers[STUDENT]), generator=draw) for part in parts]
    whole = divergence.on_logits(torch.cat(logits), joined, torch.ones(len(joined.ids)).bool(), None)
    alone = [
        divergence.on_logits(x, part, torch.ones(len(x)).bool(), float(len(joined.ids))) for x, part in zip(logits, parts, strict=True)
    ]
    assert whole.item() == pytest.approx(sum(value.item() for value in alone), rel=1e-6)
    boundary = Boundary(joined.teacher.boundary, joined.begins) if isinstance(joined.teacher, Likelihoods) else None
    assert isinstance(joined.teacher, Likelihoods)
    chunks = merge_chunks(joined.chunks, joined.teacher.boundary)
    by_hand = alm(torch.cat(logits), joined.ids, joined.teacher.logprobs, chunks, num_chunks=float(len(joined.ids)), boundary=boundary)
    assert whole.item() == pytest.approx(by_hand.item(), rel=1e-6)
    mask = torch.zeros(len(joined.ids), dtype=torch.bool)
    mask[: len(parts[0].ids)] = True
    assert divergence.on_logits(torch.cat(logits), joined, mask, float(len(joined.ids))).item() == pytest.approx(alone[0].item(), rel=1e-6)


def test_a_chunk_counts_with_all_of_its_tokens_or_not_at_all(tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary]) -> None:
    (example,) = lessons(tokenizers, vocabularies, "likelihoods", [ANSWERS[3]])
    assert isinstance(example.target, Across)
    chunks = example.target.chunks
    for place in range(chunks.num_student):
        mask = torch.ones(chunks.num_student, dtype=torch.bool)
        mask[place] = False
        counted = chosen_chunks(chunks, mask).tolist()
        assert counted == [not start <= place < stop for start, stop in chunks.student.tolist()]


def test_a_special_token_that_an_answer_writes_out_is_a_part_of_it(tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary]) -> None:
    """One token of the teacher, and letters of the student; only the last one ends the answer."""
    aligner, text = Aligner(tokenizers[TEACHER], tokenizers[STUDENT]), "write <|im_end|> at the end"
    ids = ids_of(tokenizers[TEACHER], text), ids_of(tokenizers[STUDENT], text)
    assert ids[0].count(tokenizers[TEACHER].eos_token_id) == 2
    target = aligner.align((text, text), ids, kept_of(vocabularies[TEACHER], ids[0], 0, "likelihoods"))
    assert aligner.num_unaligned == 0
    place = ids[0].index(tokenizers[TEACHER].eos_token_id)
    (first, last) = next(
        rows for rows, (start, stop) in zip(target.chunks.student, target.chunks.teacher, strict=True) if start <= place < stop
    )
    assert "<|im_end|>" in tokenizers[STUDENT].decode(ids[1][first:last])


def test_a_text_that_a_tokenizer_changes_is_taught_by_cross_entropy_alone(
    tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary]
) -> None:
    aligner = Aligner(tokenizers[TEACHER], tokenizers[STUDENT])
    teacher_ids = ids_of(tokenizers[TEACHER], "other words")
    student_ids = ids_of(tokenizers[STUDENT], "Call the agent")
    text, kept = "Call the agent", kept_of(vocabularies[TEACHER], teacher_ids, 0, "likelihoods")
    target = aligner.align((text, text), (teacher_ids, student_ids), kept)
    assert (aligner.num_unaligned, len(target.chunks)) == (1, 0)
    example = Example("r", (1, 9), student_ids, target)
    model = tiny(len(tokenizers[STUDENT]))
    found = Objective(model, divergence_of("alm", 1.0, {}), 0.4)(build_pack([example], ()), [example], 4.0, apart=True)
    assert found["divergence"].item() == 0
    assert found["loss"].item() == pytest.approx(0.6 * found["cross_entropy"].item(), rel=1e-6)
    found["loss"].backward()


@pytest.mark.parametrize(("loss", "kind"), [("alm", "dense"), ("alm", "hidden"), ("uld", "likelihoods")])
def test_the_wrong_kind_of_target_is_refused(tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], loss: str, kind: str) -> None:
    (example,) = lessons(tokenizers, vocabularies, kind, ["ok"])
    logits, mask = torch.zeros(len(example.answer_ids), len(tokenizers[STUDENT])), torch.ones(len(example.answer_ids)).bool()
    divergence = divergence_of(loss, 1.0, {})
    wrong: list[Target | Across | None] = [example.target, Dense(logits)]
    for target in wrong:
        with pytest.raises(ValueError, match="keep them with the codec"):
            divergence.on_logits(logits, target, mask, None)


def test_targets_of_several_kinds_are_not_joined(tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary]) -> None:
    one, other = (lessons(tokenizers, vocabularies, kind, ["ok"])[0].target for kind in ("likelihoods", "dense"))
    assert isinstance(one, Across)
    assert isinstance(other, Across)
    with pytest.raises(ValueError, match="Dense, Likelihoods"):
        join_taught([one, other])
    with pytest.raises(ValueError, match="over the teacher's tokens and over the student's"):
        join_taught([one, Dense(torch.zeros(1, 3))])
    sparse, aligner = (
        Sparse(torch.tensor([1]), torch.tensor([-1.0]), torch.tensor([0, 1])),
        Aligner(tokenizers[TEACHER], tokenizers[STUDENT]),
    )
    with pytest.raises(ValueError, match="a sparse target says nothing"):
        aligner.align(("ok", "ok"), ((1,), (1,)), sparse)


@pytest.mark.parametrize(
    ("loss", "options", "told"),
    [("alm", {"tau": 0.0}, "tau is 0"), ("alm", {"threshold": 1.0}, "below 1"), ("alm", {"threshold": -0.1}, "at least 0")],
)
def test_settings_out_of_their_range_are_refused(loss: str, options: dict[str, float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        divergence_of(loss, 1.0, options)
    for name in ("alm", "uld"):
        with pytest.raises(ValueError, match="a temperature of 2"):
            divergence_of(name, 2.0, {})


def trainer(tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], loss: str, kind: str) -> Trainer:
    examples = lessons(tokenizers, vocabularies, kind, ANSWERS * 3)
    examples = [Example(f"{place}", e.prompt_ids, e.answer_ids, e.target) for place, e in enumerate(examples)]
    section = TrainSection(epochs=10, learning_rate=1e-2, pack_tokens=64, checkpoint_steps=3, held_out=0.2, evaluations=4)
    torch.manual_seed(0)
    return Trainer(
        tiny(len(tokenizers[STUDENT])), examples, section, seed=1, divergence=divergence_of(loss, 1.0, {}), weight=0.7, first_layer=0
    )


@pytest.mark.parametrize(("loss", "kind"), [("alm", "likelihoods"), ("uld", "hidden")])
def test_training_lowers_both_losses_and_goes_on_bit_by_bit_after_a_stop(
    tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], tmp_path: Path, loss: str, kind: str
) -> None:
    whole = trainer(tokenizers, vocabularies, loss, kind)
    before = whole._watch()
    whole.run(tmp_path / "whole", Progress("train"))
    after = whole._watch()
    assert after["loss"] < 0.8 * before["loss"]
    assert after["divergence"] < 0.9 * before["divergence"]
    assert whole.loss_curve[-1][1] < 0.8 * whole.loss_curve[0][1]
    with pytest.raises(KilledError):
        trainer(tokenizers, vocabularies, loss, kind).run(tmp_path / "stopped", StopsAt(8))
    resumed = trainer(tokenizers, vocabularies, loss, kind)
    resumed.run(tmp_path / "stopped", Progress("train"))
    assert resumed.loss_curve == whole.loss_curve
    assert resumed.held_out_curve == whole.held_out_curve
    for one, other in zip(resumed.parameters, whole.parameters, strict=True):
        assert torch.equal(one, other)
