"""Capturing asks for what is missing only, keeps what the teacher computes, and refuses what would teach nonsense."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
import torch

from seodang.core.errors import ModelError
from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.distill.losses.target import Dense, Sampled, Sparse
from seodang.distill.section import TargetsSection
from seodang.distill.targets.alignment import refuse_shifted_rows
from seodang.distill.targets.cache import TargetCache
from seodang.distill.targets.capture import Lesson, capture, lessons, open_book
from seodang.distill.targets.certificate import choose_held_out, dense
from seodang.distill.targets.folder import read_certificates
from seodang.models.chat_model import TokenTargets
from seodang.models.local import LocalModel

PASSAGES = {"p": Passage("policy.md", 0, 5, "- x", "Lines", "Rules:", "a line can be suspended", "en", "MIT")}
TEMPLATE = {"know": "{passages}\n{question}", "act": "{action}: {question}"}
RECORDS = [Record("know", f"Question {n}?", f"a line can be suspended {n} times", ("p",), "en") for n in range(12)]
SECTION = TargetsSection(codec="top_k", top_k=6)
NUCLEUS = TargetsSection(nats_per_byte=1e-4)


class Counting(LocalModel):
    """Counts the sequences that it reads."""

    num_read = 0

    def states(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]) -> Iterator[tuple[int, torch.Tensor]]:
        self.num_read += len(prompts)
        return super().states(prompts, continuations)


class ScoresOnly:
    """A teacher as an endpoint is one: it names its best tokens, and no more."""

    name, synthetic = "endpoint", True

    def __init__(self, model: LocalModel) -> None:
        self.identity = {**model.identity, "kind": "endpoint"}
        self.chat = model.chat
        self.encode_chat, self.encode_answer, self.encode_text = model.encode_chat, model.encode_answer, model.encode_text
        self._model = model

    def score(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], top_k: int) -> list[TokenTargets]:
        return self._model.score(prompts, continuations, top_k)


class Opens(Protocol):
    """Opens a cache, which is closed when the test is over."""

    def __call__(self, folder: Path, teacher: dict[str, Any] | None = None) -> TargetCache: ...


@pytest.fixture
def opened() -> Iterator[Opens]:
    with ExitStack() as stack:
        yield lambda folder, teacher=None: stack.enter_context(closing(TargetCache(folder, teacher)))


@pytest.fixture(scope="module")
def teacher(tiny_model_dir: Path) -> LocalModel:
    return LocalModel(tiny_model_dir, dtype="float32", synthetic=True)


def whole(teacher: LocalModel, lesson: Lesson) -> torch.Tensor:
    """The teacher's log-probabilities by one plain forward pass."""
    ids = torch.tensor([[*lesson.teacher_prompt, *lesson.answer]])
    with torch.no_grad():
        return torch.log_softmax(teacher.model(ids).logits[0, len(lesson.teacher_prompt) - 1 : -1], -1)


def test_what_was_captured_is_not_asked_for_again(tiny_model_dir: Path, tmp_path: Path, opened: Opens) -> None:
    teacher = Counting(tiny_model_dir, dtype="float32", synthetic=True)
    plan = lessons(teacher, RECORDS, PASSAGES, TEMPLATE, SECTION)
    assert [lesson.record for lesson in plan] == [record.id for record in RECORDS]
    first = opened(tmp_path, teacher.identity)
    summary = capture(teacher, plan[:3], SECTION, first, Progress("targets"))
    first.close()
    assert (summary["num_reused"], summary["num_sequences"], teacher.num_read) == (0, 3, 3)
    again = opened(tmp_path, teacher.identity)
    summary = capture(teacher, [*reversed(plan), plan[0]], SECTION, again, Progress("targets"))
    assert (summary["num_sequences"], summary["num_reused"], teacher.num_read) == (13, 4, 12)
    assert summary["num_tokens"] == sum(len(lesson.answer) for lesson in [*plan, plan[0]])
    for lesson in plan:
        target = again.get(lesson.key)
        assert isinstance(target, Sparse)
        expected = whole(teacher, lesson)[target.rows, target.ids]
        torch.testing.assert_close(target.logprobs, expected, rtol=0, atol=1e-4)
    other = lessons(teacher, RECORDS, PASSAGES, TEMPLATE, TargetsSection(codec="top_k", top_k=7))
    assert not any(lesson.key in again for lesson in other)


