"""What runs in the scheduler's thread: prompts into ids, ids into pieces of answers. A step is one token, or one prompt read."""

import secrets
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from seodang.models.chat_model import Sampling, TokenLogprob, TokenTargets
from seodang.models.local import LocalModel
from seodang.serving.protocol import ChatRequest, CompletionRequest
from seodang.serving.refusal import RefusalError
from seodang.serving.section import ServeSection

_GREEDY_BELOW = 1e-5  # a smaller temperature would overflow
_MAX_PENDING = 16  # ids that do not end a character; after so many they are bytes that make none


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an answer, with the place of its first character in the answer's text."""

    token_id: int
    text: str
    offset: int
    logprob: float | None  # natural log; None for the first token of an echoed prompt, which nothing precedes
    top: tuple[tuple[int, str, float], ...]  # (id, text, log-probability), best first
    ends: bool = False  # the model ended its answer with it, so that it is no part of the text


@dataclass(frozen=True, slots=True)
class Opened:
    """The first step of every request: its prompts are read and within the limits."""

    num_prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Piece:
    """The next part of one answer. A piece can have tokens without text (a half character) and text without tokens."""

    choice: int
    text: str
    tokens: tuple[Token, ...] = ()
    finish_reason: str | None = None
    echoed: bool = False

    @property
    def num_new_tokens(self) -> int:
        return 0 if self.echoed else sum(not token.ends for token in self.tokens)


Steps = Generator[Opened | Piece]


class _Places:
    """Where each token of a text begins. Tokens that share a character share its place."""

    def __init__(self, decode: Callable[[list[int]], str], start: int = 0) -> None:
        self._decode = decode
        self._before: list[int] = []  # some tokenizers drop the space of the first id they decode
        self._pending: list[int] = []
        self._text = ""  # of the pending ids, the last of which is a part of a character
        self._done = start

    def place(self, token_id: int) -> int:
        offset = self._done + len(self._text.rstrip("\ufffd"))
        self._pending.append(token_id)
        self._text = self._decode([*self._before, *self._pending])[len(self._decode(self._before)) :]
        if not self._text.endswith("\ufffd") or len(self._pending) == _MAX_PENDING:
            self._done += len(self._text)
            self._before, self._pending, self._text = self._pending, [], ""
        return offset


def to_sampling(ask: ChatRequest | CompletionRequest, max_new_tokens: int, section: ServeSection) -> Sampling:
    """The settings of a request, with the server's where it has none."""
    temperature = section.temperature if ask.temperature is None else ask.temperature
    return Sampling(
        max_new_tokens=max_new_tokens,
        temperature=0.0 if temperature < _GREEDY_BELOW else temperature,
        top_p=1.0 if ask.top_p is None else ask.top_p,
        seed=secrets.randbits(63) if ask.seed is None else ask.seed,
        stop=ask.stop or (),
    )


def room_for_answer(model: LocalModel, num_prompt_tokens: int, asked: int | None, section: ServeSection, param: str) -> int:
    """How many new tokens an answer may have. RefusalError where the prompt is empty or too long, or too many tokens are asked for."""
    context = context_size(model)
    if num_prompt_tokens == 0:
        raise RefusalError(400, "the prompt is empty; give at least one token", param=param, code="empty_prompt")
    if num_prompt_tokens > section.max_prompt_tokens:
        message = f"the prompt has {num_prompt_tokens} tokens; this server takes up to {section.max_prompt_tokens}"
        raise RefusalError(400, message, param=param, code="context_length_exceeded")
    if asked is not None and asked > section.max_new_tokens:
        message = f"{asked} new tokens were asked for; this server gives up to {section.max_new_tokens}"
        raise RefusalError(400, message, param="max_tokens", code="too_many_tokens")
    left = context - num_prompt_tokens if context else section.max_new_tokens
    if left < (1 if asked is None else asked):
        message = f"the prompt has {num_prompt_tokens} tokens; with {asked or 1} new ones that is over the model's context of {context}"
        raise RefusalError(400, message, param=param, code="context_length_exceeded")
    return min(section.max_new_tokens, left) if asked is None else asked


def vocabulary_size(model: LocalModel) -> int:
    """How many token ids the model takes; it can be more than its tokenizer has."""
    return model.model.get_input_embeddings().num_embeddings


def context_size(model: LocalModel) -> int | None:
    """The most tokens, of prompt and answer together, that the model was made for; None where its configuration does not say."""
    return getattr(model.model.config, "max_position_embeddings", None)


def answer(model: LocalModel, prompt: Sequence[int], sampling: Sampling, choice: int, top: int, start: int = 0) -> Generator[Piece]:
    """The pieces of one answer, whose text begins at place `start` of the choice's. `top`: alternatives a token."""
    places = _Places(model.tokenizer.decode, start)
    for text, found, reason in model.stream(prompt, sampling, min(top, vocabulary_size(model))):
        yield Piece(choice, text, () if found is None else (_to_token(model, places, found),), reason)


def echo(model: LocalModel, prompt: Sequence[int], choice: int) -> Piece:
    """The prompt itself, as the beginning of an answer."""
    return Piece(choice, model.tokenizer.decode(list(prompt)), echoed=True)


def scored_echo(model: LocalModel, prompt: Sequence[int], choice: int, top: int, *, and_next: bool) -> Generator[Piece]:
    """The prompt with the log-probabilities of its tokens; with `and_next` also the most probable next token, from the same pass."""
    # The last position predicts the next token. Which id stands in its place makes no difference: only the alternatives are used.
    given = [*prompt[1:], prompt[0]] if and_next else list(prompt[1:])
    scored = model.score([prompt[:1]], [given], min(max(top, 1), vocabulary_size(model)))[0] if given else TokenTargets([], [], [])
    decode = model.tokenizer.decode
    best = [
        tuple((token_id, decode([token_id]), logprob) for token_id, logprob in zip(*row, strict=True))
        for row in zip(scored.top_ids, scored.top_logprobs, strict=True)
    ]
    text = decode(list(prompt))
    places = _Places(decode)
    tokens = [Token(prompt[0], decode([prompt[0]]), places.place(prompt[0]), None, ())]
    for token_id, logprob, row in zip(prompt[1:], scored.logprobs, best, strict=False):
        tokens.append(Token(token_id, decode([token_id]), places.place(token_id), logprob, row[:top]))
    yield Piece(choice, text, tuple(tokens), echoed=True)
    if and_next:
        token_id, name, logprob = best[-1][0]
        token = _to_token(model, _Places(decode, len(text)), TokenLogprob(token_id, name, logprob, best[-1][:top]))
        yield Piece(choice, "" if token.ends else name, (token,), "stop" if token.ends else "length")


def _to_token(model: LocalModel, places: _Places, found: TokenLogprob) -> Token:
    return Token(found.token_id, found.text, places.place(found.token_id), found.logprob, found.top, found.token_id in model.stop_ids)


def with_seed(sampling: Sampling, sample: int) -> Sampling:
    """The settings of one of several answers to the same prompt."""
    return replace(sampling, seed=(sampling.seed + sample) % 2**63)
