"""What is refused of a teacher and a student before nonsense is taught, and what is aligned of a pair with other tokens."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from seodang.core.errors import ModelError
from seodang.core.records import Record
from seodang.distill.align.target import Likelihoods
from seodang.models.chat_model import Sampling
from seodang.models.local import LocalModel
from seodang.models.reader import Reader
from seodang.pipeline.pairing import Pair, align, pair_of, refuse_other_tokens

ANSWER = "The lamp burns oil."


def records(*answers: str) -> list[Record]:
    return [Record("know", f"{number}?", answer, ("p",), "en") for number, answer in enumerate(answers)]


def changed(model: Path, folder: Path, file: str, change: Any) -> Path:
    shutil.copytree(model, folder)
    told = json.loads((folder / file).read_text(encoding="utf-8"))
    change(told)
    (folder / file).write_text(json.dumps(told), encoding="utf-8")
    return folder


def pair(teacher: Path, student: Path) -> Pair:
    return pair_of(Reader(teacher), Reader(student))


def likelihoods(one: Pair, answer: str) -> Likelihoods:
    return Likelihoods(*torch.full((2, len(one.teacher.encode_answer(answer))), -1.0))


def test_equal_tokenizers_pass(random_model: Path, tmp_path: Path) -> None:
    shutil.copytree(random_model, tmp_path / "student")
    refuse_other_tokens(pair(random_model, tmp_path / "student"), records(ANSWER), {})


def test_ids_that_spell_something_else_are_refused_though_no_answer_uses_them(random_model: Path, tmp_path: Path) -> None:
    """The answers are cut alike; the teacher's best alternatives would still be other tokens of the student."""

    def swap(told: dict[str, Any]) -> None:
        vocabulary = told["model"]["vocab"]
        first, second = (token for token in vocabulary if token in ("%", "&"))
        vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]

    found = pair(random_model, changed(random_model, tmp_path / "student", "tokenizer.json", swap))
    assert tuple(found.teacher.encode_answer(ANSWER)) == found.answer_ids(ANSWER)
    with pytest.raises(ModelError, match="2 ids of the vocabulary") as refused:
        refuse_other_tokens(found, records(ANSWER), {})
    for line in ("distill.loss: alm", "targets.codec: likelihoods"):
        assert line in refused.value.render()


def test_answers_that_are_cut_otherwise_are_refused(random_model: Path, tmp_path: Path) -> None:
    """One map of ids, other merges."""
    student = changed(random_model, tmp_path / "student", "tokenizer.json", lambda told: told["model"]["merges"].clear())
    with pytest.raises(ModelError, match="into other tokens") as refused:
        refuse_other_tokens(pair(random_model, student), records(ANSWER), {})
    assert "distill.loss: alm" in refused.value.render()


def test_a_student_of_the_same_tokens_that_does_not_stop_where_the_teacher_does_is_refused(random_model: Path, tmp_path: Path) -> None:
    """A base model of the family: it ends a text with another token, and would learn to write the chat's end and go on."""

    def other_end(told: dict[str, Any]) -> None:
        told["eos_token"] = "<|endoftext|>"

    student = changed(random_model, tmp_path / "student", "tokenizer_config.json", other_end)
    path = student / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"eos_token_id": 0}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"`<\|im_end\|>` special\).*write on; it stops at 0"):
        pair(random_model, student)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"eos_token_id": [0, 2]}), encoding="utf-8")
    found = pair(random_model, student)
    assert found.end == 2
    assert found.answer_ids("") == (2,)
    refuse_other_tokens(found, records(ANSWER), {})