@pytest.mark.parametrize("codec", ["nucleus", "sampled", "head_and_sampled", "hidden", "full", "top_k"])
def test_every_codec_is_captured_certified_and_near_the_teacher(teacher: LocalModel, tmp_path: Path, opened: Opens, codec: str) -> None:
    section = TargetsSection.model_validate({"codec": codec, "nats_per_byte": 1e-6, "top_k": 390, "precision": "float32"})
    plan = lessons(teacher, RECORDS, PASSAGES, TEMPLATE, section)
    cache = opened(tmp_path, teacher.identity)
    summary = capture(teacher, plan, section, cache, Progress("targets"))
    certificate = summary["certificate"]
    assert read_certificates(tmp_path) == [certificate]
    assert certificate["num_sequences"] == 8
    assert certificate["bytes_per_token"] == summary["bytes_per_token"] > 0
    full = torch.cat([whole(teacher, lesson) for lesson in plan]).exp()
    found = torch.cat([dense(cache.get(lesson.key, teacher.plain_head), 400) for lesson in plan])
    if "sampled" in codec:
        assert certificate["kl"] is None
        assert certificate["total_variation"] > 0.05
        # The mean over positions of an unbiased estimate: each of 400 ids within 5 standard errors.
        errors = (full * (1 - full) / section.draws).sum(0).sqrt() / len(full)
        assert ((found.mean(0) - full.mean(0)).abs() <= 5 * errors + 1e-6).all()
    else:
        assert certificate["kl"] < 0.02
        assert certificate["gradient_cosine"] > 0.95
        assert 0.5 * (found - full).abs().sum(-1).mean() < 0.02
        held = {key for told in cache.shards() for key, _ in told["held_out"]}
        held_kl = [
            torch.special.xlogy(p, p / q).sum(-1)
            for lesson in plan
            if lesson.key in held
            for p, q in [(whole(teacher, lesson).exp().double(), dense(cache.get(lesson.key, teacher.plain_head), 400))]
        ]
        # Sequences of at most 32 tokens are held out whole, so the certificate can be computed again from plain passes.
        assert max(len(lesson.answer) for lesson in plan) <= 32
        assert certificate["kl"] == pytest.approx(float(torch.cat(held_kl)[:256].mean()), abs=2e-5)


def test_the_gradient_cosine_is_that_of_the_heads_gradients(teacher: LocalModel, tmp_path: Path, opened: Opens) -> None:
    """Against autograd on a whole head: the student is the teacher's head divided by 1.5 on the teacher's states."""
    section = TargetsSection(codec="top_k", top_k=20)
    plan = lessons(teacher, RECORDS[:8], PASSAGES, TEMPLATE, section)
    cache = opened(tmp_path, teacher.identity)
    certificate = capture(teacher, plan, section, cache, Progress("targets"))["certificate"]
    gradients: list[torch.Tensor] = []
    states = dict(teacher.states([lesson.teacher_prompt for lesson in plan], [lesson.answer for lesson in plan]))
    held = {key: positions for told in cache.shards() for key, positions in told["held_out"]}
    for full in (True, False):
        head = (teacher.plain_head().clone() / 1.5).requires_grad_()
        loss = torch.zeros(())
        left = 256
        for place, lesson in sorted(enumerate(plan), key=lambda pair: pair[1].key):
            positions = held[lesson.key][:left]
            left -= len(positions)
            hidden = states[place][positions].clone()
            target = whole(teacher, lesson)[positions].exp() if full else dense(cache.get(lesson.key), 400)[positions].float()
            loss = loss - (target * torch.log_softmax(hidden @ head.T, -1)).sum()
        loss.backward()
        assert head.grad is not None
        gradients.append(head.grad.flatten().double())
    cosine = float(torch.nn.functional.cosine_similarity(gradients[0], gradients[1], dim=0))
    assert certificate["gradient_cosine"] == pytest.approx(cosine, abs=1e-4)
    assert certificate["gradient_cosine"] < 0.999


def test_a_teacher_that_names_its_best_tokens_fills_top_k_only(teacher: LocalModel, tmp_path: Path, opened: Opens) -> None:
    remote = ScoresOnly(teacher)
    cache = opened(tmp_path, remote.identity)
    with pytest.raises(ModelError, match="`endpoint` gives its best tokens only") as caught:
        capture(remote, lessons(remote, RECORDS, PASSAGES, TEMPLATE, NUCLEUS), NUCLEUS, cache, Progress("targets"))
    assert "codec: top_k" in caught.value.render()
    plan = lessons(remote, RECORDS, PASSAGES, TEMPLATE, SECTION)
    summary = capture(remote, plan, SECTION, cache, Progress("targets"))
    assert summary["certificate"] is None
    target = cache.get(plan[3].key)
    assert isinstance(target, Sparse)
    torch.testing.assert_close(target.logprobs, whole(teacher, plan[3])[target.rows, target.ids], rtol=0, atol=1e-4)


def test_an_answer_that_was_cut_off_is_refused(teacher: LocalModel, tmp_path: Path, opened: Opens) -> None:
    plan = lessons(teacher, RECORDS, PASSAGES, TEMPLATE, SECTION)
    assert {lesson.answer[-1] for lesson in plan} == {teacher.tokenizer.eos_token_id}
    cut_off = [*plan[:2], dataclasses.replace(plan[2], answer=plan[2].answer[:-1])]
    cache = opened(tmp_path)
    with pytest.raises(ModelError, match=f"1 answers do not end .* record {plan[2].record}"):
        capture(teacher, cut_off, SECTION, cache, Progress("targets"))
    assert len(cache) == 0


