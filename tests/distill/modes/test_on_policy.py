"""A student's own answers are taught as they are written, counted, guarded, and written again the same after a kill."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma2Config, Gemma2ForCausalLM

from kills import KilledError, StopsAt
from oracles.teaching import section, trainer
from seodang.core.errors import InputError, ModelError
from seodang.core.progress import Progress
from seodang.distill import packed_attention
from seodang.distill.losses.target import Hidden
from seodang.distill.modes import on_policy
from seodang.distill.modes.live import Live, LiveTeacher
from seodang.distill.modes.on_policy import OnPolicy
from seodang.distill.modes.rollouts import write
from seodang.distill.packing import Example
from seodang.distill.parallel import Team
from seodang.distill.train import Trainer
from seodang.models.decoding import Row
from seodang.models.local import LocalModel

END, STOPS = 2, frozenset([2])
Started = Callable[..., Trainer]


@pytest.fixture
def started(tiny_model_dir: Path, live: LiveTeacher, asked: list[Example]) -> Started:
    """A trainer in the mode `on_policy`, with settings of the section and of the trainer."""

    def start(change: Callable[[Any], None] | None = None, first_layer: int | None = None, **settings: Any) -> Trainer:
        given = section(mode="on_policy", **{"on_policy_share": 0.7, "rollout_tokens": 12, **settings})
        lessons = OnPolicy(live, given, seed=5, end=END, stop_ids=STOPS)
        return trainer(tiny_model_dir, asked, lessons, settings=given, first_layer=first_layer, change=change)

    return start


def with_dropout(model: Any) -> None:
    model.model.norm = torch.nn.Sequential(model.model.norm, torch.nn.Dropout(0.3))


CASES: dict[str, dict[str, Any]] = {
    "all weights": {},
    "lora above": {"first_layer": 1},
    "two packs a step": {"packs_per_step": 2, "epochs": 3.0},
    "dropout": {"change": with_dropout},
    "blocks computed again": {"gradient_checkpointing": True},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_killed_training_writes_the_same_answers_again(started: Started, tmp_path: Path, case: dict[str, Any]) -> None:
    whole = started(**case)
    whole.run(tmp_path / "whole", Progress("train"))
    assert whole.step >= 5
    assert whole.lessons.summary()["rollouts"]["num"] > 10
    for last in (3, 5):
        with pytest.raises(KilledError):
            started(**case).run(tmp_path / "broken", StopsAt(last))
    resumed = started(**case)
    resumed.run(tmp_path / "broken", Progress("train"))
    assert resumed.loss_curve == whole.loss_curve
    assert resumed.held_out_curve == whole.held_out_curve
    assert resumed.lessons.summary() == whole.lessons.summary()
    assert (resumed.num_tokens, resumed.num_answer_tokens) == (whole.num_tokens, whole.num_answer_tokens)
    assert all(torch.equal(a, b) for a, b in zip(resumed.parameters, whole.parameters, strict=True))
    files = [sorted((tmp_path / name).iterdir()) for name in ("whole", "broken")]
    assert [path.name for path in files[0]] == [path.name for path in files[1]]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*files, strict=True))


def test_without_a_share_it_is_live_to_the_bit(
    started: Started, tiny_model_dir: Path, live: LiveTeacher, asked: list[Example], tmp_path: Path
) -> None:
    own, alive = started(on_policy_share=0.0), trainer(tiny_model_dir, asked, Live(live))
    own.run(tmp_path / "own", Progress("train"))
    alive.run(tmp_path / "live", Progress("train"))
    assert (own.loss_curve, own.held_out_curve) == (alive.loss_curve, alive.held_out_curve)
    assert all(torch.equal(a, b) for a, b in zip(own.parameters, alive.parameters, strict=True))
    assert own.lessons.summary()["rollouts"]["num"] == 0


def test_kept_states_of_frozen_blocks_are_not_those_of_other_answers(started: Started, tmp_path: Path) -> None:
    """The same losses as where every block is computed in every step."""
    kept, anew = started(first_layer=1), started(first_layer=1)
    anew.objective.frozen = None
    for name, run in (("kept", kept), ("anew", anew)):
        run.run(tmp_path / name, Progress("train"))
    assert kept.objective.frozen is not None
    assert kept.lessons.summary()["rollouts"]["num"] > 10
    assert [loss for _, loss in kept.loss_curve] == pytest.approx([loss for _, loss in anew.loss_curve], abs=2e-5)


def test_own_answers_are_taught_by_the_teacher_with_the_passage_in_view(
    started: Started, teacher: LocalModel, prompts: dict[str, tuple[int, ...]]
) -> None:
    """By the divergence alone, at the tokens that the student wrote."""
    run = started(on_policy_share=1.0)
    given = run.examples[:6]
    written = run.lessons.answered(run.model, given, 0, 0)
    assert [e.prompt_ids for e in written] == [e.prompt_ids for e in given]
    assert all(e.answer_ids != g.answer_ids for e, g in zip(written, given, strict=True))
    for example in run.lessons.with_targets(written):
        assert example.weight == 1.0
        ids = torch.tensor([[*prompts[example.record], *example.answer_ids]])
        with torch.no_grad():
            logits = teacher.model(ids).logits[0, len(prompts[example.record]) - 1 : -1]
        assert isinstance(example.target, Hidden)
        torch.testing.assert_close(example.target.hidden @ example.target.head.T, logits, atol=1e-4, rtol=1e-4)


def test_answers_follow_from_weights_seed_step_and_place(started: Started) -> None:
    run = started(on_policy_share=1.0)
    given = run.examples[:6]

    def answers(step: int, place: int) -> list[tuple[int, ...]]:
        return [example.answer_ids for example in run.lessons.answered(run.model, given, step, place)]

    first = answers(3, 1)
    assert answers(3, 1) == first
    assert answers(4, 1) != first
    assert answers(3, 0) != first
    with torch.no_grad():
        run.parameters[0].mul_(-1)
    assert answers(3, 1) != first


def test_a_probability_says_which_packs_are_own(started: Started) -> None:
    """Of 400 packs, within four standard deviations of the share."""
    run = started(on_policy_share=0.3)
    own = sum(on_policy.drawn(run.seed, step, 0, "whose answers") < 0.3 * 2**60 for step in range(400))
    assert abs(own - 120) < 4 * math.sqrt(400 * 0.3 * 0.7)


def test_writing_leaves_no_trace(started: Started) -> None:
    """Neither in the weights, the attention and the mode of the model, nor in the random numbers of training."""
    run = started(change=with_dropout)
    run.objective.train()
    before = [p.detach().clone() for p in run.parameters]
    torch.manual_seed(3)
    rows = write(
        run.model, [e.prompt_ids for e in run.examples[:4]], max_new_tokens=6, temperature=1.0, seed=1, stop_ids=STOPS, num_samples=3
    )
    assert [len(samples) for samples in rows] == [3] * 4
    assert torch.equal(torch.get_rng_state(), torch.Generator().manual_seed(3).get_state())
    assert run.model.config._attn_implementation == packed_attention.NAME
    assert all(module.training for module in run.model.modules())
    assert all(p.grad is None and torch.equal(p, old) for p, old in zip(run.parameters, before, strict=True))


def test_a_question_without_room_for_an_answer_is_refused(started: Started) -> None:
    run = started()
    with pytest.raises(ModelError, match="a question of 1024 tokens leaves a student with a context of 1024 no room"):
        write(run.model, [[5] * 1024], max_new_tokens=6, temperature=1.0, seed=1, stop_ids=STOPS)
    (rows,) = write(run.model, [[5] * 1021], max_new_tokens=6, temperature=1.0, seed=1, stop_ids=frozenset())
    assert len(rows[0].token_ids) == 3


def test_a_step_is_divided_by_the_tokens_that_are_taught(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the answers written for it, over all of its packs, known before the first loss."""
    run = started(packs_per_step=3, on_policy_share=0.5)
    seen: list[tuple[int, float]] = []
    forward = run.objective.forward

    def noting(pack: Any, examples: Sequence[Example], num_tokens: float, apart: bool = False) -> dict[str, torch.Tensor]:
        seen.append((sum(len(example.answer_ids) for example in examples), num_tokens))
        return forward(pack, examples, num_tokens, apart)

    monkeypatch.setattr(run.objective, "forward", noting)
    taken = run.take_step()
    planned = sum(len(run.examples[i].answer_ids) for indices in run.schedule[0] for i in indices)
    assert len(seen) == 3
    assert {num_tokens for _, num_tokens in seen} == {sum(taught for taught, _ in seen)} == {taken.num_answer_tokens}
    assert taken.num_answer_tokens != planned


