"""What a chat model can do: messages in, text out. More is an optional capability that is refused with a reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from seodang.core.errors import ModelError
from seodang.models.constrain import Constraint
from seodang.models.think import ThinkMode

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Message:
    role: str  # "system", "user", "assistant" or "tool"
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose the next token. A temperature of 0 is greedy; equal settings and seed give equal text."""

    max_new_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()  # the text ends before the first of these


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One token with its natural-log probability, and the `top` most probable tokens in its place, best first."""

    token_id: int
    text: str
    logprob: float
    top: tuple[tuple[int, str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    text: str
    finish_reason: str  # "stop": the model or a stop text ended it; "length": cut at max_new_tokens
    num_prompt_tokens: int
    num_new_tokens: int
    logprobs: tuple[TokenLogprob, ...] = field(default=())
    reasoning: str = ""  # what it thought before the text, which does not hold it
    num_reasoning_tokens: int | None = 0  # of the new tokens; None where a server does not say


@dataclass(frozen=True, slots=True)
class TokenTargets:
    """A model's distribution at each token of a continuation: `top_k` ids and natural-log probabilities, best first.

    `top_ids` and `top_logprobs` have shape (T, k), `logprobs` has shape (T,): T continuation tokens.
    """

    top_ids: list[list[int]]
    top_logprobs: list[list[float]]
    logprobs: list[float]


@runtime_checkable
class ChatModel(Protocol):
    """A local model, a remote endpoint or a fake."""

    name: str
    synthetic: bool  # random weights or a fake: marked to the end of every report

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that determines its answers (weights' digest, quantisation, engine and version, template), and no secret."""
        ...

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        """`num_samples` answers for each conversation, in order."""
        ...


@runtime_checkable
class Completes(Protocol):
    """Continues raw text or token ids, without a chat template."""

    def complete(self, prompts: Sequence[str | Sequence[int]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]: ...


@runtime_checkable
class Scores(Protocol):
    """Gives the log-probabilities of given tokens."""

    def encode_chat(self, messages: Sequence[Message], thinking: ThinkMode | None = None) -> list[int]:
        """Token ids of a conversation in the model's template, up to and including the start of the assistant's turn, in its own think mode
        or in another one."""
        ...

    def encode_answer(self, text: str, reasoning: str = "") -> list[int]:
        """Token ids of an assistant's answer, after its reasoning if there is one, including the token that ends it."""
        ...

    def encode_text(self, text: str) -> list[int]:
        """Token ids of plain text, without special tokens."""
        ...

    def score(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], top_k: int) -> list[TokenTargets]: ...


@runtime_checkable
class Thinks(Protocol):
    """Has a think mode, which is "none" where its template has no switch for it."""

    @property
    def thinking(self) -> ThinkMode: ...


@runtime_checkable
class Distributions(Protocol):
    """Gives whole distributions at given tokens: hidden states first, which are small, and then the distributions of a few at a time."""

    def states(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]) -> "Iterator[tuple[int, torch.Tensor]]":
        """The place of each sequence and the last hidden states (T, H) that predict its continuation's tokens, in any order."""
        ...

    def distribution(self, states_TH: "torch.Tensor") -> "torch.Tensor":
        """Natural-log probabilities (T, V) float32 at hidden states."""
        ...

    def plain_head(self) -> "torch.Tensor":
        """The head (V, H) whose product with a hidden state is its logits; ModelError where the architecture does more than that."""
        ...


@runtime_checkable
class Streams(Protocol):
    """Gives an answer piece by piece."""

    def stream(
        self, prompt: Sequence[int], sampling: Sampling, top_logprobs: int | None = None
    ) -> Iterator[tuple[str, TokenLogprob | None, str | None]]:
        """Pieces of (new text, its token's log-probability if asked for, finish reason on the last one)."""
        ...


@runtime_checkable
class Constrains(Protocol):
    """Answers in a form that is held to while it decodes."""

    @property
    def constraint_kinds(self) -> frozenset[str]:
        """The kinds of constraints that it can hold to, of those in `constrain.KINDS`; none where what it takes is missing."""
        ...

    def constrain(
        self, conversations: Sequence[Sequence[Message]], constraints: Sequence[Constraint], sampling: Sampling, num_samples: int = 1
    ) -> list[list[Completion]]:
        """`num_samples` answers for each conversation, without reasoning, each held to the constraint in its place.

        An answer that came to its own end ("stop") fits; one that was cut is the beginning of one that does.
        """
        ...


def think_mode(model: ChatModel) -> ThinkMode:
    """The mode in which a model answers."""
    return model.thinking if isinstance(model, Thinks) else ThinkMode.NONE


Capability = TypeVar("Capability")

_NAMES: dict[type, str] = {
    Completes: "raw completion",
    Scores: "log-probabilities of given tokens",
    Distributions: "whole distributions at given tokens",
    Streams: "streaming",
    Constrains: "constrained decoding",
}


def offers(model: ChatModel, capability: type) -> bool:
    """Whether a model has a capability; that to constrain takes more than the method."""
    return isinstance(model, capability) and not (capability is Constrains and isinstance(model, Constrains) and not model.constraint_kinds)


def require(model: ChatModel, capability: type[Capability], needed_by: str) -> Capability:
    """The model as one that has `capability`; ModelError says which capability is missing and who needs it."""
    if isinstance(model, capability) and offers(model, capability):
        return model
    raise ModelError(
        f"{needed_by} needs {_NAMES.get(capability, capability.__name__)}, which the model `{model.name}` does not offer",
        hint="use a local model, or an endpoint whose preflight lists this capability",
    )