def test_bytes_and_a_text_that_begins_with_a_token_are_aligned(random_model: Path, other_model: Path) -> None:
    """Byte-level tokens against SentencePiece's, whose texts begin with <bos> and whose rare letters are bytes."""
    for teacher, student in ((random_model, other_model), (other_model, random_model)):
        found = pair(teacher, student)
        taught = records(ANSWER, "등불 🙂", "two\n\nlines of  oil")
        targets, counts = align(found, taught, {record.id: likelihoods(found, record.answer) for record in taught}, {})
        assert counts == {"num_chunks": sum(len(target.chunks) for target in targets.values()), "num_unaligned": 0}
        for record in taught:
            target = targets[record.id]
            assert tuple(target.ids.tolist()) == found.answer_ids(record.answer)
            assert target.ids[-1] == found.end
            assert target.chunks.student[-1].tolist() == [len(target.ids) - 1, len(target.ids)]  # the ends are a chunk of their own
            assert target.chunks.teacher[-1].tolist() == [target.chunks.num_teacher - 1, target.chunks.num_teacher]
            spelled = found.student.tokenizer.decode(target.ids[:-1].tolist())
            assert spelled == record.answer


def test_an_answer_that_cannot_be_aligned_is_counted_and_none_at_all_is_refused(random_model: Path, tmp_path: Path) -> None:
    def lower(told: dict[str, Any]) -> None:
        told["normalizer"] = {"type": "Lowercase"}

    found = pair(random_model, changed(random_model, tmp_path / "student", "tokenizer.json", lower))
    taught = records("the lamp", ANSWER)
    kept = {record.id: likelihoods(found, record.answer) for record in taught}
    targets, counts = align(found, taught, kept, {})
    assert counts["num_unaligned"] == 1
    assert len(targets[taught[0].id].chunks) > 0
    assert len(targets[taught[1].id].chunks) == 0
    with pytest.raises(ModelError, match="none of 1 answers"):
        align(found, taught[1:], kept, {})


def test_reasoning_is_compared_and_aligned_with_the_answer_behind_it(tiny_switch_dir: Path, tmp_path: Path) -> None:
    """The answer is one token on both sides; what is thought before it is cut otherwise."""
    student = changed(tiny_switch_dir, tmp_path / "student", "tokenizer.json", lambda told: told["model"]["merges"].clear())
    found, taught = pair(tiny_switch_dir, student), records("%")
    refuse_other_tokens(found, taught, {})
    reasoning = {taught[0].id: "The customer has no signal."}
    with pytest.raises(ModelError, match="into other tokens"):
        refuse_other_tokens(found, taught, reasoning)
    num_teacher = len(found.teacher.encode_answer("%", reasoning[taught[0].id]))
    kept: dict[str, Any] = {taught[0].id: Likelihoods(*torch.full((2, num_teacher), -1.0))}
    targets, counts = align(found, taught, kept, reasoning)
    target = targets[taught[0].id]
    assert counts["num_unaligned"] == 0
    assert tuple(target.ids.tolist()) == found.answer_ids("%", reasoning[taught[0].id])
    assert (target.chunks.num_teacher, target.chunks.teacher[-1, 1].item()) == (num_teacher, num_teacher)
    assert "signal" in found.student.tokenizer.decode(target.ids.tolist())


def test_a_text_begins_as_all_texts_of_the_model_do(other_model: Path) -> None:
    """Gemma writes nonsense after a text that does not begin with its <bos>; token ids are taken as they stand."""
    model = LocalModel(other_model, dtype="float32", synthetic=True)
    ids, sampling = model.encode_text("The lamp"), Sampling(max_new_tokens=6)
    assert model.begins == [model.tokenizer.bos_token_id]
    assert ids[:1] != model.begins
    begun, bare, by_text = (model.complete([prompt], sampling)[0][0] for prompt in ([*model.begins, *ids], ids, "The lamp"))
    assert by_text == begun
    assert (by_text.num_prompt_tokens, bare.num_prompt_tokens) == (len(ids) + 1, len(ids))
    scores = [model.score([prompt], [ids], 0)[0].logprobs for prompt in (ids, [*model.begins, *ids])]
    assert scores[0] == scores[1]
