"""A tokenizer of bytes and a few special tokens, with the interface of transformers' tokenizers, and a model of chance over its ids."""

import re
from functools import cache
from typing import Any

import numpy as np

SPECIAL = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>", "<think>", "</think>")
VOCABULARY = 256 + len(SPECIAL)
_PIECES = re.compile("(" + "|".join(re.escape(name) for name in SPECIAL) + ")")


class ByteTokenizer:
    """Id b is the byte b; the special tokens follow. `shift` makes another tokenizer of the same size out of it."""

    eos_token_id = 256

    def __init__(self, shift: int = 0) -> None:
        self._shift = shift

    def __call__(self, text: str, *, add_special_tokens: bool = False) -> dict[str, list[int]]:
        ids: list[int] = []
        for piece in _PIECES.split(text):
            if piece in SPECIAL:
                ids.append(256 + SPECIAL.index(piece))
            else:
                ids += [(byte + self._shift) % 256 for byte in piece.encode()]
        return {"input_ids": ids}

    def decode(self, ids: list[int]) -> str:
        parts = [bytes([(i - self._shift) % 256]) if i < 256 else SPECIAL[i - 256].encode() for i in ids]
        return b"".join(parts).decode("utf-8", "replace")

    def apply_chat_template(self, conversation: list[dict[str, str]], **options: Any) -> str:
        """Turns of `<|role|>text<|end|>`. Without thinking the assistant's turn begins with an empty block, as in A.X K1's family."""
        text = "".join(f"<|{row['role']}|>{row['content']}<|end|>" for row in conversation)
        if options.get("add_generation_prompt"):
            text += "<|assistant|>" + ("<think>" if options.get("enable_thinking") else "<think></think>")
        return text


@cache
def logprobs_after(before: int, last: int) -> tuple[float, ...]:
    """Natural-log probabilities of the next id after two others, shape (V,): always the same, and far from uniform."""
    logits = np.random.default_rng([before, last]).normal(0.0, 2.0, VOCABULARY)
    return tuple((logits - np.logaddexp.reduce(logits)).tolist())


def next_logprobs(ids: list[int]) -> tuple[float, ...]:
    """The distribution after `ids`."""
    return logprobs_after(ids[-2] if len(ids) > 1 else 0, ids[-1])
