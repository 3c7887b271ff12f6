"""A chat model that runs here: a Hugging Face causal LM folder in safetensors, on a CPU or a GPU."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM

from seodang.core.errors import ModelError
from seodang.core.hashing import digest, digest_file
from seodang.core.processors import num_threads
from seodang.models import attention, constrain_local
from seodang.models.chat_model import Completion, Message, Sampling, TokenLogprob, TokenTargets
from seodang.models.constrain import KINDS, Constraint
from seodang.models.decoding import (
    Row,
    choose,
    decode_batch,
    distribution,
    new_cache,
    predicting_states,
    siblings,
)
from seodang.models.own_logits import changes_logits
from seodang.models.precision import best_dtype
from seodang.models.reader import Reader
from seodang.models.scoring_batches import score_rows, scoring_batches
from seodang.models.think import CLOSE, ThinkMode, opens_block, split_reasoning
from seodang.models.tokens import token_map

_TAIL_TOKENS = 12  # a stop text is looked for in the last tokens only


class LocalModel(Reader):
    """Weights and tokenizer of one folder. Pickled weights and a model's own code are refused.

    `batch_size` is the number of rows decoded at once; `dtype` is "auto" (bfloat16 where the processor has instructions for it);
    `thinking` is the mode of its chats, which only a template with a switch takes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str | None = None,
        dtype: str = "auto",
        device: str = "cpu",
        batch_size: int = 128,
        synthetic: bool = False,
        thinking: ThinkMode = ThinkMode.NONE,
    ) -> None:
        if not (folder / "config.json").is_file():
            raise ModelError(
                "no model here (config.json is missing)",
                where=str(folder),
                hint="name a Hugging Face model folder, or a run that has finished `train`",
            )
        if not list(folder.glob("*.safetensors")):
            raise ModelError(
                "no safetensors weights here; pickled weights are refused because opening them can run code",
                where=str(folder),
                hint="convert the model to safetensors",
            )
        super().__init__(folder, thinking)
        self.name = name or folder.name
        self.synthetic = synthetic
        self.batch_size = batch_size
        self.dtype = best_dtype(device) if dtype == "auto" else getattr(torch, dtype)
        try:
            self.model: Any = AutoModelForCausalLM.from_pretrained(
                folder, dtype=self.dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(
                f"cannot be opened: {str(error).splitlines()[0]}", where=str(folder), hint="check that transformers knows this architecture"
            ) from error
        self.model.to(device).eval()
        if attention.is_plain(self.model):
            self.model.set_attn_implementation(attention.register())

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "kind": "local",
            **self._digests,
            "template": digest(self.tokenizer.chat_template),
            "thinking": self.thinking.told,
            "dtype": str(self.dtype).removeprefix("torch."),
            "quantisation": getattr(self.model.config, "quantization_config", None) and digest(str(self.model.config.quantization_config)),
            "engine": f"transformers {transformers.__version__}, torch {torch.__version__}",
        }

    @cached_property
    def _digests(self) -> dict[str, str]:
        """Of what was opened and stays as it is; reading it takes a second for every few hundred megabytes."""
        weights = {path.name: digest_file(path) for path in sorted(self.folder.glob("*.safetensors"))}
        return {
            "weights": digest(weights),
            "tokenizer": digest_file(self.folder / "tokenizer.json"),
            "vocabulary": digest(token_map(self.tokenizer)),
        }

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        """`num_samples` answers for each conversation, in order, with the reasoning apart."""
        texts = [self._prompt(messages, self.thinking) for messages in conversations]
        inside = bool(texts) and opens_block(texts[0])

        def completion(row: Row, num_prompt_tokens: int) -> Completion:
            reasoning, text = split_reasoning(self.tokenizer.decode(row.token_ids), self.thinking, inside=inside)
            num_new, num_thought = len(row.token_ids), self._num_thought(row.token_ids, reasoning)
            text = self._cut(text, sampling.stop)
            return Completion(text, row.finish_reason, num_prompt_tokens, num_new, reasoning=reasoning, num_reasoning_tokens=num_thought)

        return self._decode([self.encode_text(text) for text in texts], sampling, num_samples, completion)

    def complete(self, prompts: Sequence[str | Sequence[int]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        """Continues texts, each begun as the model's texts are, or token ids as they stand."""

        def completion(row: Row, num_prompt_tokens: int) -> Completion:
            text = self._cut(self.tokenizer.decode(row.token_ids), sampling.stop)
            return Completion(text, row.finish_reason, num_prompt_tokens, len(row.token_ids))

        ids = [self._begun(self.encode_text(p)) if isinstance(p, str) else list(p) for p in prompts]
        return self._decode(ids, sampling, num_samples, completion)

    @property
    def constraint_kinds(self) -> frozenset[str]:
        return frozenset(KINDS if constrain_local.available() else ())

    def constrain(
        self, conversations: Sequence[Sequence[Message]], constraints: Sequence[Constraint], sampling: Sampling, num_samples: int = 1
    ) -> list[list[Completion]]:
        """`num_samples` answers for each conversation, in its constraint. A model that thinks does not think before them."""
        mode = ThinkMode.OFF if self.thinking is ThinkMode.ON else self.thinking
        prompts = [self.encode_text(self._prompt(messages, mode)) for messages in conversations]

        def completion(row: Row, num_prompt_tokens: int) -> Completion:
            text = self._cut(self.tokenizer.decode(row.token_ids), sampling.stop)
            return Completion(text, row.finish_reason, num_prompt_tokens, len(row.token_ids))

        return self._decode(prompts, sampling, num_samples, completion, constraints)

    @cached_property
    def _token_bytes(self) -> Any:
        return constrain_local.bytes_of(self.tokenizer, self.model.get_output_embeddings().weight.shape[0], sorted(self.stop_ids))

    def score(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], top_k: int) -> list[TokenTargets]:
        return score_rows(self.model, [self._begun(prompt) for prompt in prompts], continuations, top_k, self.batch_size)

    def states(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]) -> Iterator[tuple[int, torch.Tensor]]:
        for rows in scoring_batches(prompts, continuations, self.batch_size):
            found = predicting_states(self.model, [prompts[i] for i in rows], [continuations[i] for i in rows])
            yield from zip(rows, found, strict=True)

    def distribution(self, states_TH: torch.Tensor) -> torch.Tensor:
        return distribution(self.model, states_TH)

    def plain_head(self) -> torch.Tensor:
        if changes_logits(self.model):
            raise ModelError(
                f"`{self.name}` changes its logits after the head (a scale, a soft cap or a bias): hidden states and head are not enough",
                hint="keep another kind of target, such as `targets: {codec: nucleus}`",
            )
        return self.model.get_output_embeddings().weight.detach()

    def _num_thought(self, token_ids: list[int], reasoning: str) -> int:
        """How many of the tokens are reasoning, its marks included."""
        if not reasoning:
            return 0
        if CLOSE not in self.tokenizer.decode(token_ids):
            return len(token_ids)
        return 1 + bisect_left(range(len(token_ids)), True, key=lambda last: CLOSE in self.tokenizer.decode(token_ids[: last + 1]))

    def _decode(
        self,
        prompts: list[list[int]],
        sampling: Sampling,
        num_samples: int,
        completion: Callable[[Row, int], Completion],
        constraints: Sequence[Constraint] | None = None,
    ) -> list[list[Completion]]:
        limit = getattr(self.model.config, "max_position_embeddings", None)
        for prompt in prompts:
            if not prompt:
                raise ModelError("the prompt is empty", hint="give at least one token")
            if limit and len(prompt) + sampling.max_new_tokens > limit:
                raise ModelError(
                    f"the prompt has {len(prompt)} tokens; with {sampling.max_new_tokens} new ones that is over the context of {limit}",
                    hint="shorten the prompt or ask for fewer tokens",
                )
        order = [place for group in siblings(prompts) for place in group]
        step = max(1, self.batch_size // num_samples)
        answers: list[list[Completion]] = [[] for _ in prompts]
        for first in range(0, len(order), step):
            rows = order[first : first + step]
            held = [constraints[i] for i in rows for _ in range(num_samples)] if constraints else []
            restrict = constrain_local.restriction(self._token_bytes, held) if held else None
            decoded = decode_batch(
                self.model, [prompts[i] for i in rows], sampling, num_samples, self.stop_ids, self._stopper(sampling.stop), restrict
            )
            for i, samples in zip(rows, decoded, strict=True):
                answers[i] = [completion(row, len(prompts[i])) for row in samples]
        return answers

    def _begun(self, ids: Sequence[int]) -> list[int]:
        """The ids after the token that begins this model's texts, where it has one: without it, some models write nonsense."""
        return list(ids) if not self.begins or list(ids[:1]) == self.begins else [*self.begins, *ids]

    def _stopper(self, stop: tuple[str, ...]) -> Callable[[list[int]], bool]:
        if not stop:
            return lambda ids: False
        return lambda ids: any(text in self.tokenizer.decode(ids[-_TAIL_TOKENS:]) for text in stop)

    @staticmethod
    def _cut(text: str, stop: tuple[str, ...]) -> str:
        return text[: min((place for place in (text.find(s) for s in stop) if place >= 0), default=len(text))]

    @torch.inference_mode()
    def stream(
        self, prompt: Sequence[int], sampling: Sampling, top_logprobs: int | None = None
    ) -> Iterator[tuple[str, TokenLogprob | None, str | None]]:
        """Pieces of text as they are decoded. A piece that may be the beginning of a stop text, or of half a character, is held back."""
        generator = torch.Generator(device=self.model.device).manual_seed(sampling.seed)
        cache = new_cache(self.model)
        ids = torch.tensor([list(prompt)], device=self.model.device)
        found: list[int] = []
        sent = 0
        hold = max((len(text) for text in sampling.stop), default=1) - 1
        for step in range(sampling.max_new_tokens):
            logits_BV = self.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[:, -1]
            token = int(choose(logits_BV, sampling, generator)[0, 0])
            if token in self.stop_ids:
                yield self.tokenizer.decode(found)[sent:], None, "stop"
                return
            found.append(token)
            logprob = self.token_logprob(logits_BV[0], token, top_logprobs) if top_logprobs is not None else None
            text = self.tokenizer.decode(found)
            whole = self._cut(text, sampling.stop)
            if len(whole) < len(text):
                yield whole[sent:], logprob, "stop"
                return
            ready = sent if text.endswith("\ufffd") else max(sent, len(text) - hold)
            last = step == sampling.max_new_tokens - 1
            yield (text[sent:] if last else text[sent:ready]), logprob, "length" if last else None
            sent = ready
            ids = torch.tensor([[token]], device=self.model.device)

    def token_logprob(self, logits_V: torch.Tensor, token: int, num_top: int) -> TokenLogprob:
        """The log-probability of `token` and of the `num_top` best, from the untempered distribution."""
        logprobs_V = torch.log_softmax(logits_V.float(), -1)
        best = logprobs_V.topk(num_top) if num_top else None
        top = (
            tuple((int(i), self.tokenizer.decode([int(i)]), float(v)) for i, v in zip(best.indices, best.values, strict=True))
            if best
            else ()
        )
        return TokenLogprob(token, self.tokenizer.decode([token]), float(logprobs_V[token]), top)


def use_threads(count: int | None = None) -> None:
    """Sets the number of processor threads; all that this process may use by default."""
    torch.set_num_threads(count or num_threads())
