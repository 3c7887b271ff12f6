"""Chunks are the finest pieces that two tokenizers share: nothing is lost, doubled, empty or longer than it must be."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.distill.align.chunks import Chunks, chunk_sums, find_chunks, join, members
from seodang.distill.align.spans import Spans, byte_spans, encode_spans
from seodang.distill.align.vocabulary import Vocabulary

WORDS = ["the customer", " calls", "  ", "회선", "정지되면", "🙂", "\n", "<|im_end|>", "<bos>", "é", "x"]
TEXTS = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=8).map("".join).filter(lambda text: "<bos>" not in text),
    st.text(max_size=30).filter(lambda text: "▁" not in text),
)
KINDS = ["byte_level", "small_byte_level", "gemma_like", "llama_like"]
PAIRS = [("byte_level", "small_byte_level"), ("gemma_like", "byte_level"), ("small_byte_level", "llama_like"), ("llama_like", "gemma_like")]


def answer(tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], kind: str, text: str) -> Spans:
    """The text with what begins it, if anything does, and the token that ends it."""
    vocabulary = vocabularies[kind]
    spans = encode_spans(tokenizers[kind], vocabulary, text)
    assert vocabulary.end is not None
    return byte_spans(vocabulary, [*spans.ids, vocabulary.end], text, [*(i < spans.first for i in range(len(spans.ids))), True])


def bytes_of(spans: Spans, start: int, stop: int) -> bytes:
    return spans.text.encode()[spans.ends[start - 1] if start else 0 : spans.ends[stop - 1]]


@pytest.mark.parametrize(("one", "other"), PAIRS)
@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_chunks_cover_everything_once_and_spell_the_same_on_both_sides(
    tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], one: str, other: str, text: str
) -> None:
    teacher, student = (answer(tokenizers, vocabularies, kind, text) for kind in (one, other))
    chunks = find_chunks(teacher, student)
    for spans, slices in ((teacher, chunks.teacher), (student, chunks.student)):
        assert members(slices)[0].tolist() == list(range(spans.first, len(spans.ids)))
        assert (slices[:, 0] < slices[:, 1]).all()
    for (start, stop), (first, last) in zip(chunks.teacher.tolist(), chunks.student.tolist(), strict=True):
        assert bytes_of(teacher, start, stop) == bytes_of(student, first, last)
    assert chunks.followed.tolist() == [True] * (len(chunks) - 1) + [False]


@pytest.mark.parametrize(("one", "other"), PAIRS)
@settings(max_examples=50, deadline=None)
@given(text=TEXTS)
def test_no_chunk_could_be_cut_further(
    tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], one: str, other: str, text: str
) -> None:
    """Inside a chunk no byte is the end of a token on both sides, but for its last one."""
    teacher, student = (answer(tokenizers, vocabularies, kind, text) for kind in (one, other))
    chunks = find_chunks(teacher, student)
    for (start, stop), (first, last) in zip(chunks.teacher.tolist(), chunks.student.tolist(), strict=True):
        end = teacher.ends[stop - 1]
        begin = teacher.ends[start - 1] if start else 0
        ends_t, ends_s = teacher.ends[start:stop], student.ends[first:last]
        assert not (set(ends_t) & set(ends_s)) - {begin, end}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_equal_tokenizers_give_one_chunk_a_token(
    tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], kind: str, text: str
) -> None:
    spans = answer(tokenizers, vocabularies, kind, text)
    chunks = find_chunks(spans, spans)
    single = [[i, i + 1] for i in range(spans.first, len(spans.ids))]
    assert chunks.teacher.tolist() == chunks.student.tolist() == single


def test_a_token_that_begins_a_sequence_on_one_side_changes_no_chunk(
    tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary]
) -> None:
    text = "the customer calls"
    student = answer(tokenizers, vocabularies, "byte_level", text)
    with_begin = answer(tokenizers, vocabularies, "gemma_like", text)
    without = byte_spans(vocabularies["gemma_like"], with_begin.ids[1:], text)
    found, plain = find_chunks(with_begin, student), find_chunks(without, student)
    assert with_begin.first == 1
    assert len(found) == len(plain) > 3
    assert (found.teacher - 1).tolist() == plain.teacher.tolist()
    assert found.student.tolist() == plain.student.tolist()


def test_an_end_on_one_side_alone_is_in_no_chunk(tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary]) -> None:
    text = "the customer"
    ended = answer(tokenizers, vocabularies, "byte_level", text)
    open_ = encode_spans(tokenizers["llama_like"], vocabularies["llama_like"], text)
    chunks = find_chunks(ended, open_)
    assert chunks.teacher[-1, 1] == len(ended.ids) - 1
    assert not chunks.followed[-1]


def test_a_special_token_written_out_is_the_letters_of_the_other_side(
    tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary]
) -> None:
    text = "one<|im_end|>two"
    one, other = answer(tokenizers, vocabularies, "byte_level", text), answer(tokenizers, vocabularies, "gemma_like", text)
    chunks = find_chunks(one, other)
    assert b"<|im_end|>" in [bytes_of(one, start, stop) for start, stop in chunks.teacher.tolist()]


def test_an_empty_answer_has_one_chunk(vocabularies: dict[str, Vocabulary]) -> None:
    one, other = byte_spans(vocabularies["gemma_like"], [1, 2], ""), byte_spans(vocabularies["byte_level"], [1], "")
    chunks = find_chunks(one, other)
    assert (chunks.teacher.tolist(), chunks.student.tolist()) == ([[1, 2]], [[0, 1]])


def test_different_texts_are_refused(tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary]) -> None:
    with pytest.raises(ValueError, match="different texts"):
        find_chunks(*(answer(tokenizers, vocabularies, "byte_level", text) for text in ("one", "two")))


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_joined_chunks_are_those_of_each_text(tokenizers: dict[str, Any], vocabularies: dict[str, Vocabulary], texts: list[str]) -> None:
    draw = torch.Generator().manual_seed(0)
    parts: list[Chunks] = []
    values: list[torch.Tensor] = []
    for text in texts:
        parts.append(find_chunks(*(answer(tokenizers, vocabularies, kind, text) for kind in ("gemma_like", "byte_level"))))
        values.append(torch.rand(parts[-1].num_teacher, generator=draw))
    whole = join(parts)
    alone = torch.cat([chunk_sums(value, part.teacher) for value, part in zip(values, parts, strict=True)])
    assert chunk_sums(torch.cat(values), whole.teacher).tolist() == alone.tolist()
    assert whole.num_student == sum(part.num_student for part in parts)
    assert whole.followed.tolist() == torch.cat([part.followed for part in parts]).tolist()
