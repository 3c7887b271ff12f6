"""Tokenizers of three kinds, trained on the spot on a few lines: byte-level BPE, and SentencePiece's spelling as Gemma and Llama use it."""

import json
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from seodang.distill.align.vocabulary import Vocabulary, read_vocabulary

LINES = [
    "The customer can make and receive calls when the line is active and the phone has signal.",
    "An agent asks for the phone number, checks the bill, and transfers the customer to a human.",
    "고객의 회선이 정지되면 요금을 확인합니다. 고객이 전화를 받을 수 없으면 회선을 확인합니다.",
    "for index in range(10):\n    print(index)\n",
]


def byte_level(size: int, lines: list[str], specials: tuple[str, ...] = ("<|endoftext|>", "<|im_end|>")) -> PreTrainedTokenizerFast:
    """A byte-level BPE of `size` tokens; the last special token is its end, and nothing begins a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        lines, trainers.BpeTrainer(vocab_size=size, special_tokens=list(specials), initial_alphabet=alphabet, show_progress=False)
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=specials[-1])


def sentencepiece_like(prefix: bool) -> PreTrainedTokenizerFast:
    """A BPE on letters with one token for each byte of the others. `<bos>` begins a text; with `prefix`, so does a space."""
    trained = Tokenizer(models.BPE())
    spaces = normalizers.Replace(" ", "▁")
    trained.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), spaces]) if prefix else spaces
    trained.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=300, show_progress=False))
    vocabulary = {token: index for index, token in enumerate(["<unk>", "<bos>", "<eos>", *(f"<0x{byte:02X}>" for byte in range(256))])}
    learned = sorted(trained.get_vocab(), key=lambda token: trained.get_vocab()[token])
    vocabulary |= {token: len(vocabulary) + place for place, token in enumerate(learned)}
    merges: list[tuple[str, str]] = [(left, right) for left, right in json.loads(trained.to_str())["model"]["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = trained.normalizer
    stripped: list[Any] = [decoders.Strip(" ", 1, 0)] if prefix else []
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *stripped])
    tokenizer.add_special_tokens(["<unk>", "<bos>", "<eos>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>", unk_token="<unk>")


@pytest.fixture(scope="session")
def tokenizers() -> dict[str, PreTrainedTokenizerFast]:
    return {
        "byte_level": byte_level(400, LINES),
        "small_byte_level": byte_level(290, LINES[:1], ("<s>", "</s>")),
        "gemma_like": sentencepiece_like(prefix=False),
        "llama_like": sentencepiece_like(prefix=True),
    }


@pytest.fixture(scope="session")
def vocabularies(tokenizers: dict[str, PreTrainedTokenizerFast]) -> dict[str, Vocabulary]:
    return {name: read_vocabulary(tokenizer) for name, tokenizer in tokenizers.items()}
