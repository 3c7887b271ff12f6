"""Given tokens scored in batches: what is alike is read once, and the head is put to many states at a time."""

from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from transformers import PreTrainedModel

from seodang.models.chat_model import TokenTargets
from seodang.models.decoding import distribution, predicting_states, siblings

_FEWEST_TOGETHER = 4  # fewer rows that share a passage are scored with others
_HEAD_TOKENS = 64  # states that meet the head at once: its weights are read once for them, and their distributions fit into memory


def score_rows(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], top_k: int, batch_size: int
) -> list[TokenTargets]:
    """The model's distribution at every token of each continuation, after its prompt.

    The last token of a continuation is predicted and not read. So rows that differ in it alone, such as the letters of one question, are
    one row of the batch.
    """
    alike: dict[tuple[int, ...], list[int]] = {}
    for row, (prompt, continuation) in enumerate(zip(prompts, continuations, strict=True)):
        alike.setdefault((*prompt, *continuation[:-1]), []).append(row)
    groups = [sorted(rows, key=lambda row: -len(continuations[row])) for rows in alike.values()]
    firsts = [rows[0] for rows in groups]
    targets: dict[int, TokenTargets] = {}
    for places in scoring_batches([prompts[row] for row in firsts], [continuations[row] for row in firsts], batch_size):
        batch = [groups[place] for place in places]
        states = predicting_states(model, [prompts[rows[0]] for rows in batch], [continuations[rows[0]] for rows in batch])
        for some in _portions([len(found) for found in states]):
            scored = _put_to_head(model, states[some], [[continuations[row] for row in rows] for rows in batch[some]], top_k)
            targets |= dict(zip([row for rows in batch[some] for row in rows], scored, strict=True))
    return [targets[row] for row in range(len(prompts))]


def scoring_batches(prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
    """Rows to score together. Siblings share a batch, so that what they share is read once; what is left is sorted by length."""
    groups = siblings(prompts)
    alone = [row for rows in groups if len(rows) < _FEWEST_TOGETHER for row in rows]
    for rows in (rows for rows in groups if len(rows) >= _FEWEST_TOGETHER):
        rows.sort(key=lambda row: len(prompts[row]) + len(continuations[row]))
        yield from (rows[first : first + size] for first in range(0, len(rows), size))
    alone.sort(key=lambda row: len(prompts[row]) + len(continuations[row]))
    yield from (alone[first : first + size] for first in range(0, len(alone), size))


def _portions(lengths: Sequence[int]) -> Iterator[slice]:
    """Neighbours whose lengths come to `_HEAD_TOKENS` at most, or one that is longer."""
    start = total = 0
    for place, length in enumerate(lengths):
        if place > start and total + length > _HEAD_TOKENS:
            yield slice(start, place)
            start, total = place, 0
        total += length
    yield slice(start, len(lengths))


@torch.inference_mode()
def _put_to_head(
    model: PreTrainedModel, states: Sequence[torch.Tensor], groups: Sequence[Sequence[Sequence[int]]], top_k: int
) -> list[TokenTargets]:
    """Targets for the continuations of each group, whose states (T, H) are those of the longest one and the last of them every other's."""
    logprobs_NV = distribution(model, torch.cat(list(states)))
    best = logprobs_NV.topk(min(top_k, logprobs_NV.shape[-1]), -1) if top_k else None
    top_ids, top_logprobs = (best.indices.tolist(), best.values.tolist()) if best else ([], [])
    ends = torch.tensor([len(found) for found in states]).cumsum(0).tolist()
    spans = [(end - len(continuation), continuation) for group, end in zip(groups, ends, strict=True) for continuation in group]
    places = [start + number for start, continuation in spans for number in range(len(continuation))]
    tokens = [token for _, continuation in spans for token in continuation]
    chosen = iter(logprobs_NV[torch.tensor(places, dtype=torch.long), torch.tensor(tokens, dtype=torch.long)].tolist())
    return [
        TokenTargets(
            top_ids=top_ids[start : start + len(continuation)],
            top_logprobs=top_logprobs[start : start + len(continuation)],
            logprobs=list(islice(chosen, len(continuation))),
        )
        for start, continuation in spans
    ]
