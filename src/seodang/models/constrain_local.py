"""Constrained decoding here: at each step, only the tokens with which the answer can still come to fit are left to choose from.

The automaton over a tokenizer's bytes is llguidance's (Apache-2.0 and MIT, in Rust), which knows JSON Schema and reports what it cannot
hold an answer to; nothing is loosened in silence.
"""

import importlib.util
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from seodang.core.errors import ModelError
from seodang.models.constrain import Choice, Constraint, JsonSchema

Restrict = Callable[[torch.Tensor, Sequence[int], Sequence[Sequence[int]]], torch.Tensor]


def available() -> bool:
    """Whether the library that constrained decoding needs is installed."""
    return importlib.util.find_spec("llguidance") is not None


def bytes_of(tokenizer: Any, num_tokens: int, stop_ids: Sequence[int]) -> Any:
    """The bytes of a tokenizer's tokens as llguidance keeps them; `num_tokens` is the width of the model's logits. Takes about 1 s for
    100,000 tokens. ModelError where it cannot read the tokenizer."""
    if not available():
        raise ModelError("constrained decoding needs llguidance, which is not installed", hint="pip install 'seodang[data]'")
    from llguidance.hf import from_tokenizer

    try:
        return from_tokenizer(tokenizer, n_vocab=num_tokens, eos_token=sorted(stop_ids))
    except ValueError as error:
        raise ModelError(
            f"no constraint can be put on this tokenizer: {str(error).splitlines()[0]}", hint="use a model with a fast tokenizer"
        ) from error


def restriction(vocabulary: Any, constraints: Sequence[Constraint]) -> Restrict:
    """A function of the next logits (B, V), of the answers to which the rows belong, and of what each answer has so far.

    It gives the logits back with minus infinity for every token after which the answer could not come to fit. `constraints` has one
    for each answer. ModelError where one cannot be held to.
    """
    from llguidance import LLMatcher

    compiled: dict[str, Any] = {}

    def matcher(constraint: Constraint) -> Any:
        grammar = _grammar(constraint)
        if grammar not in compiled:
            failed, words = LLMatcher.validate_grammar_with_warnings(grammar, vocabulary)
            if failed:
                raise ModelError(
                    f"no answer can be held to this {constraint.kind}: {' '.join(words[0].split())}",
                    hint="use a simpler schema or pattern (no look-around, no back-references)",
                )
            compiled[grammar] = LLMatcher(vocabulary, grammar)
        return compiled[grammar].deep_copy()

    matchers = [matcher(constraint) for constraint in constraints]
    num_read = [0] * len(matchers)

    def restrict(logits_BV: torch.Tensor, answers: Sequence[int], found: Sequence[Sequence[int]]) -> torch.Tensor:
        allowed = [_allowed(matchers[answer], found[answer][num_read[answer] :]) for answer in answers]
        for answer in answers:
            num_read[answer] = len(found[answer])
        mask_BV = torch.from_numpy(np.stack(allowed)).to(logits_BV.device)
        return logits_BV.float().masked_fill(~mask_BV, float("-inf"))

    return restrict


def _allowed(matcher: Any, new: Sequence[int]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if new:
        matcher.consume_tokens(list(new))
    if matcher.is_error():
        raise ModelError(f"a constraint could not be followed: {matcher.get_error()}", hint="use a simpler schema or pattern")
    return np.frombuffer(matcher.compute_logit_bias(), dtype=np.uint8) != 0


def _grammar(constraint: Constraint) -> str:
    from llguidance import LLMatcher

    if isinstance(constraint, JsonSchema):
        # One way to write each value, as json.dumps does.
        return LLMatcher.grammar_from_json_schema(
            dict(constraint.schema), overrides={"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
        )
    if isinstance(constraint, Choice):
        return LLMatcher.grammar_from_lark("start: " + " | ".join(json.dumps(text, ensure_ascii=False) for text in constraint.texts))
    return LLMatcher.grammar_from_regex(constraint.pattern)
