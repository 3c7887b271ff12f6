"""Likelihoods of the written tokens are kept once and serve students of any tokenizer."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import torch

from seodang.core.errors import ModelError
from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.distill.align.boundary import boundary_tokens
from seodang.distill.align.target import Aligner, Likelihoods
from seodang.distill.align.vocabulary import read_vocabulary
from seodang.distill.section import TargetsSection
from seodang.distill.students.own_tokenizer import make_own_start
from seodang.distill.targets.cache import TargetCache
from seodang.distill.targets.capture import Lesson, capture, lessons
from seodang.distill.targets.folder import read_certificates
from seodang.models.local import LocalModel
from seodang.models.reader import Reader

PASSAGES = {"p": Passage("policy.md", 0, 5, "- x", "Lines", "Rules:", "a line can be suspended", "en", "MIT")}
TEMPLATE = {"know": "{passages}\n{question}"}
RECORDS = [Record("know", f"Question {n}?", f"a line can be suspended {n} times 회선", ("p",), "en") for n in range(12)]
SECTION = TargetsSection(codec="likelihoods")


class Counting(LocalModel):
    """Counts the sequences that it reads, and gives the rows of `late` places before."""

    num_read = late = 0

    def states(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]) -> Iterator[tuple[int, torch.Tensor]]:
        self.num_read += len(prompts)
        for place, states in super().states(prompts, continuations):
            yield place, states.roll(self.late, 0)


@pytest.fixture
def teacher(tiny_model_dir: Path) -> Counting:
    return Counting(tiny_model_dir, dtype="float32", synthetic=True)


def plan_of(teacher: LocalModel) -> list[Lesson]:
    return lessons(teacher, RECORDS, PASSAGES, TEMPLATE, SECTION)


def test_both_numbers_are_those_of_a_plain_pass(teacher: Counting, tmp_path: Path) -> None:
    begins = boundary_tokens(read_vocabulary(teacher.tokenizer))
    with closing(TargetCache(tmp_path, teacher.identity)) as cache:
        summary = capture(teacher, plan_of(teacher), SECTION, cache, Progress("targets"))
        for lesson in plan_of(teacher):
            ids = torch.tensor([[*lesson.teacher_prompt, *lesson.answer]])
            with torch.no_grad():
                logprobs = torch.log_softmax(teacher.model(ids).logits[0, len(lesson.teacher_prompt) - 1 : -1].double(), -1)
            kept = cache.get(lesson.key)
            assert isinstance(kept, Likelihoods)
            own = logprobs.gather(1, torch.tensor(lesson.answer)[:, None])[:, 0]
            torch.testing.assert_close(kept.logprobs.double(), own, rtol=0, atol=1e-4)
            torch.testing.assert_close(kept.boundary.double(), logprobs.exp()[:, begins].sum(-1).log(), rtol=0, atol=1e-4)
    assert summary["bytes_per_token"] == 8.0


def test_its_certificate_says_that_it_is_no_distribution_and_how_exact_it_is(teacher: Counting, tmp_path: Path) -> None:
    with closing(TargetCache(tmp_path, teacher.identity)) as cache:
        certificate = capture(teacher, plan_of(teacher), SECTION, cache, Progress("targets"))["certificate"]
        again = capture(teacher, plan_of(teacher)[:1], SECTION, cache, Progress("targets"))["certificate"]
    assert [certificate[name] for name in ("kl", "total_variation", "gradient_cosine")] == [None] * 3
    assert 0 <= certificate["largest_difference"] < 1e-4
    assert certificate["num_sequences"] == 8
    assert certificate["bytes_per_token"] == 8.0
    assert again is not None
    assert len(read_certificates(tmp_path)) == 1


def test_students_with_tokenizers_of_their_own_share_one_capture(teacher: Counting, tiny_model_dir: Path, tmp_path: Path) -> None:
    """What is kept is keyed by the teacher's tokens; a student's tokens only say how it is looked at."""
    answers = {record.id: record.answer for record in RECORDS}
    found: list[list[int]] = []
    for size in (0, 280, 330):
        plan = plan_of(teacher)
        before = teacher.num_read
        with closing(TargetCache(tmp_path / "cache", teacher.identity)) as cache:
            summary = capture(teacher, plan, SECTION, cache, Progress("targets"))
            assert summary["num_reused"] == (len(RECORDS) if size else 0)
            assert (teacher.num_read == before) == bool(size)
            folder = tiny_model_dir
            if size:
                folder = tmp_path / str(size)
                make_own_start(tiny_model_dir, folder, list(answers.values()), size)
            student = Reader(folder)
            aligner = Aligner(teacher.tokenizer, student.tokenizer)
            ids = {x.record: (x.answer, student.encode_answer(answers[x.record])) for x in plan}
            targets = [aligner.align((answers[x.record], answers[x.record]), ids[x.record], cache.get(x.key)) for x in plan]
        assert aligner.num_unaligned == 0
        assert all(target.chunks.num_teacher == len(lesson.answer) for target, lesson in zip(targets, plan, strict=True))
        found.append([target.chunks.num_student for target in targets])
    assert len({tuple(row) for row in found}) == 3


def test_rows_that_come_late_are_refused_before_anything_is_stored(teacher: Counting, tmp_path: Path) -> None:
    """A model that predicts the written tokens, whose rows are then moved by one place."""
    plan = plan_of(teacher)
    teacher.synthetic = False
    train_on(teacher, plan)
    teacher.late = 1
    with closing(TargetCache(tmp_path, teacher.identity)) as cache:
        with pytest.raises(ModelError, match="do not stand at their tokens"):
            capture(teacher, plan, SECTION, cache, Progress("targets"))
        assert [key for key in (lesson.key for lesson in plan) if key in cache] == []
        teacher.late = 0
        capture(teacher, plan, SECTION, cache, Progress("targets"))
        assert len(cache) == len(RECORDS)


def train_on(teacher: LocalModel, plan: Sequence[Lesson]) -> None:
    """A few steps on the answers, so that the teacher is not as good as random."""
    ids = [torch.tensor([[*lesson.teacher_prompt, *lesson.answer]]) for lesson in plan[:3]]
    teacher.model.train().requires_grad_(True)
    optimizer = torch.optim.AdamW(teacher.model.parameters(), lr=3e-3)
    for step in range(30):
        optimizer.zero_grad()
        row = ids[step % len(ids)]
        teacher.model(row, labels=row).loss.backward()
        optimizer.step()
    teacher.model.eval()


def test_a_teacher_that_names_its_best_tokens_cannot_fill_it(teacher: Counting, tmp_path: Path) -> None:
    class Endpoint:
        name, synthetic, identity = "endpoint", True, {"kind": "endpoint"}
        chat, score = teacher.chat, teacher.score
        encode_chat, encode_answer, encode_text = teacher.encode_chat, teacher.encode_answer, teacher.encode_text

    plan = plan_of(teacher)
    with closing(TargetCache(tmp_path)) as cache, pytest.raises(ModelError, match="`likelihoods` needs whole distributions"):
        capture(Endpoint(), plan, SECTION, cache, Progress("targets"))
