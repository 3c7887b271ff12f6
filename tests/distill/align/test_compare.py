"""Vocabularies are compared by what their ids spell, and an answer's end by whether the student stops there."""

import json
from typing import Any

import pytest
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from seodang.core.errors import ModelError
from seodang.distill.align.boundary import boundary_tokens
from seodang.distill.align.compare import compare_vocabularies, require_end_token, require_equal_vocabularies
from seodang.distill.align.vocabulary import Vocabulary, read_vocabulary


def changed(tokenizer: Any, swap: tuple[int, int] | None = None, added: tuple[str, bool] | None = None) -> PreTrainedTokenizerFast:
    """The tokenizer with two ids of its vocabulary swapped, or with one more token, which is special or not."""
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    if swap:
        vocabulary: dict[str, int] = described["model"]["vocab"]
        by_id = {index: token for token, index in vocabulary.items()}
        vocabulary[by_id[swap[0]]], vocabulary[by_id[swap[1]]] = swap[1], swap[0]
    other = Tokenizer.from_str(json.dumps(described))
    if added:
        (other.add_special_tokens if added[1] else other.add_tokens)([added[0]])
    return PreTrainedTokenizerFast(tokenizer_object=other, eos_token=tokenizer.eos_token)


def test_a_tokenizer_is_equal_to_itself(tokenizers: dict[str, Any]) -> None:
    found = require_equal_vocabularies(tokenizers["byte_level"], changed(tokenizers["byte_level"]))
    assert found.equal
    assert found.common_ids == tuple(range(len(tokenizers["byte_level"])))


def test_equal_sizes_with_another_map_differ(tokenizers: dict[str, Any]) -> None:
    own, other = tokenizers["byte_level"], changed(tokenizers["byte_level"], swap=(301, 299))
    assert len(own) == len(other)
    found = compare_vocabularies(own, other)
    assert (found.differing_ids, found.differing_added) == ((299, 301), ())
    assert len(found.common_ids) == len(own) - 2
    with pytest.raises(ModelError, match=r"2 ids of the vocabulary of \d+ differ: 299 \(teacher `.+`, student `.+`\)") as refused:
        require_equal_vocabularies(own, other)
    assert refused.value.hint is not None
    assert "leave out the arm `distilled`" in refused.value.hint


def test_an_added_token_and_one_that_is_special_on_one_side_differ(tokenizers: dict[str, Any]) -> None:
    own = tokenizers["byte_level"]
    think, control = changed(own, added=("<think>", False)), changed(own, added=("<think>", True))
    for one, other in ((own, think), (think, own), (think, control)):
        found = compare_vocabularies(one, other)
        assert (found.differing_ids, found.differing_added) == ((), (len(own),))
        assert "1 added or special ids" in found.describe()


def test_different_kinds_share_only_what_is_spelled_alike(tokenizers: dict[str, Any]) -> None:
    found = compare_vocabularies(tokenizers["byte_level"], tokenizers["gemma_like"])
    assert not found.equal
    for index in found.common_ids:
        assert found.teacher.pieces[index] == found.student.pieces[index]


def test_every_byte_and_letter_is_spelled_as_the_library_decodes_it(tokenizers: dict[str, Any]) -> None:
    """The oracle is the library's decoder, on every token alone."""
    for kind in ("byte_level", "gemma_like"):
        vocabulary = read_vocabulary(tokenizers[kind])
        for index, piece in enumerate(vocabulary.pieces):
            decoded = tokenizers[kind].backend_tokenizer.decode([index], skip_special_tokens=False)
            assert piece is not None
            assert piece.decode(errors="replace") == decoded
    single = {piece for piece in read_vocabulary(tokenizers["byte_level"]).pieces if piece and len(piece) == 1}
    assert single == {bytes([byte]) for byte in range(256)}


def test_the_end_of_an_answer_must_stop_the_student(vocabularies: dict[str, Vocabulary]) -> None:
    """A base model of the family ends at another token: it would learn to write the chat's end and go on."""
    own = vocabularies["byte_level"]
    assert require_end_token(own, 1, own, {0, 1}) == 1
    with pytest.raises(
        ModelError, match=r"id 1 \(`<\|im_end\|>` special\); the student would end it with id 1 .* it stops at 0"
    ) as refused:
        require_end_token(own, 1, own, {0})
    assert refused.value.hint is not None
    assert "eos_token_id" in refused.value.hint


def test_a_student_without_the_teachers_end_takes_its_own(vocabularies: dict[str, Vocabulary]) -> None:
    teacher, student = vocabularies["byte_level"], vocabularies["gemma_like"]
    assert require_end_token(teacher, 1, student, {2}) == 2
    with pytest.raises(ModelError, match="it stops at no token"):
        require_end_token(teacher, 1, student, set())
    endless = Vocabulary("endless", student.pieces, student.added, student.special, None)
    with pytest.raises(ModelError, match="has no such token and no end"):
        require_end_token(teacher, 1, endless, {2})


def test_words_begin_with_a_space_or_end_with_a_special_token(vocabularies: dict[str, Vocabulary]) -> None:
    for vocabulary in vocabularies.values():
        flags = boundary_tokens(vocabulary, len(vocabulary.pieces) + 3).tolist()
        assert flags[-3:] == [False] * 3
        for flag, piece, index in zip(flags, vocabulary.pieces, range(len(flags)), strict=False):
            assert piece is not None
            assert flag == (piece.startswith((b" ", b"\t", b"\n", b"\r", b"\x0b", b"\x0c")) or index in vocabulary.special)
