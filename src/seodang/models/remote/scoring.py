"""A local tokenizer for a remote model, and the check that it is the model's own."""

from collections.abc import Sequence
from typing import Any, Protocol

from seodang.core.errors import EndpointError
from seodang.models.chat_model import Message
from seodang.models.remote.calls import TRIES_MORE, chat_request, tokenize
from seodang.models.remote.capabilities import Preflight
from seodang.models.remote.client import EndpointClient
from seodang.models.remote.positions import read_positions, scoring_request
from seodang.models.think import ThinkMode, render

# Letters of several alphabets, digits, spaces and symbols: where two tokenizers differ, they differ here.
_TEXTS = (
    "The router's LED blinks twice; wait 30 seconds, then call 1588-0010.",
    "요금제를 변경하려면 앱에서 '내 정보'를 누르세요. 한 달에 55,000원입니다.",
    "  two spaces\n\ttab, then £9.99 (≈ ₩16,500) → naïve café 🙂",
)


class ChatTokenizer(Protocol):
    """What is used of a tokenizer of Hugging Face's transformers."""

    @property
    def eos_token_id(self) -> Any: ...

    def __call__(self, text: str, *, add_special_tokens: bool) -> Any: ...

    def apply_chat_template(self, conversation: list[dict[str, str]], **options: Any) -> Any: ...


def encode_chat(tokenizer: ChatTokenizer, messages: Sequence[Message], thinking: ThinkMode) -> list[int]:
    """Token ids of a conversation in the model's template, up to and including the start of the assistant's turn."""
    rows = [{"role": message.role, "content": message.content} for message in messages]
    return encode_text(tokenizer, render(tokenizer, rows, thinking))


def encode_text(tokenizer: ChatTokenizer, text: str) -> list[int]:
    """Token ids of a text, with nothing put before or after it."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def tokenizer_difference(client: EndpointClient, found: Preflight, tokenizer: ChatTokenizer) -> str:
    """How the ids of `tokenizer` differ from the server's, in words; empty where no difference was found.

    Texts are compared by ids, which come from `/tokenize`, or from the log-probabilities of a prompt sent as text. A conversation is
    compared by ids where `/tokenize` takes one, and by the number of tokens that the server counts.
    """
    thinking = client.section.thinking
    content = " ".join(_TEXTS)
    local = encode_chat(tokenizer, [Message("user", content)], thinking)
    counted = chat_request(client, content, thinking, 1).num_prompt_tokens
    if counted and counted != len(local):
        return f"a conversation has {len(local)} tokens here and {counted} there"
    compare = _compare_tokenized if found.tokenizer else _compare_scored
    for text in _TEXTS:
        difference = compare(client, found, text, encode_text(tokenizer, text))
        if difference:
            return f"«{text[:20]}…»: {difference}"
    if not found.tokenizer:
        return ""
    body: dict[str, Any] = {"messages": [{"role": "user", "content": content}], "add_generation_prompt": True}
    if thinking.options:
        body["chat_template_kwargs"] = thinking.options
    try:
        theirs = tokenize(client, body)
    except EndpointError:
        return ""  # some servers tokenize texts only
    return "" if theirs == local else "the chat template gives other ids here and there"


def _compare_tokenized(client: EndpointClient, found: Preflight, text: str, ours: list[int]) -> str:
    theirs = tokenize(client, {"prompt": text})
    if theirs == ours:
        return ""
    place = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    return f"token {place} is {ours[place : place + 1]} here and {theirs[place : place + 1]} there"


def _compare_scored(client: EndpointClient, found: Preflight, text: str, ours: list[int]) -> str:
    """Scores a prompt sent as text: the answer names the ids that the server made of it."""
    if found.scoring is None or found.scoring == "echo_text":
        return "the server has no /tokenize and names tokens by their text, so nothing shows that the ids agree"
    style, where = found.scoring, client.address.place
    body = scoring_request(style, client.section.model, ours, 1) | {"prompt": text}

    def read(value: dict[str, Any]) -> int:
        return len(read_positions(style, value, ours, where))

    try:
        num_positions = client.ask(client.address.api("/completions"), body, read, prompt=len(ours), max_new_tokens=1, retries=TRIES_MORE)
    except EndpointError as error:
        return error.what
    return "" if num_positions <= len(ours) + 1 else f"{len(ours)} tokens here and {num_positions - 1} there"
