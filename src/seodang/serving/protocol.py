"""The requests of the OpenAI protocol: which fields are taken, in which range, and what is refused by name."""

import difflib
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

_MAX_STOPS = 16
_MAX_STOP_CHARACTERS = 200


def _stop_texts(value: Any) -> Any:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("has to be text, or a list of texts")
    if len(texts) > _MAX_STOPS or not all(0 < len(text) <= _MAX_STOP_CHARACTERS for text in texts):
        raise ValueError(f"can have up to {_MAX_STOPS} texts of 1 to {_MAX_STOP_CHARACTERS} characters each")
    return tuple(texts)


def _plain_text(value: Any) -> Any:
    """The text of a message, which can also come as a list of parts."""
    if not isinstance(value, list):
        return value
    parts = [part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in value]
    if not all(isinstance(part, str) for part in parts):
        raise ValueError("has a part that is not text; this server reads text only")
    return "".join(part for part in parts if part is not None)


def _prompts(value: Any) -> Any:
    """One or many prompts, each a text or a list of token ids, as a list."""
    many = value if isinstance(value, list) and not _are_ids(value) else [value]
    if not many or not all(isinstance(prompt, str) or _are_ids(prompt) for prompt in many):
        raise ValueError("has to be text, a list of texts, a list of token ids, or a list of lists of token ids")
    return many


def _are_ids(value: Any) -> bool:
    return isinstance(value, list) and all(type(token_id) is int for token_id in value) and bool(value)


def _neutral(value: Any) -> Any:
    """For what this server does not do: only a value that asks for nothing is taken."""
    if value not in (None, 0, "", {}, [], {"type": "text"}):
        raise ValueError("is not supported by this server")
    return value


Neutral = Annotated[Any, AfterValidator(_neutral)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class StreamOptions(_Request):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None  # taken, without effect


class _Generating(_Request):
    """What chats and completions have in common."""

    model: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=0)
    stop: Annotated[tuple[str, ...], BeforeValidator(_stop_texts)] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), le=2**63 - 1)
    n: int | None = Field(default=None, ge=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    presence_penalty: Neutral = None
    frequency_penalty: Neutral = None
    logit_bias: Neutral = None
    user: Any = None  # taken, without effect, as are the next ones: they are for whoever keeps an account
    metadata: Any = None
    store: Any = None
    safety_identifier: Any = None
    service_tier: Any = None
    prompt_cache_key: Any = None

    @model_validator(mode="after")
    def _usage_of_a_stream(self) -> "_Generating":
        if self.stream_options is not None and not self.stream:
            raise ValueError("`stream_options` needs `stream: true`")
        return self


class CalledFunction(_Request):
    name: str
    arguments: str  # JSON


class CalledTool(_Request):
    id: str | None = None
    type: Literal["function"] = "function"
    function: CalledFunction


class ChatMessage(_Request):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[str | None, BeforeValidator(_plain_text)] = None
    name: str | None = None
    tool_calls: list[CalledTool] | None = None
    tool_call_id: str | None = None
    refusal: Neutral = None
    audio: Neutral = None
    annotations: Any = None
    function_call: Neutral = None

    @model_validator(mode="after")
    def _says_something(self) -> "ChatMessage":
        if self.content is None and not self.tool_calls:
            raise ValueError("needs `content`")
        if self.tool_calls and self.role != "assistant":
            raise ValueError("has `tool_calls`, which only the assistant's messages can have")
        return self


class OfferedFunction(BaseModel):
    name: str = Field(min_length=1)


class OfferedTool(BaseModel):
    type: Literal["function"]
    function: OfferedFunction


class ChatRequest(_Generating):
    messages: list[ChatMessage] = Field(min_length=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    max_tokens: int | None = Field(default=None, ge=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0)
    tools: list[OfferedTool] | None = None
    tool_choice: Literal["none", "auto"] | None = None
    parallel_tool_calls: bool | None = None  # taken, without effect
    response_format: Neutral = None
    chat_template_kwargs: Neutral = None

    @model_validator(mode="after")
    def _go_together(self) -> "ChatRequest":
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("`top_logprobs` needs `logprobs: true`")
        if None not in (self.max_tokens, self.max_completion_tokens) and self.max_tokens != self.max_completion_tokens:
            raise ValueError("`max_tokens` and `max_completion_tokens` say different things; give one of them")
        return self


class CompletionRequest(_Generating):
    prompt: Annotated[list[str | list[int]], BeforeValidator(_prompts)]
    logprobs: int | None = Field(default=None, ge=0)
    echo: bool | None = None
    return_tokens_as_token_ids: bool | None = None  # as in vLLM: "token_id:17" for a token's text
    suffix: Neutral = None
    best_of: Neutral = None


class TokenizeRequest(_Request):
    """As in vLLM: the ids of a text, or of a conversation in the model's template."""

    model: str | None = None
    prompt: str | None = None
    messages: list[ChatMessage] | None = Field(default=None, min_length=1)
    add_generation_prompt: Literal[True] = True
    add_special_tokens: Literal[False] = False
    return_token_strs: bool | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "TokenizeRequest":
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("give `prompt` or `messages`")
        return self


def explain(error: ValidationError, kind: type[BaseModel]) -> tuple[str | None, str]:
    """The field at fault and a sentence about it. What the client sent is not repeated."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    what = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(where, kind.model_fields, n=1)
        what = "is not a field that this server knows" + (f"; did you mean `{near[0]}`?" if near else "")
        where = where[:80]
    elif fault["type"] == "missing":
        what = "is missing"
    elif fault["type"] != "value_error":
        what = f"is refused: {what[0].lower()}{what[1:]}"
    return (where or None), f"`{where}` {what}" if where else what
