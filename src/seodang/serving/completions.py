"""`/v1/completions`: raw text or token ids, with what log-likelihood clients need (`echo` and `logprobs`)."""

from collections.abc import AsyncGenerator, Iterable
from typing import Any

from seodang.models.local import LocalModel
from seodang.serving import wire
from seodang.serving.generation import (
    Opened,
    Piece,
    Steps,
    Token,
    answer,
    echo,
    room_for_answer,
    scored_echo,
    to_sampling,
    vocabulary_size,
    with_seed,
)
from seodang.serving.protocol import CompletionRequest
from seodang.serving.refusal import RefusalError
from seodang.serving.scheduler import Job
from seodang.serving.section import ServeSection

_NUM_TOKENS_UNASKED = 16  # as the protocol has it


def steps(model: LocalModel, ask: CompletionRequest, section: ServeSection) -> Steps:
    """The work of one request, in the scheduler's thread. Sample s of prompt p is choice p * n + s."""
    prompts = [_encode(model, prompt) for prompt in ask.prompt]
    asked = min(_NUM_TOKENS_UNASKED, section.max_new_tokens) if ask.max_tokens is None else ask.max_tokens
    for prompt in prompts:
        room_for_answer(model, len(prompt), asked, section, "prompt")
    sampling = to_sampling(ask, asked, section)
    yield Opened(sum(len(prompt) for prompt in prompts))
    num_samples = ask.n or 1
    top = ask.logprobs or 0
    for index, prompt in enumerate(prompts):
        for sample in range(num_samples):
            choice = index * num_samples + sample
            start = 0
            if ask.echo and ask.logprobs is not None:
                one_greedy = asked == 1 and sampling.temperature == 0.0 and not sampling.stop
                yield from scored_echo(model, prompt, choice, top, and_next=one_greedy)
                if one_greedy:
                    continue
            elif ask.echo:
                yield echo(model, prompt, choice)
            if ask.echo:
                start = len(model.tokenizer.decode(prompt))
            if asked:
                yield from answer(model, prompt, with_seed(sampling, sample), choice, top, start)
            else:
                yield Piece(choice, "", finish_reason="length")


def _encode(model: LocalModel, prompt: str | list[int]) -> list[int]:
    if isinstance(prompt, str):
        return model.encode_text(prompt)
    size = vocabulary_size(model)
    for token_id in prompt:
        if not 0 <= token_id < size:
            raise RefusalError(400, f"{token_id} is not a token id of this model (0 to {size - 1})", param="prompt", code="invalid_value")
    return prompt


async def whole(job: Job[Opened | Piece], name: str, ask: CompletionRequest) -> wire.JSON:
    """The answer as one object."""
    choices, used = await wire.collect(job)
    rows = [_choice(index, choice.text, choice.tokens, choice.finish_reason, ask) for index, choice in enumerate(choices)]
    return {**wire.envelope("cmpl", "text_completion", name), "choices": rows, "usage": used}


async def events(job: Job[Opened | Piece], num_prompt_tokens: int, name: str, ask: CompletionRequest) -> AsyncGenerator[wire.JSON]:
    """The answer as chunks."""
    with_usage = bool(ask.stream_options and ask.stream_options.include_usage)
    base = {**wire.envelope("cmpl", "text_completion", name), **({"usage": None} if with_usage else {})}
    num_new_tokens = 0
    async for piece in wire.pieces(job):
        num_new_tokens += piece.num_new_tokens
        if piece.text or piece.finish_reason or ask.logprobs is not None:
            yield {**base, "choices": [_choice(piece.choice, piece.text, piece.tokens, piece.finish_reason, ask)]}
    if with_usage:
        yield {**base, "choices": [], "usage": wire.usage(num_prompt_tokens, num_new_tokens)}


def _choice(index: int, text: str, tokens: Iterable[Token], reason: str | None, ask: CompletionRequest) -> wire.JSON:
    logprobs = None if ask.logprobs is None else _logprobs(tokens, by_id=bool(ask.return_tokens_as_token_ids))
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}


def _logprobs(tokens: Iterable[Token], *, by_id: bool) -> wire.JSON:
    """The parallel lists of the protocol. Alternatives include the token itself; of those with equal text the most probable stands."""

    def name(token_id: int, text: str) -> str:
        return f"token_id:{token_id}" if by_id else text

    found: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    for token in tokens:
        own = name(token.token_id, token.text)
        top: dict[str, float] = {}
        for token_id, text, logprob in token.top:
            top.setdefault(name(token_id, text), wire.finite(logprob))
        if token.logprob is not None:
            top.setdefault(own, wire.finite(token.logprob))
        found["tokens"].append(own)
        found["token_logprobs"].append(None if token.logprob is None else wire.finite(token.logprob))
        found["top_logprobs"].append(top if token.logprob is not None else None)
        found["text_offset"].append(token.offset)
    return found
