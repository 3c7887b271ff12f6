"""Every token's bytes are known exactly, and together they are the text."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.core.errors import ModelError
from seodang.distill.align.spans import Spans, byte_spans, encode_spans
from seodang.distill.align.vocabulary import Vocabulary, read_vocabulary

KINDS = ["byte_level", "small_byte_level", "gemma_like", "llama_like"]
WRITTEN = ["", " ", "  two spaces", "한국어 문장입니다", "👩‍👩‍👧 🙂", "é e\u0301\n\n\tx", "a<0x41>b", "the customer", "\x00\x7f"]
TEXTS = st.one_of(st.sampled_from(WRITTEN), st.text().filter(lambda text: "▁" not in text))
Tokenizers = dict[str, Any]


def pieces(spans: Spans) -> list[bytes]:
    """What each token spells, cut out of the text."""
    data = spans.text.encode()
    return [data[start:stop] for start, stop in zip((0, *spans.ends), spans.ends, strict=False)]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_the_bytes_of_the_tokens_are_those_of_the_text(
    tokenizers: Tokenizers, vocabularies: dict[str, Vocabulary], kind: str, text: str
) -> None:
    spans = encode_spans(tokenizers[kind], vocabularies[kind], text)
    assert b"".join(pieces(spans)) == text.encode()
    assert list(spans.ids) == tokenizers[kind](text)["input_ids"]
    assert all(piece == b"" for piece in pieces(spans)[: spans.first])
    assert spans.stop == len(spans.ids)
    assert spans.end is None
    for token, piece in list(zip(spans.ids, pieces(spans), strict=True))[spans.first + 1 :]:
        assert piece == vocabularies[kind].pieces[token]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_what_the_tokenizer_decodes_up_to_a_token_ends_where_the_token_does(
    tokenizers: Tokenizers, vocabularies: dict[str, Vocabulary], kind: str, text: str
) -> None:
    """The oracle is the tokenizers library's own decoder, at every token that does not end inside a letter."""
    spans = encode_spans(tokenizers[kind], vocabularies[kind], text, add_special_tokens=False)
    for count, end in enumerate(spans.ends, 1):
        decoded: str = tokenizers[kind].backend_tokenizer.decode(list(spans.ids[:count]), skip_special_tokens=False)
        if "\ufffd" not in decoded:
            assert text.encode()[:end] == decoded.encode()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_a_token_lies_within_the_letters_that_the_library_gives_it(
    tokenizers: Tokenizers, vocabularies: dict[str, Vocabulary], kind: str, text: str
) -> None:
    """The library counts letters, so its spans are as wide or wider than the bytes."""
    spans = encode_spans(tokenizers[kind], vocabularies[kind], text, add_special_tokens=False)
    offsets = tokenizers[kind](text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    for start, stop, (first, last) in zip((0, *spans.ends), spans.ends, offsets, strict=False):
        assert len(text[:first].encode()) <= start <= stop <= len(text[:last].encode())


def test_a_letter_that_is_cut_into_tokens_has_all_its_bytes_once(tokenizers: Tokenizers, vocabularies: dict[str, Vocabulary]) -> None:
    for kind in ("small_byte_level", "gemma_like"):
        spans = encode_spans(tokenizers[kind], vocabularies[kind], "🙂", add_special_tokens=False)
        assert spans.ends == (1, 2, 3, 4)


def test_what_begins_and_ends_a_text_spells_nothing(tokenizers: Tokenizers, vocabularies: dict[str, Vocabulary]) -> None:
    ids = [*tokenizers["gemma_like"]("the line")["input_ids"], 2]
    spans = byte_spans(vocabularies["gemma_like"], ids, "the line")
    assert ids[0] == 1
    assert (spans.first, spans.stop, spans.end) == (1, len(ids) - 1, len(ids) - 1)
    assert (spans.ends[0], spans.ends[-2:]) == (0, (8, 8))


def test_a_special_token_that_is_written_out_is_text(tokenizers: Tokenizers, vocabularies: dict[str, Vocabulary]) -> None:
    text = "one<|im_end|>two"
    spans = encode_spans(tokenizers["byte_level"], vocabularies["byte_level"], text)
    assert vocabularies["byte_level"].end in spans.ids
    assert b"<|im_end|>" in pieces(spans)
    doubled = encode_spans(tokenizers["gemma_like"], vocabularies["gemma_like"], "<bos>a")
    assert pieces(doubled)[:2] == [b"", b"<bos>"]
    assert doubled.first == 1


@pytest.mark.parametrize("ids", [[2], [1, 2]])
def test_an_empty_answer_is_its_end(vocabularies: dict[str, Vocabulary], ids: list[int]) -> None:
    spans = byte_spans(vocabularies["gemma_like"], ids, "")
    assert (spans.first, spans.stop, spans.end) == (len(ids) - 1, len(ids) - 1, len(ids) - 1)


def test_a_piece_with_a_space_that_is_also_listed_as_added_is_spelled_with_a_space(tokenizers: Tokenizers) -> None:
    """Gemma's tokenizer lists its runs of spaces so."""
    from tokenizers import AddedToken, Tokenizer
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer.from_str(tokenizers["gemma_like"].backend_tokenizer.to_str())
    index = next(index for index in backend.encode("on the line").ids if "▁" in str(backend.id_to_token(index)))
    backend.add_tokens([AddedToken(backend.id_to_token(index), normalized=False)])
    listed = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<eos>")
    vocabulary = read_vocabulary(listed)
    spans = encode_spans(listed, vocabulary, "on the line")
    assert index in vocabulary.added - vocabulary.special
    assert index in spans.ids
    assert spans.ends[-1] == len("on the line")


def test_tokens_of_another_text_are_refused(tokenizers: Tokenizers, vocabularies: dict[str, Vocabulary]) -> None:
    ids = tokenizers["byte_level"]("the line")["input_ids"]
    with pytest.raises(ModelError, match=r"token 1 of \d+ .* is not what the text has there"):
        byte_spans(vocabularies["byte_level"], ids, "The line")
    with pytest.raises(ModelError, match="end before the text does"):
        byte_spans(vocabularies["byte_level"], ids[:-1], "the line")
    with pytest.raises(ModelError, match="id 100000, None"):
        byte_spans(vocabularies["byte_level"], [100000], "the line")


def test_a_tokenizer_that_changes_letters_is_refused(tokenizers: Tokenizers, vocabularies: dict[str, Vocabulary]) -> None:
    with pytest.raises(ModelError, match="is not what the text has there"):
        encode_spans(tokenizers["gemma_like"], vocabularies["gemma_like"], "a▁b")


def test_a_tokenizer_of_another_kind_is_refused() -> None:
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##b": 2}, unk_token="[UNK]"))
    tokenizer.decoder = decoders.WordPiece()
    with pytest.raises(ModelError, match="WordPiece") as refused:
        read_vocabulary(PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]"))
    assert refused.value.hint
