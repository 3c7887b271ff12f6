"""Training can be killed anywhere without a trace, adds gradients up rightly, and what it keeps of frozen blocks changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Gemma2Config, Gemma2ForCausalLM

from kills import KilledError, StopsAt
from seodang.core.errors import ModelError
from seodang.core.progress import Progress
from seodang.distill import checkpoint
from seodang.distill.losses import cross_entropy, forward_kl
from seodang.distill.losses.divergence import Divergence
from seodang.distill.losses.target import Sparse
from seodang.distill.objective import Objective
from seodang.distill.packing import Example, build_pack
from seodang.distill.students.lora import add_lora
from seodang.distill.train import Diverged, Trainer
from seodang.distill.train_section import TrainSection

SECTION = TrainSection(epochs=1.5, learning_rate=1e-2, pack_tokens=64, checkpoint_steps=2, held_out=0.1)
FORWARD = forward_kl.divergence()


def trainer(
    folder: Path,
    examples: list[Example],
    *,
    lora: bool = True,
    first_layer: int = 0,
    kept: bool = True,
    divergence: Divergence | None = FORWARD,
    weight: float = 0.6,
    change: Callable[[Any], None] | None = None,
    **settings: Any,
) -> Trainer:
    """A trainer with equal starting weights each time; `kept=False` computes the frozen blocks anew in every step."""
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    if change is not None:
        change(model)
    if lora:
        add_lora(model, 4, 8.0, first_layer)
    section = SECTION.model_copy(update=settings)
    return Trainer(model, examples, section, seed=5, divergence=divergence, weight=weight, first_layer=first_layer if kept else 0)


def gradients(run: Trainer) -> list[torch.Tensor]:
    """What one step without shortening adds up, before anything is changed."""
    run.optimizer.step = lambda closure=None: None  # pyright: ignore[reportAttributeAccessIssue]
    run.take_step()
    return [p.grad.clone() for p in run.parameters if p.grad is not None]


def with_dropout(model: Any) -> None:
    """Puts dropout behind the last norm, so that a step depends on random numbers."""
    model.model.norm = torch.nn.Sequential(model.model.norm, torch.nn.Dropout(0.3))


CASES = {
    "lora": {"lora": True},
    "lora above": {"lora": True, "first_layer": 1},
    "all weights": {"lora": False},
    "two packs a step": {"lora": False, "packs_per_step": 2, "epochs": 3.0},
    "dropout": {"lora": False, "change": with_dropout},
    "patience": {"lora": False, "patience": 3, "evaluations": 100, "learning_rate": 4e-3},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_killed_training_ends_bit_equal_to_an_unbroken_one(
    tiny_model_dir: Path, examples: list[Example], tmp_path: Path, case: dict[str, Any]
) -> None:
    whole = trainer(tiny_model_dir, examples, **case)
    whole.run(tmp_path / "whole", Progress("train"))
    assert whole.step >= 5
    for last in (3, 5):
        with pytest.raises(KilledError):
            trainer(tiny_model_dir, examples, **case).run(tmp_path / "broken", StopsAt(last))
    resumed = trainer(tiny_model_dir, examples, **case)
    resumed.run(tmp_path / "broken", Progress("train"))
    assert resumed.loss_curve == whole.loss_curve
    assert resumed.held_out_curve == whole.held_out_curve
    assert resumed.early_stop.row() == whole.early_stop.row()
    assert (resumed.num_tokens, resumed.num_answer_tokens) == (whole.num_tokens, whole.num_answer_tokens)
    assert all(torch.equal(a, b) for a, b in zip(resumed.parameters, whole.parameters, strict=True))
    files = [sorted((tmp_path / name).iterdir()) for name in ("whole", "broken")]
    assert [path.name for path in files[0]] == [path.name for path in files[1]]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*files, strict=True))
    assert len(list((tmp_path / "broken").glob("step-*"))) == 1


def test_a_kill_between_the_record_and_the_removal_leaves_nothing_over(
    tiny_model_dir: Path, examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last checkpoint is the worst case: nothing is saved after it that would remove the one before."""
    run = trainer(tiny_model_dir, examples)
    monkeypatch.setattr(checkpoint, "_remove_others", lambda folder, name: None)
    run.run(tmp_path, Progress("train"))
    assert len(list(tmp_path.glob("step-*"))) > 1
    monkeypatch.undo()
    trainer(tiny_model_dir, examples).run(tmp_path, Progress("train"))
    assert [path.name for path in tmp_path.glob("step-*")] == [f"step-{run.step:06d}.safetensors"]


