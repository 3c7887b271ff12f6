"""A remote endpoint as a chat model, with as much more as its preflight proved."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self, TypeVar

from seodang.core.errors import BudgetError, EndpointError, ModelError
from seodang.core.hashing import digest
from seodang.models.chat_model import Completion, Message, Sampling, TokenTargets
from seodang.models.constrain import Constraint
from seodang.models.remote.answers import chat_completion, text_completion
from seodang.models.remote.budget import Usage
from seodang.models.remote.calls import score_ids
from seodang.models.remote.capabilities import Preflight
from seodang.models.remote.client import EndpointClient
from seodang.models.remote.constrain import chosen_text, constraint_options, kinds_of
from seodang.models.remote.failures import EndpointRefusalError
from seodang.models.remote.fanout import ask_all
from seodang.models.remote.positions import Style, targets_of
from seodang.models.remote.scoring import ChatTokenizer, encode_chat, encode_text
from seodang.models.think import ThinkMode, thought_answer
from seodang.models.tokens import token_map

Answer = TypeVar("Answer")
OnRefused = Callable[[int, EndpointRefusalError], None]


class RemoteModel:
    """Answers by `/v1/chat/completions`.

    `on_done(index, …)` is called in the caller's thread for each finished item as it comes, in no fixed order, so that a journal
    keeps it whatever happens later. When a BudgetError or EndpointError is raised, all that was finished has been handed over.
    `on_refused(index, error)` takes the items that the server refuses for their own content (a prompt that is too long, say); they
    have no answers in the result. Without it the first refusal is raised.
    """

    def __init__(self, client: EndpointClient, found: Preflight) -> None:
        self.name = client.section.model
        self.preflight = found
        self.synthetic = found.synthetic
        self._client = client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()

    @property
    def identity(self) -> dict[str, Any]:
        address, section = self._client.address, self._client.section
        return {
            "kind": "openai_http",
            "engine": "openai_http",
            "endpoint": f"{address.place}{address.path}",
            "model": section.model,
            "thinking": section.thinking.told,
            "served": self.preflight.served,
        }

    @property
    def thinking(self) -> ThinkMode:
        """The mode that is asked for; "none" where the server's default holds."""
        return self._client.section.thinking

    @property
    def used(self) -> Usage:
        """Requests and tokens so far, those of the preflight included."""
        return self._client.used

    @property
    def spent(self) -> float | None:
        """What was paid, by earlier runs of the workspace too; None where the section names no price."""
        return self._client.spent

    @property
    def concurrency(self) -> int:
        """How many requests may be under way now."""
        return self._client.pace.limit

    def chat(
        self,
        conversations: Sequence[Sequence[Message]],
        sampling: Sampling,
        num_samples: int = 1,
        *,
        on_done: Callable[[int, list[Completion]], None] | None = None,
        on_refused: OnRefused | None = None,
    ) -> list[list[Completion]]:
        """`num_samples` answers for each conversation, in order. Each sample is one request, with seeds from `sampling.seed` on."""
        return self._chat(
            conversations, sampling, num_samples, self._client.section.thinking, [{}] * len(conversations), on_done, on_refused
        )

    @property
    def constraint_kinds(self) -> frozenset[str]:
        """The kinds of constraints that the preflight saw it hold to."""
        return kinds_of(self.preflight.constraints)

    def constrain(
        self,
        conversations: Sequence[Sequence[Message]],
        constraints: Sequence[Constraint],
        sampling: Sampling,
        num_samples: int = 1,
        *,
        on_done: Callable[[int, list[Completion]], None] | None = None,
        on_refused: OnRefused | None = None,
    ) -> list[list[Completion]]:
        """`num_samples` answers for each conversation, in its constraint and without thinking. ModelError for a kind not proved."""
        told = self._client.section.thinking
        thinking = ThinkMode.OFF if told is ThinkMode.ON else told
        options = [constraint_options(constraint, self.preflight.constraints) for constraint in constraints]
        found = self._chat(conversations, sampling, num_samples, thinking, options, on_done, on_refused)
        return [
            [replace(answer, text=chosen_text(constraint, answer.text)) for answer in answers]
            for constraint, answers in zip(constraints, found, strict=True)
        ]

    def _chat(
        self,
        conversations: Sequence[Sequence[Message]],
        sampling: Sampling,
        num_samples: int,
        thinking: ThinkMode,
        options: Sequence[dict[str, Any]],
        on_done: Callable[[int, list[Completion]], None] | None,
        on_refused: OnRefused | None,
    ) -> list[list[Completion]]:
        client = self._client
        url, where = client.address.api("/chat/completions"), client.address.place

        def ask(index: int, sample: int, stop: threading.Event) -> Completion:
            messages = [{"role": message.role, "content": message.content} for message in conversations[index]]
            body = {"messages": messages, **self._choices(sampling, sample), **options[index]}
            if thinking.options:
                body["chat_template_kwargs"] = thinking.options
            return client.ask(
                url,
                body,
                lambda value: chat_completion(value, sampling, thinking, where),
                prompt="\n".join(message.content for message in conversations[index]),
                max_new_tokens=sampling.max_new_tokens,
                stop=stop,
            )

        return self._sample(len(conversations), ask, sampling, num_samples, on_done, on_refused, "conversations")

    def _choices(self, sampling: Sampling, sample: int) -> dict[str, Any]:
        """What every request for text says. Temperature and top_p are always sent: a server has defaults of its own."""
        body: dict[str, Any] = {
            "model": self.name,
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed + sample,
        }
        return body | ({"stop": list(sampling.stop)} if sampling.stop else {})

    def _sample(
        self,
        count: int,
        ask: Callable[[int, int, threading.Event], Completion],
        sampling: Sampling,
        num_samples: int,
        on_done: Callable[[int, list[Completion]], None] | None,
        on_refused: OnRefused | None,
        unit: str,
    ) -> list[list[Completion]]:
        # Greedy samples are one answer, asked for once.
        num_asked = 1 if sampling.temperature == 0.0 else num_samples
        samples: list[dict[int, Completion]] = [{} for _ in range(count)]
        answers: list[list[Completion]] = [[] for _ in range(count)]
        refused: set[int] = set()
        num_done = 0

        def done(job: int, completion: Completion) -> None:
            nonlocal num_done
            index, sample = divmod(job, num_asked)
            samples[index][sample] = completion
            if len(samples[index]) == num_asked:
                found = [samples[index][i] for i in range(num_asked)] * (num_samples // num_asked)
                answers[index] = found
                num_done += 1
                if on_done:
                    on_done(index, found)

        def refuse(job: int, error: EndpointRefusalError) -> None:
            if on_refused and job // num_asked not in refused:
                refused.add(job // num_asked)
                on_refused(job // num_asked, error)

        self._ask_all(
            count * num_asked,
            lambda job, stop: ask(*divmod(job, num_asked), stop),
            done,
            refuse if on_refused else None,
            progress=lambda: f"{num_done:,} of {count:,} {unit}",
            kept=on_done is not None or self._client.keeps,
        )
        return answers

    def _ask_all(
        self,
        num_jobs: int,
        ask: Callable[[int, threading.Event], Answer],
        done: Callable[[int, Answer], None],
        on_refused: OnRefused | None,
        *,
        progress: Callable[[], str],
        kept: bool,
    ) -> None:
        try:
            ask_all(num_jobs, ask, num_threads=self._client.section.max_concurrency, on_done=done, on_refused=on_refused)
        except (BudgetError, EndpointError) as error:
            error.what += f"; {progress()} were finished before" + (" and are kept" if kept else "")
            raise


class RemoteCompletionModel(RemoteModel):
    """Also continues raw text or token ids, by `/v1/completions`."""

    def complete(
        self,
        prompts: Sequence[str | Sequence[int]],
        sampling: Sampling,
        num_samples: int = 1,
        *,
        on_done: Callable[[int, list[Completion]], None] | None = None,
        on_refused: OnRefused | None = None,
    ) -> list[list[Completion]]:
        """`num_samples` continuations of each prompt, in order."""
        client = self._client
        url, where = client.address.api("/completions"), client.address.place

        def ask(index: int, sample: int, stop: threading.Event) -> Completion:
            prompt = prompts[index]
            sent = prompt if isinstance(prompt, str) else list(prompt)
            return client.ask(
                url,
                {"prompt": sent, **self._choices(sampling, sample)},
                lambda value: text_completion(value, sampling, where),
                prompt=sent if isinstance(sent, str) else len(sent),
                max_new_tokens=sampling.max_new_tokens,
                stop=stop,
            )

        return self._sample(len(prompts), ask, sampling, num_samples, on_done, on_refused, "prompts")


class RemoteScoringModel(RemoteCompletionModel):
    """Also gives the log-probabilities of given tokens, whose ids come from a local copy of the model's tokenizer."""

    def __init__(self, client: EndpointClient, found: Preflight, style: Style, tokenizer: ChatTokenizer) -> None:
        super().__init__(client, found)
        self._style: Style = style
        self._tokenizer = tokenizer

    @property
    def identity(self) -> dict[str, Any]:
        told = {"vocabulary": digest(token_map(self._tokenizer))} if hasattr(self._tokenizer, "backend_tokenizer") else {}
        return {**super().identity, "scoring": self._style, **told}

    def encode_chat(self, messages: Sequence[Message], thinking: ThinkMode | None = None) -> list[int]:
        """Token ids of a conversation up to and including the start of the assistant's turn, in the section's think mode or another one."""
        return encode_chat(self._tokenizer, messages, self.thinking if thinking is None else thinking)

    def encode_answer(self, text: str, reasoning: str = "") -> list[int]:
        """Token ids of an answer with the end-of-turn token, after its reasoning in the block that the template writes."""
        whole = thought_answer(self._tokenizer, reasoning, text) if reasoning else text
        return [*encode_text(self._tokenizer, whole), int(self._tokenizer.eos_token_id)]

    def encode_text(self, text: str) -> list[int]:
        """Token ids of plain text, with nothing put before or after it."""
        return encode_text(self._tokenizer, text)

    def score(
        self,
        prompts: Sequence[Sequence[int]],
        continuations: Sequence[Sequence[int]],
        top_k: int,
        *,
        on_done: Callable[[int, TokenTargets], None] | None = None,
    ) -> list[TokenTargets]:
        """The endpoint's distribution at each token of each continuation. ModelError where `top_k` is more than it gives."""
        self._check_top_k(top_k)
        found: dict[int, TokenTargets] = {}
        where = self._client.address.place

        def ask(index: int, stop: threading.Event) -> TokenTargets:
            prompt, continuation = list(prompts[index]), list(continuations[index])
            if not prompt:
                raise ModelError("the prompt is empty, so the first token has no log-probability", hint="give at least one token")
            positions = score_ids(self._client, self._style, [*prompt, *continuation], top_k, 1, stop=stop, retries=None)
            return targets_of(positions[len(prompt) : len(prompt) + len(continuation)], top_k, where)

        def done(index: int, targets: TokenTargets) -> None:
            found[index] = targets
            if on_done:
                on_done(index, targets)

        total = f"{len(prompts):,} sequences"
        self._ask_all(len(prompts), ask, done, None, progress=lambda: f"{len(found):,} of {total}", kept=on_done is not None)
        return [found[index] for index in range(len(prompts))]

    def _check_top_k(self, top_k: int) -> None:
        refused = self.preflight.refused_top_logprobs
        if top_k and not self.preflight.names_alternatives:
            raise ModelError(
                "the endpoint names alternatives by their text, which does not tell their ids; it can score with top_k = 0 only",
                where=self._client.address.place,
                hint="serve the model with vLLM or `seodang serve`, which name token ids, or use a local teacher",
            )
        if refused is not None and top_k >= refused:
            most = self.preflight.max_top_logprobs
            words = self.preflight.refusal_of(f"{refused} log-probabilities a token")
            raise ModelError(
                f"{top_k} log-probabilities a token were asked for; the endpoint gives {most} and refused {refused}: {words}",
                where=self._client.address.place,
                hint=f"set top_k to {most} or less, or raise the server's limit (vLLM: --max-logprobs)",
            )
