"""A teacher that is asked in each step teaches what the cache of everything it says teaches."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, Gemma2Config, Gemma2ForCausalLM

from oracles.teaching import Table, trainer
from seodang.core.errors import ModelError
from seodang.core.progress import Progress
from seodang.distill.losses.support import SUPPORT
from seodang.distill.losses.target import Dense, Hidden
from seodang.distill.modes.lessons import Lessons
from seodang.distill.modes.live import Live, LiveTeacher
from seodang.distill.objective import named_divergence
from seodang.distill.packing import Example
from seodang.distill.section import TargetsSection
from seodang.distill.targets.cache import TargetCache, sequence_key
from seodang.distill.targets.capture import Lesson, capture, describe_codec
from seodang.models.chat_model import Completion, Message, Sampling
from seodang.models.local import LocalModel

PROGRESS = Progress("train")
SETTINGS_OF = {"generalized_jsd": {"beta": 0.3}, "skew_kl": {"alpha": 0.2}, "alpha_beta": {"alpha": 0.2, "beta": 0.7}}


@pytest.fixture(scope="module")
def kept(
    teacher: LocalModel, prompts: dict[str, tuple[int, ...]], asked: list[Example], tmp_path_factory: pytest.TempPathFactory
) -> list[Example]:
    """The examples with what the codec `full` keeps of the same teacher behind the same prompts."""
    full = TargetsSection(codec="full")
    keys = {e.record: sequence_key(teacher.identity, prompts[e.record], e.answer_ids, describe_codec(full)) for e in asked}
    plan = [Lesson(e.record, prompts[e.record], e.answer_ids, keys[e.record]) for e in asked]
    with closing(TargetCache(tmp_path_factory.mktemp("full"), teacher.identity)) as cache:
        capture(teacher, plan, full, cache, Progress("targets"))
        return [replace(e, target=cache.get(keys[e.record])) for e in asked]


@pytest.mark.parametrize("first_layer", [None, 1], ids=["all weights", "lora above"])
def test_live_is_the_cache_of_whole_distributions(
    tiny_model_dir: Path, live: LiveTeacher, asked: list[Example], kept: list[Example], tmp_path: Path, first_layer: int | None
) -> None:
    """Held-out losses too. Adam's first steps turn rounding of gradients near zero into whole steps, so weights agree less closely."""
    alive = trainer(tiny_model_dir, asked, Live(live), first_layer=first_layer)
    cached = trainer(tiny_model_dir, kept, None, first_layer=first_layer)
    alive.run(tmp_path / "live", PROGRESS)
    cached.run(tmp_path / "cached", PROGRESS)
    assert len(alive.loss_curve) > 5
    assert len(alive.held_out_curve) > 3
    for curves in ((alive.loss_curve, cached.loss_curve), (alive.held_out_curve, cached.held_out_curve)):
        assert [loss for _, loss in curves[0]] == pytest.approx([loss for _, loss in curves[1]], abs=2e-5)
    assert alive.num_answer_tokens == cached.num_answer_tokens
    for a, b in zip(alive.parameters, cached.parameters, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-2)


@pytest.mark.parametrize("loss", SUPPORT)
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_every_loss_is_taught_live(
    tiny_model_dir: Path, live: LiveTeacher, asked: list[Example], kept: list[Example], loss: str, temperature: float
) -> None:
    divergence = named_divergence(loss, temperature, SETTINGS_OF.get(loss, {}))
    alive = trainer(tiny_model_dir, asked, Live(live), divergence=divergence).take_step()
    cached = trainer(tiny_model_dir, kept, None, divergence=divergence).take_step()
    assert alive.loss == pytest.approx(cached.loss, rel=2e-5)
    assert alive.grad_norm == pytest.approx(cached.grad_norm, rel=1e-3)


def test_targets_stand_at_the_examples_they_were_asked_for(asked: list[Example]) -> None:
    """The teacher gives them in any order."""
    table = Table(torch.randn(400, 400, generator=torch.Generator().manual_seed(1)))
    teacher = LiveTeacher(table, {e.record: (5, *e.prompt_ids) for e in asked})
    for example, target in zip(asked[:5], teacher.targets(asked[:5]), strict=True):
        assert isinstance(target, Hidden)
        before = [example.prompt_ids[-1], *example.answer_ids[:-1]]
        torch.testing.assert_close(target.hidden @ target.head.T, table.logits_VV[before])


def test_logits_that_a_teacher_caps_are_taught_as_they_are(
    tiny_tokenizer_dir: Path, asked: list[Example], prompts: dict[str, tuple[int, ...]], tmp_path: Path
) -> None:
    sizes: dict[str, Any] = {"vocab_size": 400, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "head_dim": 8}
    heads: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256}
    torch.manual_seed(1)
    Gemma2ForCausalLM(Gemma2Config(**sizes, **heads, final_logit_softcapping=2.0, initializer_range=0.5)).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_tokenizer_dir).save_pretrained(tmp_path)
    capped = LocalModel(tmp_path, dtype="float32", synthetic=True)
    (target,) = LiveTeacher(capped, prompts).targets(asked[:1])
    assert isinstance(target, Dense)
    ids = torch.tensor([[*prompts[asked[0].record], *asked[0].answer_ids]])
    with torch.no_grad():
        logits = capped.model(ids).logits[0, len(prompts[asked[0].record]) - 1 : -1]
    torch.testing.assert_close(torch.log_softmax(target.logits, -1), torch.log_softmax(logits, -1), atol=1e-5, rtol=1e-4)


class Best:
    """An endpoint: it writes, and gives no whole distributions."""

    name, synthetic = "endpoint", False
    identity: dict[str, Any] = {}  # noqa: RUF012

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        raise NotImplementedError


def test_a_teacher_without_whole_distributions_is_refused() -> None:
    with pytest.raises(ModelError, match="teaching live needs whole distributions at given tokens, which the model `endpoint`"):
        LiveTeacher(Best(), {})


def test_another_width_of_logits_is_refused_before_the_first_step(live: LiveTeacher, asked: list[Example]) -> None:
    live.refuse_unfit(asked, 400)
    with pytest.raises(ModelError, match="has 400 logits a token and the student 402") as caught:
        live.refuse_unfit(asked, 402)
    assert "nucleus" in caught.value.render()


class Shifted(Table):
    """A teacher whose rows stand one place late, as an engine's may."""

    synthetic = False

    def states(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]) -> Iterator[tuple[int, torch.Tensor]]:
        for place, states_TH in super().states(prompts, continuations):
            yield place, states_TH.roll(1, 0)


def test_rows_that_do_not_stand_at_their_tokens_are_refused() -> None:
    """A teacher that counts upwards, and answers that do."""
    logits_VV = torch.full((50, 50), -4.0)
    logits_VV[torch.arange(49), torch.arange(1, 50)] = 4.0
    counting = [Example(f"r{n}", (3, 4), tuple(range(5, 15 + n))) for n in range(5)]
    prompts = {e.record: e.prompt_ids for e in counting}
    right = Shifted(logits_VV)
    with pytest.raises(ModelError, match="rows do not stand at their tokens"):
        LiveTeacher(right, prompts).refuse_unfit(counting, 50)
    sure = Table(logits_VV)
    sure.synthetic = False
    LiveTeacher(sure, prompts).refuse_unfit(counting, 50)


def test_the_plain_lessons_change_nothing(asked: list[Example]) -> None:
    lessons = Lessons()
    assert lessons.with_targets(lessons.answered(None, asked, 0, 0)) == asked
    assert (lessons.end_step(1), lessons.state(), lessons.summary()) == ({}, {}, {})
    lessons.go_on({"step": 3})
