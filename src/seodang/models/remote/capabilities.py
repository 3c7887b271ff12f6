"""What an endpoint can do and what it refuses, as a preflight found it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from seodang.models.remote.positions import Style

_HOW: dict[Style, str] = {
    "echo": "by echo + logprobs",
    "echo_text": "by echo + logprobs, without ids of the alternatives",
    "prompt_logprobs": "by prompt_logprobs",
}

Switch = Literal["works", "no effect seen", "refused", "not tried"]
Way = Literal["response_format", "structured_outputs", "guided"]  # the words in which a constraint is asked for


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that the endpoint does not do, with its own words or what was wrong with its answer."""

    what: str
    words: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """What one endpoint proved. `None` means that it could not be found out."""

    place: str
    model: str
    reachable: bool
    model_listed: bool | None = None
    served: dict[str, str] = field(default_factory=dict)  # what the model's row under /v1/models says of its origin
    synthetic: bool = False  # the row says that the model is a fake
    chat: bool = False
    thinking_switch: Switch = "not tried"  # chat_template_kwargs.enable_thinking
    reasoning_apart: bool = False
    token_id_prompts: bool = False
    scoring: Style | None = None  # how log-probabilities of given tokens come
    max_top_logprobs: int = 0  # the largest of 1, 5, 20, 50 that was accepted and came back in full
    refused_top_logprobs: int | None = None  # the smallest that was not
    scoring_noise: float | None = None  # nats: the same tokens decoded and scored
    tokenizer: bool = False  # /tokenize
    constraints: Mapping[str, Way] = field(default_factory=dict[str, Way])  # kinds that it was seen to hold to, and how they are asked for
    refusals: tuple[Refusal, ...] = ()

    @property
    def names_alternatives(self) -> bool:
        """Whether the alternatives at a place come with ids, which teacher targets need."""
        return self.scoring in ("echo", "prompt_logprobs") and self.max_top_logprobs > 0

    def refusal_of(self, what: str) -> str:
        """The words for one thing that was refused, or an empty text."""
        return next((refusal.words for refusal in self.refusals if refusal.what == what), "")

    def render(self) -> str:
        """A block of text: one line a capability, then what was refused, in the server's words."""
        how = "no" if self.scoring is None else _HOW[self.scoring]
        noise = f", {self.scoring_noise:.3f} nats between decoded and scored" if self.scoring_noise is not None else ""
        rows = [
            ("reachable", _yes(self.reachable)),
            ("model listed", "not known" if self.model_listed is None else _yes(self.model_listed)),
            ("chat", _yes(self.chat)),
            ("enable_thinking", self.thinking_switch),
            ("reasoning kept apart", _yes(self.reasoning_apart)),
            ("token ids as a prompt", _yes(self.token_id_prompts)),
            ("scores given tokens", how + noise),
            ("alternatives a token", f"up to {self.max_top_logprobs} accepted" if self.max_top_logprobs else "none"),
            ("tokenizer offered", _yes(self.tokenizer)),
            ("holds answers to", ", ".join(f"{kind} by {way}" for kind, way in self.constraints.items()) or "nothing"),
        ]
        lines = [f"preflight of `{self.model}` at {self.place}", *(f"  {name:<22} {value}" for name, value in rows)]
        return "\n".join([*lines, *(f"  refuses {refusal.what}: {refusal.words}" for refusal in self.refusals)])


def _yes(value: bool) -> str:
    return "yes" if value else "no"
