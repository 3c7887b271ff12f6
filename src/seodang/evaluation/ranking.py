"""Log-probabilities of continuations, cut into tokens as lm-eval cuts them, so that both score the same ids.

A continuation's tokens are those that the whole text has beyond the number of the context's, and they follow the context's own; white space
at a context's end belongs to the continuation. Source: EleutherAI lm-evaluation-harness 0.4.13, `TemplateLM._encode_pair`.
"""

from collections.abc import Sequence

from seodang.core.errors import ModelError
from seodang.evaluation.task import Likelihood, Rank
from seodang.models.chat_model import ChatModel, Scores, TokenTargets, require


def rank(model: ChatModel, requests: Sequence[Rank]) -> list[tuple[Likelihood, ...]]:
    """The likelihoods of every request's continuations, in order. ModelError where a model cannot score, or a continuation is empty."""
    scorer = require(model, Scores, "ranking continuations")
    pairs = [pair for request in requests for pair in encode_pairs(scorer, request)]
    targets = scorer.score([context for context, _ in pairs], [continuation for _, continuation in pairs], 1)
    found = [_likelihood(target, continuation) for target, (_, continuation) in zip(targets, pairs, strict=True)]
    ends = iter(found)
    return [tuple(next(ends) for _ in request.continuations) for request in requests]


def _likelihood(target: TokenTargets, continuation: list[int]) -> Likelihood:
    greedy = all(best[0] == token for best, token in zip(target.top_ids, continuation, strict=True))
    return Likelihood(sum(target.logprobs), len(continuation), greedy)


def encode_pairs(scorer: Scores, request: Rank) -> list[tuple[list[int], list[int]]]:
    """Token ids of (context, continuation) for each continuation of a request."""
    if not isinstance(request.context, str):
        context = scorer.encode_chat(request.context)
        return [_checked(context, scorer.encode_text(text), text) for text in request.continuations]
    bare = request.context.rstrip()
    moved = request.context[len(bare) :]
    start = scorer.encode_text(bare)
    pairs: list[tuple[list[int], list[int]]] = []
    for text in request.continuations:
        pairs.append(_checked(start, scorer.encode_text(bare + moved + text)[len(start) :], text))
    return pairs


def _checked(context: list[int], continuation: list[int], text: str) -> tuple[list[int], list[int]]:
    if not context or not continuation:
        raise ModelError(f"nothing to score: the context or the continuation {text!r} has no token", hint="give both at least one token")
    return context, continuation