def written(monkeypatch: pytest.MonkeyPatch, row: Row) -> None:
    """Lets every student write the same."""
    monkeypatch.setattr(on_policy, "write", lambda model, prompts, **options: [[row] for _ in prompts])  # pyright: ignore


def test_an_empty_answer_is_replaced_by_the_verified_one(
    started: Started, tiny_model_dir: Path, live: LiveTeacher, asked: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    written(monkeypatch, Row([], "stop"))
    own, alive = started(on_policy_share=1.0), trainer(tiny_model_dir, asked, Live(live))
    taken = own.take_step()
    assert taken.loss == alive.take_step().loss
    assert taken.told["rollouts/replaced"] == 1.0
    assert all(torch.equal(a, b) for a, b in zip(own.parameters, alive.parameters, strict=True))


@pytest.mark.parametrize(
    ("row", "taught"),
    [
        (Row([5, 6, 7], "length"), (5, 6, 7)),
        (Row([5, 6, 7], "stop"), (5, 6, 7, END)),
        (Row([9, *[5] * 20], "stop"), (9, 5, 5, 5, 5)),
    ],
    ids=["without its end", "whole", "repeating"],
)
def test_what_is_taught_of_an_answer(started: Started, monkeypatch: pytest.MonkeyPatch, row: Row, taught: tuple[int, ...]) -> None:
    written(monkeypatch, row)
    run = started(on_policy_share=1.0)
    assert {example.answer_ids for example in run.lessons.answered(run.model, run.examples[:3], 0, 0)} == {taught}


@pytest.mark.parametrize(
    ("row", "why"),
    [(Row([9, *[5] * 20], "length"), "more than half repeated themselves"), (Row(list(range(3, 90)), "length"), "over 4 times as long")],
    ids=["repeating", "endless"],
)
def test_a_student_that_strays_is_taught_the_verified_answers_from_then_on(
    started: Started, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, row: Row, why: str
) -> None:
    """After eight steps with own answers, also where it is killed before or after."""
    written(monkeypatch, row)
    case = {"on_policy_share": 0.8, "epochs": 4.0}
    whole = started(**case)
    told = []
    while whole.step < len(whole.schedule):
        told.append(whole._advance())
    own = [number for number, values in enumerate(told, start=1) if "rollouts/mean_length" in values]
    assert len(own) == 8
    summary = whole.lessons.summary()
    assert summary["on_policy_stopped_at"] == own[-1]
    assert why in summary["on_policy_stopped_because"]
    assert own[-1] < len(whole.schedule) - 4
    for last in (own[-1] - 1, own[-1] + 2):
        with pytest.raises(KilledError):
            started(**case).run(tmp_path, StopsAt(last))
    resumed = started(**case)
    resumed.run(tmp_path, Progress("train"))
    assert resumed.lessons.summary() == summary
    assert resumed.loss_curve == whole.loss_curve
    assert all(torch.equal(a, b) for a, b in zip(resumed.parameters, whole.parameters, strict=True))


def test_an_answer_is_not_too_short_where_it_may_be_no_longer(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verified answers of 80 tokens, and own ones that are cut off at 12 as `rollout_tokens` asks, or end after one."""
    for row, strays in ((Row(list(range(3, 15)), "length"), False), (Row([3], "stop"), True)):
        written(monkeypatch, row)
        run = started(on_policy_share=1.0)
        long = [replace(example, answer_ids=(*range(3, 82), END)) for example in run.examples[:3]]
        for step in range(8):
            run.lessons.answered(run.model, long, step, 0)
            run.lessons.end_step(step + 1)
        assert (run.lessons.summary()["on_policy_stopped_at"] is not None) == strays


def test_a_model_that_keeps_its_own_attention_writes_what_it_writes_alone(live: LiveTeacher, asked: list[Example], tmp_path: Path) -> None:
    """In a batch with prompts of other lengths, made ready for training; and it is taught at what it writes."""
    sizes: dict[str, Any] = {"vocab_size": 400, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "head_dim": 8}
    heads: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256, "sliding_window": 8}
    torch.manual_seed(1)
    Gemma2ForCausalLM(Gemma2Config(**sizes, **heads, initializer_range=0.5)).save_pretrained(tmp_path / "gemma")
    given = section(mode="on_policy", on_policy_share=1.0, rollout_tokens=6, epochs=0.5)
    own = OnPolicy(live, given, seed=5, end=END, stop_ids=STOPS)
    run = trainer(tmp_path / "gemma", asked, own, settings=given)
    assert run.model.config._attn_implementation != packed_attention.NAME
    alone: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "gemma", dtype=torch.float32)
    questions = [example.prompt_ids for example in asked[:4]]
    rows = write(run.model, questions, max_new_tokens=4, temperature=1e-3, seed=1, stop_ids=frozenset())
    for question, (row,) in zip(questions, rows, strict=True):
        ids = list(question)
        for _ in range(4):
            with torch.no_grad():
                ids.append(int(alone(torch.tensor([ids])).logits[0, -1].argmax()))
        assert row.token_ids == ids[len(question) :]
    run.run(tmp_path / "run", Progress("train"))
    assert run.lessons.summary()["rollouts"]["num"] > 5


def test_an_answer_ends_where_its_student_writes_a_stop(started: Started) -> None:
    """What comes before the stop is what is written where nothing stops it."""
    run = started()
    prompts = [example.prompt_ids for example in run.examples[:1]]
    settings: dict[str, Any] = {"max_new_tokens": 8, "temperature": 1.0, "seed": 1}
    ((whole,),) = write(run.model, prompts, stop_ids=frozenset(), **settings)
    ((ended,),) = write(run.model, prompts, stop_ids=frozenset([whole.token_ids[4]]), **settings)
    place = whole.token_ids.index(whole.token_ids[4])
    assert (whole.finish_reason, ended) == ("length", Row(whole.token_ids[:place], "stop"))


def test_every_step_tells_its_answers(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    written(monkeypatch, Row([5, 6, 7, 8], "stop"))
    run = started(on_policy_share=1.0)
    values = run._advance()
    told = {tag: value for tag, value in values.items() if tag.startswith("rollouts/")}
    num = len(run.schedule[0][0])
    expected = {"num": num, "mean_length": 5, "ended": 1, "cut": 0, "replaced": 0, "distinct_4": 1}
    assert told == {f"rollouts/{name}": value for name, value in expected.items()}
    assert run.lessons.summary()["rollouts"] == expected


def test_several_processes_are_refused() -> None:
    with pytest.raises(InputError, match="2 processes cannot train in the mode `on_policy`") as caught:
        Team(0, 2).require_alone("on_policy")
    assert "distill.mode" in caught.value.render()
    Team(0, 1).require_alone("on_policy")


def test_an_example_keeps_its_weight_where_its_answer_is_verified(started: Started) -> None:
    run = started(on_policy_share=0.0)
    given = [replace(run.examples[0], weight=0.25), run.examples[1]]
    assert [example.weight for example in run.lessons.answered(run.model, given, 0, 0)] == [0.25, None]