def test_dropout_makes_a_difference(tiny_model_dir: Path, examples: list[Example]) -> None:
    """Otherwise the case of dropout above would say nothing about random numbers."""
    plain, dropping = (trainer(tiny_model_dir, examples, lora=False, change=change) for change in (None, with_dropout))
    for run in (plain, dropping):
        run.objective.train()
    assert abs(plain.take_step().loss - dropping.take_step().loss) > 1e-4


def test_a_loss_that_is_no_number_ends_the_training_with_a_hint(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    run = trainer(tiny_model_dir, examples)
    with torch.no_grad():
        run.parameters[0].fill_(float("nan"))
    with pytest.raises(ModelError, match="no longer a number at step 1") as caught:
        run.run(tmp_path, Progress("train"))
    assert "distill.learning_rate" in caught.value.render()


def test_a_gradient_that_is_no_number_ends_the_training_before_a_weight_is_changed(
    tiny_model_dir: Path, examples: list[Example], tmp_path: Path
) -> None:
    """At the last step nothing else would tell that the saved student is none."""
    run = trainer(tiny_model_dir, examples)
    before = [parameter.detach().clone() for parameter in run.parameters]
    run.parameters[0].register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(Diverged, match="the gradient is no longer a number at step 1"):
        run.run(tmp_path, Progress("train"))
    assert all(torch.equal(a, b) for a, b in zip(before, run.parameters, strict=True))


def test_training_lowers_the_loss(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    run = trainer(tiny_model_dir, examples, lora=False)
    run.run(tmp_path, Progress("train"))
    assert run.loss_curve[-1][1] < run.loss_curve[0][1]


def test_kept_states_of_frozen_blocks_give_the_same_losses(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    kept = trainer(tiny_model_dir, examples, first_layer=1)
    anew = trainer(tiny_model_dir, examples, first_layer=1, kept=False)
    kept.run(tmp_path / "kept", Progress("train"))
    anew.run(tmp_path / "anew", Progress("train"))
    assert [loss for _, loss in kept.loss_curve] == pytest.approx([loss for _, loss in anew.loss_curve], abs=2e-5)
    assert len(kept.parameters) == 14
    for a, b in zip(kept.parameters, anew.parameters, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-2)


def test_without_a_divergence_the_loss_is_transformers_own(tiny_model_dir: Path, examples: list[Example]) -> None:
    run = trainer(tiny_model_dir, examples, divergence=None)
    example = run.examples[0]
    loss = run.objective(build_pack([example], run.prefix), [example], len(example.answer_ids))["loss"]
    ids = torch.tensor([[*example.prompt_ids, *example.answer_ids]])
    labels = torch.tensor([[*[-100] * len(example.prompt_ids), *example.answer_ids]])
    run.model.set_attn_implementation("sdpa")
    assert loss.item() == pytest.approx(run.model(ids, labels=labels).loss.item(), abs=1e-5)


def test_one_who_is_taught_own_answers_is_judged_by_the_verified_ones(tiny_model_dir: Path, examples: list[Example]) -> None:
    own = [replace(example, answer_ids=example.answer_ids[::-1][:2]) for example in examples]
    expected = trainer(tiny_model_dir, examples).held_out_cross_entropy()
    taught = trainer(tiny_model_dir, own)
    assert taught.held_out_cross_entropy(examples) == pytest.approx(expected, abs=1e-5)
    assert taught.held_out_cross_entropy() != pytest.approx(expected, abs=1e-3)


def test_held_out_examples_are_never_trained_on(tiny_model_dir: Path, examples: list[Example]) -> None:
    run = trainer(tiny_model_dir, examples)
    trained = {run.examples[i].record for packs in run.schedule for indices in packs for i in indices}
    assert len(run.watched) == 2
    assert trained.isdisjoint(example.record for example in run.watched)
    assert len(run.examples) + len(run.watched) == len(examples)


@pytest.mark.parametrize("first_layer", [0, 1])
def test_gradients_of_uneven_packs_add_up_to_those_of_one_large_pack(
    tiny_model_dir: Path, examples: list[Example], first_layer: int
) -> None:
    """Normalised by the answer tokens of the whole step: packs of one to six answer tokens weigh by their tokens, not alike."""
    small = trainer(tiny_model_dir, examples, first_layer=first_layer, packs_per_step=1000, epochs=1.0, held_out=0.0, max_grad_norm=1e9)
    large = trainer(tiny_model_dir, examples, first_layer=first_layer, pack_tokens=100_000, epochs=1.0, held_out=0.0, max_grad_norm=1e9)
    assert len(small.schedule) == len(large.schedule) == len(large.schedule[0]) == 1
    assert len({sum(len(small.examples[i].answer_ids) for i in indices) for indices in small.schedule[0]}) > 1
    added, whole = gradients(small), gradients(large)
    assert len(added) == len(whole) == len(small.parameters)
    for a, b in zip(added, whole, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)
    assert max(float(g.abs().max()) for g in whole) > 1e-3


@pytest.mark.parametrize("case", [{"lora": False}, {"first_layer": 1}], ids=["all weights", "lora above"])
def test_gradient_checkpointing_gives_equal_gradients(tiny_model_dir: Path, examples: list[Example], case: dict[str, Any]) -> None:
    kept = trainer(tiny_model_dir, examples, **case)
    again = trainer(tiny_model_dir, examples, gradient_checkpointing=True, **case)
    num_calls = 0

    def count(*unused: Any) -> None:
        nonlocal num_calls
        num_calls += 1

    again.objective.model.base_model.layers[-1].input_layernorm.register_forward_hook(count)
    for run in (kept, again):
        run.objective.train()
    for a, b in zip(gradients(kept), gradients(again), strict=True):
        assert torch.equal(a, b)
    assert num_calls == 2  # forwards, and once more in the backward pass


def test_in_bfloat16_weights_stay_float32_and_gradients_point_the_same_way(tiny_model_dir: Path, examples: list[Example]) -> None:
    fine = trainer(tiny_model_dir, examples, lora=False, precision="float32", max_grad_norm=1e9)
    coarse = trainer(tiny_model_dir, examples, lora=False, precision="bfloat16", max_grad_norm=1e9)
    seen: set[torch.dtype] = set()
    coarse.objective.model.base_model.layers[0].mlp.down_proj.register_forward_hook(lambda module, given, made: seen.add(made.dtype))
    a, b = (torch.cat([g.flatten() for g in gradients(run)]) for run in (fine, coarse))
    assert seen == {torch.bfloat16}
    assert a.dtype == b.dtype == torch.float32
    assert {p.dtype for p in coarse.parameters} == {torch.float32}
    assert torch.nn.functional.cosine_similarity(a, b, dim=0) > 0.999
    assert not torch.equal(a, b)


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_fused_loss_is_that_on_logits(tiny_model_dir: Path, examples: list[Example], weight: float, temperature: float) -> None:
    """Value and gradients agree with the losses on all logits, and the parts make up the whole."""
    whole = [replace(e, **_everything_kept(len(e.answer_ids), number)) for number, e in enumerate(examples)]
    run = trainer(tiny_model_dir, whole, lora=False, weight=weight, divergence=forward_kl.divergence(temperature))
    assert not run.objective.by_logits
    group = run.examples[:6]
    pack = build_pack(group, run.prefix)
    assert isinstance(pack.target, Sparse)
    num_tokens = 2 * len(pack.labels)
    loss = run.objective(pack, group, num_tokens)["loss"]
    loss.backward()
    fused = [p.grad.clone() for p in run.parameters if p.grad is not None]
    run.optimizer.zero_grad()
    logits_NV = run.model(input_ids=pack.ids, rows=pack.rows, position_ids=pack.positions).logits[0, pack.predicting]
    mask_N = torch.ones(len(pack.labels), dtype=torch.bool)
    divergence = forward_kl.forward_kl(logits_NV, pack.target, mask_N, temperature=temperature, num_tokens=num_tokens)
    plain = cross_entropy.cross_entropy(logits_NV, pack.labels, mask_N, num_tokens=num_tokens)
    (weight * divergence + (1 - weight) * plain).backward()
    assert loss.item() == pytest.approx((weight * divergence + (1 - weight) * plain).item(), rel=1e-5)
    for a, p in zip(fused, run.parameters, strict=True):
        torch.testing.assert_close(a, p.grad, atol=1e-6, rtol=1e-4)
    apart = run.objective(pack, group, num_tokens, apart=True)
    for name, expected in {"divergence": divergence, "cross_entropy": plain}.items():
        if name in apart:
            assert apart[name].item() == pytest.approx(expected.item(), rel=1e-5)
    assert set(apart) == {"loss", *(["divergence"] if weight > 0 else []), *(["cross_entropy"] if weight < 1 else [])}


def _everything_kept(num_positions: int, seed: int) -> dict[str, Any]:
    """Targets that keep the whole vocabulary, which are known at every temperature."""
    draw = torch.Generator().manual_seed(seed)
    logprobs = torch.log_softmax(2 * torch.randn(num_positions, 400, generator=draw), -1)
    return {"target": Sparse(torch.arange(400).repeat(num_positions), logprobs.flatten(), torch.arange(0, 400 * num_positions + 1, 400))}


@pytest.fixture(scope="module")
def capped_dir(tiny_tokenizer_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Gemma 2 whose logits are capped at 2, so that the cap shows."""
    sizes: dict[str, Any] = {"vocab_size": 400, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "head_dim": 8}
    heads: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256}
    config = Gemma2Config(**sizes, **heads, final_logit_softcapping=2.0, attn_logit_softcapping=None, initializer_range=0.5)
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("capped")
    Gemma2ForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_tokenizer_dir).save_pretrained(folder)
    return folder


def test_logits_that_a_model_caps_are_capped_in_the_loss(capped_dir: Path, examples: list[Example]) -> None:
    """The loss and its gradients are those of transformers' own forward pass, which a product with the head alone would miss."""
    run = trainer(capped_dir, examples, lora=False, divergence=None)
    assert run.objective.by_logits
    example = run.examples[0]
    pack = build_pack([example], run.prefix)
    loss = run.objective(pack, [example], len(example.answer_ids))["loss"]
    loss.backward()
    ours = [p.grad.clone() for p in run.parameters if p.grad is not None]
    run.optimizer.zero_grad()
    uncapped = Objective(run.model, None, 0.0)(pack, [example], len(example.answer_ids))["loss"]
    ids = torch.tensor([[*example.prompt_ids, *example.answer_ids]])
    labels = torch.tensor([[*[-100] * len(example.prompt_ids), *example.answer_ids]])
    run.model.set_attn_implementation("eager")
    theirs = run.model(ids, labels=labels).loss
    theirs.backward()
    assert loss.item() == pytest.approx(theirs.item(), abs=1e-5)
    for a, p in zip(ours, run.parameters, strict=True):
        torch.testing.assert_close(a, p.grad, atol=1e-5, rtol=1e-3)
    assert abs(uncapped.item() - loss.item()) > 0.1


def test_a_capped_model_learns_from_targets(capped_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    run = trainer(capped_dir, examples, first_layer=1, learning_rate=0.05)
    run.run(tmp_path, Progress("train"))
    assert run.loss_curve[-1][1] < run.loss_curve[0][1]
