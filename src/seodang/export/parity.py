"""How far an exported file agrees with the checkpoint it was made from, measured where they answer."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seodang.core.errors import InputError
from seodang.export.llama_cpp import LlamaCppModel
from seodang.models.chat_model import Message, Sampling, TokenLogprob

_SPEED_TOKENS = 32
_SPEED_RUNS = 3


@dataclass(frozen=True, slots=True)
class Reference:
    """What the checkpoint says to one conversation: its greedy answer, and its distribution before each token of it."""

    messages: tuple[Message, ...]
    prompt: list[int]
    answer: list[int]  # at least T - 1 tokens
    logprobs: npt.NDArray[np.float32]  # (T, V): natural logarithms of V tokens at T positions


def measure_parity(
    checkpoint: Path,
    gguf: Path,
    prompts: Sequence[Sequence[Message]],
    *,
    num_positions: int = 16,
    top_k: int = 20,
    threads: int | None = None,
) -> dict[str, Any]:
    """`compare` of a GGUF file with what `predict` gives for its checkpoint; for several files, call the two apart."""
    return compare(predict(checkpoint, prompts, num_positions=num_positions), gguf, top_k=top_k, threads=threads)


def predict(checkpoint: Path, prompts: Sequence[Sequence[Message]], *, num_positions: int = 16) -> list[Reference]:
    """The checkpoint's own words in float32: up to `num_positions` positions of the greedy answer to each prompt, the end included."""
    import torch

    from seodang.models.decoding import decode_batch
    from seodang.models.local import LocalModel

    if not prompts:
        raise InputError("no prompts were given, so there is nothing to compare", hint="give at least one conversation")
    model = LocalModel(checkpoint, dtype="float32")
    ids = [model.encode_chat(messages) for messages in prompts]
    rows = decode_batch(model.model, ids, Sampling(max_new_tokens=num_positions), 1, model.stop_ids, lambda found: False)
    references: list[Reference] = []
    for messages, prompt, (row,) in zip(prompts, ids, rows, strict=True):
        count = min(num_positions, len(row.token_ids) + 1)
        sequence = torch.tensor([[*prompt, *row.token_ids[: count - 1]]])
        with torch.inference_mode():
            logits_TV = model.model(input_ids=sequence, logits_to_keep=count).logits[0]
        references.append(Reference(tuple(messages), prompt, row.token_ids, torch.log_softmax(logits_TV.float(), -1).numpy()))
    return references


def compare(references: Sequence[Reference], gguf: Path, *, top_k: int = 20, threads: int | None = None) -> dict[str, Any]:
    """Runs the file in llama.cpp on the checkpoint's prompts and answers. Nothing else may keep the processor busy meanwhile.

    - `bytes`: size of the file; `tokens_per_s`: greedy decoding of one conversation, median of three runs on `threads` threads
    - `same_token_ids`: share of the `num_prompts` prompts that both sides' template and tokenizer turn into the same ids
    - `top1`: share of the `num_positions` positions whose most probable token is the same; each position is given the
      checkpoint's prompt and answer up to there, whatever llama.cpp would have said before
    - `kl`: mean KL(checkpoint || file) in nats a position, over the file's `top_k` best tokens and one bucket for all others.
      Putting the others together can only hide a difference, so this is a lower bound of the full divergence
    - `runtime`: llama.cpp's package and version
    """
    agreements: list[bool] = []
    divergences: list[float] = []
    longest = max(len(reference.prompt) + len(reference.logprobs) for reference in references)
    with LlamaCppModel(gguf, threads=threads, context=max(2048, longest + _SPEED_TOKENS)) as model:
        same = [model.encode_chat(reference.messages) == reference.prompt for reference in references]
        for reference in references:
            for position, logprobs_V in enumerate(reference.logprobs):
                step = model.next_token([*reference.prompt, *reference.answer[:position]], top_k)
                agreements.append(step.top[0][0] == int(logprobs_V.argmax()))
                divergences.append(bucketed_kl(logprobs_V, step))
        speeds = [model.generate(references[0].prompt, _SPEED_TOKENS, ignore_end=True).tokens_per_s for _ in range(_SPEED_RUNS)]
        return {
            "bytes": gguf.stat().st_size,
            "tokens_per_s": statistics.median(speeds),
            "threads": model.threads,
            "same_token_ids": sum(same) / len(same),
            "top1": sum(agreements) / len(agreements),
            "kl": max(0.0, sum(divergences) / len(divergences)),  # below 0 only by the rounding of the file's float32 numbers
            "top_k": top_k,
            "num_positions": len(agreements),
            "num_prompts": len(references),
            "runtime": model.runtime,
        }


def bucketed_kl(logprobs_V: npt.NDArray[np.float32], step: TokenLogprob) -> float:
    """KL(p || q) in nats of a whole distribution p against the tokens that `step` lists of q, all others being one bucket."""
    p_V = np.exp(logprobs_V.astype(np.float64))
    top = [token for token, _, _ in step.top]
    log_q_K = np.array([logprob for _, _, logprob in step.top], dtype=np.float64)
    p_rest = p_V.sum() - p_V[top].sum()
    q_rest = max(1.0 - np.exp(log_q_K).sum(), np.finfo(np.float32).eps)
    kl = float((p_V[top] * (logprobs_V[top].astype(np.float64) - log_q_K)).sum())
    return kl + (float(p_rest * np.log(p_rest / q_rest)) if p_rest > 0 else 0.0)