def rows_of(answers: Sequence[Sequence[int]], size: int, shift: int) -> list[Dense]:
    """Rows that like the token `shift` places after their own best: 0 is right."""
    found: list[Dense] = []
    for answer in answers:
        places = torch.arange(len(answer))
        liked = torch.tensor(answer)[(places + shift).clamp(0, len(answer) - 1)]
        found.append(Dense(torch.randn(len(answer), size).index_put_((places, liked), torch.tensor(6.0))))
    return found


@pytest.mark.parametrize("shift", [-1, 1])
def test_rows_that_stand_one_place_off_are_refused(shift: int) -> None:
    torch.manual_seed(0)
    answers = [torch.randperm(100)[:10].tolist() for _ in range(8)]
    refuse_shifted_rows(rows_of(answers, 100, 0), answers, synthetic=False)
    with pytest.raises(ModelError, match="before their own" if shift == 1 else "after their own"):
        refuse_shifted_rows(rows_of(answers, 100, shift), answers, synthetic=False)
    refuse_shifted_rows(rows_of(answers, 100, shift), answers, synthetic=True)


def test_a_shifted_teacher_is_refused_before_anything_is_stored(tiny_model_dir: Path, tmp_path: Path, opened: Opens) -> None:
    """A model that repeats what it reads, whose rows come one place late."""

    class Shifted(LocalModel):
        def distribution(self, states_TH: torch.Tensor) -> torch.Tensor:
            return torch.log_softmax(states_TH, -1)

        def states(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]) -> Iterator[tuple[int, torch.Tensor]]:
            for place, continuation in enumerate(continuations):
                rows = torch.nn.functional.one_hot(torch.tensor([*continuation]), 400) * 9.0
                yield place, rows.roll(self.late, 0)

        late = 0

    teacher = Shifted(tiny_model_dir, dtype="float32")
    plan = lessons(teacher, RECORDS, PASSAGES, TEMPLATE, NUCLEUS)
    cache = opened(tmp_path)
    teacher.late = 1
    with pytest.raises(ModelError, match="after their own"):
        capture(teacher, plan, NUCLEUS, cache, Progress("targets"))
    assert len(cache) == 0
    teacher.late = 0
    capture(teacher, plan, NUCLEUS, cache, Progress("targets"))
    assert len(cache) == len(RECORDS)


def test_what_is_held_out_depends_on_the_keys_alone() -> None:
    lengths = {f"{n:064x}": 3 + n % 90 for n in range(1000, 1300)}
    chosen = choose_held_out(lengths, 0, 0)
    assert len(chosen) == 9
    turned = choose_held_out(dict(reversed(lengths.items())), 0, 0)
    assert {key: positions.tolist() for key, positions in chosen.items()} == {key: positions.tolist() for key, positions in turned.items()}
    for key, positions in chosen.items():
        assert len(positions) == min(lengths[key], 32)
        assert sorted(set(positions.tolist())) == positions.tolist()
        assert positions.max() < lengths[key]
    assert choose_held_out(lengths, 9, 256) == {}
    assert len(choose_held_out(dict(list(lengths.items())[:20]), 8, 200)) == 0


def test_the_identity_holds_the_whole_map_of_tokens(tiny_model_dir: Path, tmp_path: Path) -> None:
    """One renamed token is another teacher, although sizes and weights are equal."""
    folder = tmp_path / "renamed"
    folder.mkdir()
    for path in tiny_model_dir.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    told = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = told["model"]["vocab"]
    swapped = sorted(vocabulary, key=vocabulary.get)[50:52]
    vocabulary[swapped[0]], vocabulary[swapped[1]] = vocabulary[swapped[1]], vocabulary[swapped[0]]
    (folder / "tokenizer.json").write_text(json.dumps(told), encoding="utf-8")
    one, other = LocalModel(tiny_model_dir, dtype="float32").identity, LocalModel(folder, dtype="float32").identity
    assert {name for name in one if one[name] != other[name]} == {"tokenizer", "vocabulary"}


def test_the_teacher_reads_the_passage_and_the_question() -> None:
    (message,) = open_book(RECORDS[0], PASSAGES, TEMPLATE)
    assert message.content == "Lines: Rules: a line can be suspended\nQuestion 0?"


def test_draws_differ_between_sequences_and_not_between_runs(teacher: LocalModel, tmp_path: Path, opened: Opens) -> None:
    section = TargetsSection(codec="sampled", draws=8)
    plan = lessons(teacher, RECORDS, PASSAGES, TEMPLATE, section)
    contents: list[list[list[int]]] = []
    for name, order in (("a", plan), ("b", plan[::-1])):
        cache = opened(tmp_path / name, teacher.identity)
        capture(teacher, order, section, cache, Progress("targets"))
        targets = [cache.get(lesson.key) for lesson in plan]
        contents.append([target.ids.tolist() for target in targets if isinstance(target, Sampled)])
    same = np.mean([one == other for one, other in zip(*contents, strict=True)])
    assert same > 0.8  # another order is another batch, whose rounding may move a draw
    assert len({str(ids[:8]) for ids in contents[0]}) > 6
