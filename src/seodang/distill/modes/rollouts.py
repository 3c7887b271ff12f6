"""Answers of a student that is being trained, to the questions it is taught: sampled in batches, as token ids."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from seodang.core.errors import ModelError
from seodang.core.hashing import digest
from seodang.distill import packed_attention
from seodang.models import attention
from seodang.models.chat_model import Sampling
from seodang.models.decoding import Row, decode_batch


def write(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    stop_ids: frozenset[int],
    num_samples: int = 1,
) -> list[list[Row]]:
    """`num_samples` answers to each prompt: a function of the weights, the prompts and the settings, that leaves the model and the common
    random numbers as they were. A token is drawn among the 256 most probable. ModelError where a prompt leaves no room to answer.
    """
    limit = getattr(model.config, "max_position_embeddings", None)
    room = max_new_tokens if limit is None else min(max_new_tokens, limit - max(map(len, prompts)))
    if room < 1:
        raise ModelError(
            f"a question of {max(map(len, prompts))} tokens leaves a student with a context of {limit} no room to answer",
            hint="leave such records out, or teach at the verified answers: `distill.mode: cached`",
        )
    with _decoding(model):
        return decode_batch(model, prompts, Sampling(room, temperature, seed=seed), num_samples, stop_ids, lambda ids: False)


def drawn(*parts: Any) -> int:
    """A number below 2 ** 60 that follows from `parts` alone: a seed, or in units of 2 ** 60 a uniform draw."""
    return int(digest(list(parts))[:15], 16)


@contextmanager
def _decoding(model: Any) -> Generator[None]:
    """A model in training as one that decodes: without dropout, and with the attention of decoding in place of that of packs."""
    training, in_packs = model.training, model.config._attn_implementation == packed_attention.NAME
    model.eval()
    if in_packs:
        model.set_attn_implementation(attention.register())
    try:
        yield
    finally:
        if in_packs:
            model.set_attn_implementation(packed_attention.NAME)
        model.train(training)
