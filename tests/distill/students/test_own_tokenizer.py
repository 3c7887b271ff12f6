"""A tokenizer of the student's own: learned from the texts alone, and its answers end as the teacher's do."""

import shutil
from pathlib import Path

import pytest
from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from seodang.core.errors import ModelError
from seodang.core.files import read_json, write_json
from seodang.distill.align.vocabulary import read_vocabulary
from seodang.distill.students.make import make_student
from seodang.distill.students.own_tokenizer import make_own_start
from seodang.distill.students.section import StudentSection
from seodang.export.gguf_tokenizer import read_tokenizer
from seodang.models.chat_model import Message
from seodang.models.reader import Reader
from seodang.pipeline.pairing import pair_of

TEXTS = [
    "The keeper trims the wick of the lamp before the lamp burns down.",
    "등대지기는 해가 지기 전에 등불을 켭니다. 등불은 기름을 태웁니다.",
    "use trim_wick when the flame of the lamp smokes",
] * 2
FILES = ["tokenizer.json", "tokenizer_config.json", "config.json", "generation_config.json", "chat_template.jinja"]


def test_texts_in_any_order_give_equal_files(tiny_model_dir: Path, tmp_path: Path) -> None:
    told = make_own_start(tiny_model_dir, tmp_path / "one", TEXTS, 300)
    make_own_start(tiny_model_dir, tmp_path / "other", TEXTS[::-1], 300)
    assert told == {"num_tokens": 300, "special_tokens": told["special_tokens"]}
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes(), name
    assert not list((tmp_path / "one").glob("*.safetensors"))


def test_template_and_ends_are_those_of_the_source(tiny_model_dir: Path, tmp_path: Path) -> None:
    make_own_start(tiny_model_dir, tmp_path, TEXTS, 300)
    old, own = Reader(tiny_model_dir), Reader(tmp_path)
    conversation = [Message("user", "등불이 smokes?")]
    assert own.tokenizer.decode(own.encode_chat(conversation)) == old.tokenizer.decode(old.encode_chat(conversation))
    assert own.encode_chat(conversation) != old.encode_chat(conversation)
    end = own.encode_answer("")[-1]
    assert own.tokenizer.convert_ids_to_tokens(end) == old.tokenizer.eos_token == "<|im_end|>"
    assert own.stop_ids == {end}
    generation = GenerationConfig.from_pretrained(tmp_path)
    assert (generation.eos_token_id, generation.bos_token_id) == (end, own.tokenizer.bos_token_id)


def test_a_student_stops_wherever_its_source_does(tiny_model_dir: Path, tmp_path: Path) -> None:
    """Also at an end that a teacher of the family writes and the source's tokenizer does not name."""
    shutil.copytree(tiny_model_dir, tmp_path / "source")
    for file, told in (("tokenizer_config.json", {"eos_token": "<|endoftext|>"}), ("generation_config.json", {"eos_token_id": [0, 2, 77]})):
        write_json(tmp_path / "source" / file, read_json(tmp_path / "source" / file) | told)
    make_own_start(tmp_path / "source", tmp_path / "own", TEXTS, 300)
    own = Reader(tmp_path / "own")
    assert own.tokenizer.eos_token == "<|endoftext|>"
    assert set(own.tokenizer.convert_ids_to_tokens(list(own.stop_ids))) == {"<|endoftext|>", "<|im_end|>"}
    assert pair_of(Reader(tiny_model_dir), own).end == own.tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_any_text_round_trips_and_what_was_read_costs_fewer_tokens(tiny_model_dir: Path, tmp_path: Path) -> None:
    make_own_start(tiny_model_dir, tmp_path, TEXTS, 340)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for text in (*TEXTS, "unheard-of 🙂\n\tword", "  two  spaces"):
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text
    assert len(tokenizer("The keeper trims the wick")["input_ids"]) < len("The keeper trims the wick") / 2
    pieces = read_vocabulary(tokenizer).pieces
    assert {bytes([byte]) for byte in range(256)} <= set(pieces)


def test_a_fresh_student_has_a_row_for_each_of_its_tokens(tiny_model_dir: Path, tmp_path: Path) -> None:
    make_own_start(tiny_model_dir, tmp_path, TEXTS, 300)
    student = make_student(tmp_path, StudentSection(method="fresh", vocabulary_size=300, num_layers=1), [], seed=0)
    assert student.get_input_embeddings().weight.shape[0] == AutoConfig.from_pretrained(tmp_path).vocab_size == 300
    assert read_tokenizer(tmp_path, 300).pre == "gpt-2"  # llama.cpp can run it


def test_few_texts_give_fewer_tokens_than_were_asked_for(tiny_model_dir: Path, tmp_path: Path) -> None:
    told = make_own_start(tiny_model_dir, tmp_path, ["ab"], 4000)
    assert told["num_tokens"] == AutoConfig.from_pretrained(tmp_path).vocab_size < 300


def test_a_vocabulary_without_room_for_the_bytes_is_refused(tiny_model_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no room for 256 bytes and 3 special tokens") as refused:
        make_own_start(tiny_model_dir, tmp_path, TEXTS, 258)
    assert "to 259 at least" in refused.value.render()


def test_only_a_fresh_student_has_a_tokenizer_of_its_own() -> None:
    with pytest.raises(ValueError, match="`vocabulary_size` is not used by the method `lora`"):
        StudentSection(vocabulary_size=300)
